"""The check table: how many of a prompt's measurable demands the given take meets.

Checks are measured on joints and need no evaluator. Test captions are compared with their real
clips; everyday prompts, which no clip belongs to, are split by how often the training clips show
what they ask for, and by language where they are in several. Of prompts with several parts
("walks, then sits down") the later ones count apart, since models lose them most often.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ext_models.datasets.examples import Example
from ext_models.prompt_checks.checks import CheckResult, PromptCheck
from ext_models.prompt_checks.grammar import read_checks
from ext_models.prompt_checks.measuring import measure

from .baselines import NEAREST_CAPTION, REAL, TEXT, Method
from .clip_maker import ClipMaker
from .eval_set import EvalSet
from .metrics import mean_and_half
from .prompts.prompt_lists import Prompt, PromptList
from .prompts.prompt_scores import PART, prompt_motions
from .tables import Row, Table, Value

Array = NDArray[np.floating]

MET: Final = "checks met"
LATER: Final = "of later parts"
#: Training clips of a kind from which a pack should have learnt it.
ENOUGH: Final = 10
CAPTIONS: Final = "test captions"
KNOWN: Final = f"of kinds with {ENOUGH} training clips"


@dataclass(frozen=True)
class CheckScore:
    """Checks met of some prompts.

    Attributes:
        name: of the prompts and the method.
        met: (N,) share of its checks that the motion of each prompt meets, prompts without checks
            left out.
        later: (M,) the same of the parts after the first, of prompts that have some.
        checks: how many checks they have.
    """

    name: str
    met: Array
    later: Array
    checks: int

    def row(self) -> Row:
        """One line of the table."""
        values: dict[str, Value] = {
            "prompts": float(len(self.met)),
            "checks": float(self.checks),
            MET: mean_and_half(self.met),
        }
        if len(self.later):
            values[LATER] = mean_and_half(self.later)
        return Row(self.name, values)


def check_table(
    eval_set: EvalSet, maker: ClipMaker, methods: Sequence[Method], lists: Sequence[PromptList]
) -> Table | None:
    """Checks met by captions' and prompts' motions; None where nothing can be checked.

    Args:
        eval_set: the clips and the pack.
        maker: makes the motions of the lists' prompts.
        methods: motions of the captions.
        lists: those whose prompts name checks are measured.
    """
    scores = [
        check_score(f"{CAPTIONS}: {method.name}", map(read_checks, eval_set.captions), method)
        for method in methods
        if method.name in (REAL, TEXT, NEAREST_CAPTION)
    ]
    for one in lists:
        if any(prompt.checks for prompt in one.prompts):
            scores += _list_scores(eval_set, maker, one)
    rows = tuple(score.row() for score in scores if len(score.met))
    return Table("prompts: motion", rows) if rows else None


def check_score(name: str, checks: Iterable[tuple[PromptCheck, ...]], method: Method) -> CheckScore:
    """Checks met by a method's motions, the samples of a prompt as their mean.

    Args:
        name: of the row.
        checks: of each prompt.
        method: a motion for each prompt in each sample.
    """
    asked = list(checks)
    results = [
        [measure(own, joints) for own, joints in zip(asked, sample, strict=True) if own]
        for sample in method.samples
    ]
    met = np.array([[_share(found) for found in sample] for sample in results])
    later = np.array(
        [
            [_share(after) for found in sample if (after := [r for r in found if r.check.part])]
            for sample in results
        ]
    )
    return CheckScore(name, met.mean(axis=0), later.mean(axis=0), sum(map(len, asked)))


def _share(results: Sequence[CheckResult]) -> float:
    """The share of some checks that is met."""
    return float(np.mean([result.met for result in results]))


def clips_of(prompt: Prompt, train: Sequence[Example]) -> int:
    """How many training clips have a caption with a word that begins with the prompt's action."""
    word = re.compile(rf"\b{re.escape(prompt.action)}")
    return sum(any(word.search(c.lower()) for c in example.captions) for example in train)


def _list_scores(eval_set: EvalSet, maker: ClipMaker, one: PromptList) -> list[CheckScore]:
    """All prompts of a list, those of which there are enough training clips, and each language."""
    samples = prompt_motions(eval_set, maker, one)
    every = range(len(one.prompts))
    known = [k for k in every if clips_of(one.prompts[k], eval_set.train) >= ENOUGH]
    rows: list[tuple[str, Sequence[int]]] = [
        (one.name, every),
        (f"{one.name}{PART}{KNOWN}", known),
    ]
    for language in dict.fromkeys(p.language for p in one.prompts if p.language):
        spoken = [k for k in every if one.prompts[k].language == language]
        rows.append((f"{one.name}{PART}{language}", spoken))
    found: list[CheckScore] = []
    for name, chosen in rows:
        checks = [read_checks(", ".join(one.prompts[k].checks)) for k in chosen]
        method = Method(TEXT, tuple([sample[k] for k in chosen] for sample in samples))
        found.append(check_score(f"{name}: {TEXT}", checks, method))
    return found

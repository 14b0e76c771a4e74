"""How far the checks of prompts can be trusted, by real clips and their own captions.

A check is right when the clips whose caption demands it meet it and when others do not. The
thresholds of ``ext_models.prompt_checks`` were chosen by this table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from ext_models.datasets.examples import Example
from ext_models.evaluation.tables import Row, Table
from ext_models.prompt_checks.checks import Demand, PromptCheck, Side
from ext_models.prompt_checks.grammar import read_checks
from ext_models.prompt_checks.measuring import measure

#: How often a clip that does not demand a check is looked for.
TRIES: Final = 20


def precision_table(examples: Sequence[Example], most: int, seed: int) -> Table:
    """Of each kind of check, how many clips that demand it and how many others meet it.

    Args:
        examples: captioned clips of 22 joints.
        most: clips of each kind, at most.
        seed: of the clips and of the caption that each is asked by.
    """
    rng = np.random.default_rng(seed)
    own: dict[str, list[bool]] = {}
    others: dict[str, list[bool]] = {}
    for number in rng.permutation(len(examples)):
        example = examples[number]
        checks = read_checks(_caption(example, rng))
        kinds = {kind_of(check) for check in checks}
        if not kinds or all(len(own.get(kind, ())) >= most for kind in kinds):
            continue
        for result in measure(checks, example.joints, example.fps):
            own.setdefault(kind_of(result.check), []).append(result.met)
        other = _other(examples, example, kinds, rng)
        if other is not None:
            for result in measure(checks, other.joints, other.fps):
                others.setdefault(kind_of(result.check), []).append(result.met)
    return Table(
        "checks of real clips",
        tuple(
            Row(
                kind,
                {
                    "clips": float(len(own[kind])),
                    "met where the caption demands it": float(np.mean(own[kind])),
                    "met by other clips": float(np.mean(others.get(kind, [0.0]))),
                },
            )
            for kind in sorted(own)
        ),
    )


def kind_of(check: PromptCheck) -> str:
    """The row of a check: without side, size and count, of which a row has all."""
    plain = replace(check, part=0, side=None, degrees=None, times=None)
    if check.demand is Demand.STEPS:
        return "takes N steps"
    if check.demand is Demand.TRAVEL and check.side and not check.direction:
        return "moves to a side"
    name = str(plain)
    if check.demand in (Demand.RAISE, Demand.LOWER) and check.side is Side.BOTH:
        name = str(replace(plain, side=Side.BOTH))
    if check.demand is Demand.TURN:
        name += " to a side" if check.side else ""
        name += " by N degrees" if check.degrees else ""
    elif check.side and check.demand not in (Demand.RAISE, Demand.LOWER, Demand.TRAVEL):
        name += ", side named"
    return name + (", N times" if check.times else "")


def _caption(example: Example, rng: np.random.Generator) -> str:
    return example.captions[int(rng.integers(len(example.captions)))]


def _other(
    examples: Sequence[Example], example: Example, kinds: set[str], rng: np.random.Generator
) -> Example | None:
    """A clip of another label, none of whose captions demands one of the kinds."""
    for _ in range(TRIES):
        other = examples[int(rng.integers(len(examples)))]
        if other.label == example.label:
            continue
        asked = {kind_of(check) for caption in other.captions for check in read_checks(caption)}
        if not asked & kinds:
            return other
    return None

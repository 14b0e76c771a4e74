"""How a pack does on lists of prompts, beside looking captions up and beside plain captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ext_models.datasets.joining import Apart, in_turn, with_upper_body
from ext_models.evaluation.baselines import LOOKED_UP, REAL, TEXT, System, looked_up, samples
from ext_models.evaluation.clip_maker import ClipMaker
from ext_models.evaluation.eval_set import Judge, Study
from ext_models.evaluation.metrics import TOP
from ext_models.evaluation.tables import Row, Table, Value
from ext_models.evaluation.text_motion_table import embed, over
from ext_models.generation.request import GenerationRequest

from .label_pools import LabelPools
from .prompt_lists import How, Prompt, PromptList, label_parts

Array = NDArray[np.floating]

#: The held-out clips' own captions, which every list is compared with.
PLAIN: Final = "plain captions"
#: Between a list's name and a part of it: the compositions of one kind.
PART: Final = ", "
#: Pairs of clips that are tried to join two parts of a composition.
PAIRS: Final = 200


@dataclass(frozen=True)
class ListScore:
    """One list, one system: R@1 to R@3 of each prompt (N, 3), in plain pools and among alikes."""

    list_name: str
    system: str
    plain: Array
    alike: Array


def prompt_scores(
    study: Study,
    judge: Judge,
    maker: ClipMaker,
    systems: Sequence[System],
    lists: Sequence[PromptList],
) -> list[ListScore]:
    """Scores of plain captions and of every list: made, looked up, and real where there is one.

    Args:
        study: what is looked at.
        judge: says what lies near what.
        maker: makes the clips of the lists' prompts.
        systems: clips of the plain captions, as ``systems.compared`` gives them.
        lists: their prompts are of labels that the data has.
    """
    pools = LabelPools.of([*study.train, *study.held_out], judge, study.settings.pool)
    plain = [
        Prompt(caption, labels=(example.label,))
        for caption, example in zip(study.captions, study.clips, strict=True)
    ]
    scores = [
        _score(study, judge, pools, plain, PLAIN, system)
        for system in systems
        if system.name in (REAL, TEXT, LOOKED_UP)
    ]
    for one in lists:
        texts = [p.text for p in one.prompts]
        rows = [
            System(TEXT, tuple(_written(study, maker, one))),
            System(LOOKED_UP, tuple(looked_up(study, texts, samples(study)))),
        ]
        shown, real = _real(study, one)
        if shown:
            rows.insert(0, System(REAL, (real,)))
        for row in rows:
            asked = shown if row.name == REAL else one.prompts
            score = _score(study, judge, pools, asked, one.name, row)
            scores += [score, *_by_kind(score, asked)]
    return scores


def _by_kind(score: ListScore, prompts: Sequence[Prompt]) -> list[ListScore]:
    """A list's scores apart for each kind of composition, where it has several."""
    kinds = dict.fromkeys(p.how for p in prompts)
    if len(kinds) < 2:
        return []
    parts: list[ListScore] = []
    for how in kinds:
        rows = [k for k, p in enumerate(prompts) if p.how is how]
        name = f"{score.list_name}{PART}{how.value or 'other'}"
        parts.append(ListScore(name, score.system, score.plain[rows], score.alike[rows]))
    return parts


def prompt_table(scores: Sequence[ListScore], pool: int) -> Table:
    """The lists as a table; shares are those of the same system's plain captions."""
    plain = {s.system: s for s in scores if s.list_name == PLAIN}
    rows: list[Row] = []
    for score in scores:
        values: dict[str, Value] = {"prompts": float(len(score.plain))}
        values |= {f"R@{k}": over(score.plain[:, k - 1]) for k in range(1, TOP + 1)}
        values["R@1 among alike"] = over(score.alike[:, 0])
        values[f"R@{TOP} among alike"] = over(score.alike[:, -1])
        base = plain.get(score.system)
        if base is not None and score is not base:
            values[f"share of plain R@{TOP}"] = share(score.plain, base.plain)
            values[f"share of plain R@{TOP}, alike"] = share(score.alike, base.alike)
        rows.append(Row(f"{score.list_name}: {score.system}", values))
    return Table(f"prompts, pools of {pool} labels", tuple(rows))


def share(hits: Array, plain: Array) -> tuple[float, float]:
    """R@3 over plain R@3, and half its interval: both are means of clips of their own."""
    (a, da), (b, db) = over(hits[:, -1]), over(plain[:, -1])
    if not b:
        return 0.0, 0.0
    return a / b, float(np.hypot(da / b, a * db / b**2))


def _score(
    study: Study,
    judge: Judge,
    pools: LabelPools,
    prompts: Sequence[Prompt],
    name: str,
    system: System,
) -> ListScore:
    asked = judge.embed_text([p.text for p in prompts])
    points = embed(judge, system.clips, name).reshape(len(system.samples), len(prompts), -1)
    found = [
        [
            pools.hits(
                prompt,
                asked[k : k + 1],
                points[:, k],
                study.settings.draws,
                study.number("labels", prompt.text),
                alike=alike,
            )
            for k, prompt in enumerate(prompts)
        ]
        for alike in (False, True)
    ]
    return ListScore(name, system.name, np.array(found[0]), np.array(found[1]))


def prompt_requests(study: Study, one: PromptList) -> list[GenerationRequest]:
    """What is asked for a list, sample by sample."""
    return [
        GenerationRequest(
            prompt=prompt.text,
            frames=_frames(study, prompt),
            seed=study.number("prompt", sample, prompt.text),
            temperature=study.settings.temperature,
            tries=study.settings.tries,
        )
        for sample in samples(study)
        for prompt in one.prompts
    ]


def _written(study: Study, maker: ClipMaker, one: PromptList) -> list[list[NDArray[np.float32]]]:
    made = maker.make(prompt_requests(study, one), one.name)
    count = len(one.prompts)
    return [made[s * count : (s + 1) * count] for s in samples(study)]


def _frames(study: Study, prompt: Prompt) -> int:
    """The length of a prompt's motion: as it says, or as its clips are in the middle."""
    longest = study.pipeline.manifest.max_frames
    if prompt.seconds is not None:
        return min(longest, max(1, round(prompt.seconds * study.pipeline.manifest.fps)))
    every = [*study.train, *study.held_out]
    if prompt.labels:
        shown = [[len(e.joints) for e in every if e.label in prompt.labels]]
    else:
        shown = [[len(e.joints) for e in every if p in label_parts(e.label)] for p in prompt.parts]
        shown = shown if prompt.how is How.THEN else shown[:1]
    return min(longest, sum(int(np.median(lengths)) for lengths in shown if lengths))


def _real(study: Study, one: PromptList) -> tuple[list[Prompt], list[NDArray[np.float32]]]:
    """Prompts that real clips show, or real clips joined, and these clips."""
    shown: list[Prompt] = []
    clips: list[NDArray[np.float32]] = []
    for prompt in one.prompts:
        joints = _shown(study, prompt) if prompt.labels else _joined(study, prompt)
        if joints is not None:
            shown.append(prompt)
            clips.append(joints)
    return shown, clips


def _shown(study: Study, prompt: Prompt) -> NDArray[np.float32] | None:
    """A clip of one of a prompt's labels, held out if there is one."""
    for part in (study.held_out, study.train):
        fitting = [e for e in part if e.label in prompt.labels]
        if fitting:
            return fitting[study.number("real", prompt.text) % len(fitting)].joints
    return None


def _joined(study: Study, prompt: Prompt) -> NDArray[np.float32] | None:
    """A composition's real clips, one after the other or one body on the other's legs."""
    if prompt.how not in (How.THEN, How.WHILE):
        return None
    every = [*study.train, *study.held_out]
    firsts, seconds = ([e for e in every if p in label_parts(e.label)] for p in prompt.parts[:2])
    longest = study.pipeline.manifest.max_frames
    for draw in range(PAIRS):
        first = firsts[study.number("first", draw, prompt.text) % len(firsts)]
        second = seconds[study.number("second", draw, prompt.text) % len(seconds)]
        if prompt.how is How.WHILE:
            count = min(len(first.joints), len(second.joints))
            return with_upper_body(first.joints[:count], second.joints[:count])
        # Its captions are of no interest here: only whether the two motions fit.
        spoken = replace(second, captions=("a person moves.",))
        joined = in_turn(first, spoken, longest, Apart())
        if joined is not None:
            return joined.joints
    return None

"""How a pack does on lists of prompts, beside looking captions up and beside plain captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ext_models.datasets.joining import HeldOutPairs, concatenate_clips, with_upper_body
from ext_models.evaluation.baselines import (
    NEAREST_CAPTION,
    REAL,
    TEXT,
    Method,
    nearest_caption_motions,
    samples,
)
from ext_models.evaluation.clip_maker import ClipMaker
from ext_models.evaluation.eval_set import EvalSet, Evaluator
from ext_models.evaluation.metrics import TOP, mean_and_half
from ext_models.evaluation.tables import Row, Table, Value
from ext_models.evaluation.text_motion_table import embed
from ext_models.generation.request import GenerationRequest

from .label_pools import LabelPools
from .prompt_lists import Composition, Prompt, PromptList, label_parts

Array = NDArray[np.floating]

#: The held-out clips' own captions, which every list is compared with.
PLAIN: Final = "plain captions"
#: Between a list's name and a part of it: the compositions of one kind.
PART: Final = ", "
#: Length of a prompt that names neither seconds nor clips.
SECONDS: Final = 4.0
#: Pairs of clips that are tried to join two parts of a composition.
PAIRS: Final = 200


@dataclass(frozen=True)
class ListScore:
    """One list, one method: R@1 to R@3 of each prompt (N, 3), in plain pools and among alikes."""

    list_name: str
    method: str
    plain: Array
    alike: Array


def prompt_scores(
    eval_set: EvalSet,
    evaluator: Evaluator,
    maker: ClipMaker,
    methods: Sequence[Method],
    lists: Sequence[PromptList],
) -> list[ListScore]:
    """Scores of plain captions and of every list: made, looked up, and real where there is one.

    Args:
        eval_set: the clips and the pack.
        evaluator: embeds captions and motions.
        maker: makes the clips of the lists' prompts.
        methods: clips of the plain captions, as ``baselines.all_methods`` gives them.
        lists: their prompts are of labels that the data has.
    """
    pools = LabelPools.of([*eval_set.train, *eval_set.held_out], evaluator, eval_set.settings.pool)
    plain = [
        Prompt(caption, labels=(example.label,))
        for caption, example in zip(eval_set.captions, eval_set.clips, strict=True)
    ]
    scores = [
        _score(eval_set, evaluator, pools, plain, PLAIN, method)
        for method in methods
        if method.name in (REAL, TEXT, NEAREST_CAPTION)
    ]
    for one in lists:
        texts = [p.text for p in one.prompts]
        rows = [Method(TEXT, tuple(prompt_motions(eval_set, maker, one)))]
        if eval_set.has_captioned_train:
            nearest = nearest_caption_motions(eval_set, texts, samples(eval_set))
            rows.append(Method(NEAREST_CAPTION, tuple(nearest)))
        shown, real = _real(eval_set, one)
        if shown:
            rows.insert(0, Method(REAL, (real,)))
        for row in rows:
            asked = shown if row.name == REAL else one.prompts
            score = _score(eval_set, evaluator, pools, asked, one.name, row)
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
        parts.append(ListScore(name, score.method, score.plain[rows], score.alike[rows]))
    return parts


def prompt_table(scores: Sequence[ListScore], pool: int) -> Table:
    """The lists as a table; shares are those of the same method's plain captions."""
    plain = {s.method: s for s in scores if s.list_name == PLAIN}
    rows: list[Row] = []
    for score in scores:
        values: dict[str, Value] = {"prompts": float(len(score.plain))}
        values |= {f"R@{k}": mean_and_half(score.plain[:, k - 1]) for k in range(1, TOP + 1)}
        values["R@1 among alike"] = mean_and_half(score.alike[:, 0])
        values[f"R@{TOP} among alike"] = mean_and_half(score.alike[:, -1])
        base = plain.get(score.method)
        if base is not None and score is not base:
            values[f"share of plain R@{TOP}"] = share(score.plain, base.plain)
            values[f"share of plain R@{TOP}, alike"] = share(score.alike, base.alike)
        rows.append(Row(f"{score.list_name}: {score.method}", values))
    return Table(f"prompts, pools of {pool} labels", tuple(rows))


def share(hits: Array, plain: Array) -> tuple[float, float]:
    """R@3 over plain R@3, and half its interval: both are means of clips of their own."""
    (a, da), (b, db) = mean_and_half(hits[:, -1]), mean_and_half(plain[:, -1])
    if not b:
        return 0.0, 0.0
    return a / b, float(np.hypot(da / b, a * db / b**2))


def _score(
    eval_set: EvalSet,
    evaluator: Evaluator,
    pools: LabelPools,
    prompts: Sequence[Prompt],
    name: str,
    method: Method,
) -> ListScore:
    asked = evaluator.embed_text([p.in_english for p in prompts])
    points = embed(evaluator, method.clips, name).reshape(len(method.samples), len(prompts), -1)
    found = [
        [
            pools.hits(
                prompt,
                asked[k : k + 1],
                points[:, k],
                eval_set.settings.draws,
                eval_set.number("labels", prompt.text),
                alike=alike,
            )
            for k, prompt in enumerate(prompts)
        ]
        for alike in (False, True)
    ]
    return ListScore(name, method.name, np.array(found[0]), np.array(found[1]))


def prompt_requests(eval_set: EvalSet, one: PromptList) -> list[GenerationRequest]:
    """What is asked for a list, sample by sample."""
    return [
        GenerationRequest(
            prompt=prompt.text,
            frames=_frames(eval_set, prompt),
            sampling=eval_set.sampling("prompt", sample, prompt.text),
        )
        for sample in samples(eval_set)
        for prompt in one.prompts
    ]


def prompt_motions(
    eval_set: EvalSet, maker: ClipMaker, one: PromptList
) -> list[list[NDArray[np.float32]]]:
    """The pack's motions of a list, sample by sample, one for each prompt."""
    clips = maker.make(prompt_requests(eval_set, one), one.name)
    count = len(one.prompts)
    return [clips[s * count : (s + 1) * count] for s in samples(eval_set)]


def _frames(eval_set: EvalSet, prompt: Prompt) -> int:
    """The length of a prompt's motion: as it says, or as its clips are in the middle."""
    longest = eval_set.pipeline.manifest.max_frames
    seconds = prompt.seconds
    if seconds is None and not prompt.labels and not prompt.parts:
        seconds = SECONDS
    if seconds is not None:
        return min(longest, max(1, round(seconds * eval_set.pipeline.manifest.fps)))
    every = [*eval_set.train, *eval_set.held_out]
    if prompt.labels:
        shown = [[len(e.joints) for e in every if e.label in prompt.labels]]
    else:
        shown = [[len(e.joints) for e in every if p in label_parts(e.label)] for p in prompt.parts]
        shown = shown if prompt.how is Composition.THEN else shown[:1]
    frames = sum(int(np.median(lengths)) for lengths in shown if lengths)
    # Labels whose clips are all in another split say nothing of the length.
    return min(longest, frames or round(SECONDS * eval_set.pipeline.manifest.fps))


def _real(eval_set: EvalSet, one: PromptList) -> tuple[list[Prompt], list[NDArray[np.float32]]]:
    """Prompts that real clips show, or real clips joined, and these clips."""
    shown: list[Prompt] = []
    clips: list[NDArray[np.float32]] = []
    for prompt in one.prompts:
        joints = _shown(eval_set, prompt) if prompt.labels else _joined(eval_set, prompt)
        if joints is not None:
            shown.append(prompt)
            clips.append(joints)
    return shown, clips


def _shown(eval_set: EvalSet, prompt: Prompt) -> NDArray[np.float32] | None:
    """A clip of one of a prompt's labels, held out if there is one."""
    for part in (eval_set.held_out, eval_set.train):
        fitting = [e for e in part if e.label in prompt.labels]
        if fitting:
            return fitting[eval_set.number("real", prompt.text) % len(fitting)].joints
    return None


def _joined(eval_set: EvalSet, prompt: Prompt) -> NDArray[np.float32] | None:
    """A composition's real clips, one after the other or one body on the other's legs."""
    if prompt.how not in (Composition.THEN, Composition.WHILE):
        return None
    every = [*eval_set.train, *eval_set.held_out]
    firsts, seconds = ([e for e in every if p in label_parts(e.label)] for p in prompt.parts[:2])
    longest = eval_set.pipeline.manifest.max_frames
    for draw in range(PAIRS):
        first = firsts[eval_set.number("first", draw, prompt.text) % len(firsts)]
        second = seconds[eval_set.number("second", draw, prompt.text) % len(seconds)]
        if prompt.how is Composition.WHILE:
            count = min(len(first.joints), len(second.joints))
            return with_upper_body(first.joints[:count], second.joints[:count])
        # Its captions are of no interest here: only whether the two motions fit.
        spoken = replace(second, captions=("a person moves.",))
        joined = concatenate_clips(first, spoken, longest, HeldOutPairs())
        if joined is not None:
            return joined.joints
    return None

"""The tasks that one language model learns together, drawn anew each time.

The paper's four (text; and the initial pose; and the last; and several key poses), and
beyond it: poses at both ends of a gap, a beginning to go on from, a draft to make clean,
and the reverse, from motion to words. A task whose skill the pack lacks is not drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ext_models.motion.planar import planar_offset

from .corpus import Encoded
from .instructions import PoseCode, answer, instruction, question
from .place_tokens import bins
from .vocabulary import Skill, TokenIds

Pair = tuple[list[int], list[int]]

#: Code steps of the beginning that a motion goes on from: one second.
BEGINNING = 5


@dataclass(frozen=True)
class TaskMix:
    """How often each task is drawn; the remaining share is text + key poses.

    Attributes:
        text: text only.
        initial: text and the first pose.
        last: text and the last pose.
        between: text and the poses at both ends.
        continuation: text and the first second; half of them with the last pose.
        denoise: text and a noisy version of the whole motion.
        caption: the reverse task, motion to text.
        max_keys: most key poses of the remaining task.
        place_share: share of poses that carry place tokens.
        caption_dropout: share of instructions without a caption, for classifier-free guidance.
        word_dropout: share of a caption's tokens that are left out.
        meaning_alone: share of captions without their words, where a sentence reader has read them.
            So the model learns to answer prompts with words that no caption has.
        code_noise: highest share of an answer's codes that are replaced in the input, so that the
            model learns to recover from its own errors.
        summary_share: share of the batches whose answers are summary tokens alone. Such answers
            are short, so that the model reads several times as many captions in the same time.
        late_summary_share: the same in the second half of the training; unchanged when None.
    """

    text: float = 0.4
    initial: float = 0.15
    last: float = 0.15
    between: float = 0.0
    continuation: float = 0.0
    denoise: float = 0.0
    caption: float = 0.0
    max_keys: int = 5
    place_share: float = 0.5
    caption_dropout: float = 0.0
    word_dropout: float = 0.0
    meaning_alone: float = 0.0
    code_noise: float = 0.0
    summary_share: float = 0.0
    late_summary_share: float | None = None


def draw(one: Encoded, mix: TaskMix, ids: TokenIds, eos: int) -> Pair:
    """Token ids of a random instruction for a clip, and of its answer."""
    task = draw_task(mix, ids.vocabulary.skills)
    codes: list[list[int]] = one.codes.tolist()
    if task == "caption":
        words = one.captions[_below(len(one.captions))]
        return question(codes, ids), [*words, eos]
    caption = _draw_caption(one, mix)
    count = len(codes)
    if task == "continuation" and count > BEGINNING:
        given = codes[:BEGINNING]
        ends = [count - 1] if float(torch.rand(())) < 0.5 else []
        poses = _poses(one, ends, mix, ids)
        return instruction(caption, count, poses, ids, given=given), answer(
            codes[BEGINNING:], ids, one.summary
        )
    if task == "denoise":
        draft = noisy(codes, ids.vocabulary.codes)
        return instruction(caption, count, [], ids, draft=draft), answer(codes, ids, one.summary)
    poses = _poses(one, draw_steps(task, count, mix), mix, ids)
    return instruction(caption, count, poses, ids), answer(codes, ids, one.summary)


def draw_summary(one: Encoded, mix: TaskMix, ids: TokenIds) -> Pair:
    """Token ids of a random instruction, text and perhaps poses, and of the answer's summary."""
    task, count = draw_task(mix, frozenset()), len(one.codes)
    poses = _poses(one, draw_steps(task, count, mix), mix, ids)
    return instruction(_draw_caption(one, mix), count, poses, ids), ids.summary_ids(one.summary)


def draw_task(mix: TaskMix, skills: frozenset[Skill]) -> str:
    """Name of a field of ``TaskMix``, or ``keys``."""
    need = {"continuation": Skill.CONTINUE, "denoise": Skill.DENOISE, "caption": Skill.CAPTION}
    at = float(torch.rand(()))
    for task in ("text", "initial", "last", "between", "continuation", "denoise", "caption"):
        share: float = getattr(mix, task)
        if task in need and need[task] not in skills:
            continue
        if at < share:
            return task
        at -= share
    return "keys"


def draw_steps(task: str, count: int, mix: TaskMix) -> list[int]:
    """The code steps at which a task's poses stand, ascending."""
    fixed = {"initial": [0], "last": [count - 1], "between": sorted({0, count - 1})}
    if task in fixed:
        return fixed[task]
    if task != "keys":
        return []
    wanted = 1 + _below(mix.max_keys)
    return sorted(torch.randperm(count)[:wanted].tolist())


def noisy(codes: Sequence[Sequence[int]], kinds: int) -> list[list[int]]:
    """Codes (S, L) of which a random share, up to half, is replaced."""
    given = torch.tensor(codes)
    wrong = torch.rand(given.shape) < 0.5 * torch.rand(())
    return torch.where(wrong, torch.randint(kinds, given.shape), given).tolist()


def _draw_caption(one: Encoded, mix: TaskMix) -> list[int]:
    if float(torch.rand(())) < mix.caption_dropout:
        return []
    number = _below(len(one.captions))
    caption = one.captions[number]
    meaning = one.meanings[number] if one.meanings else ()
    if meaning and float(torch.rand(())) < mix.meaning_alone:
        return list(meaning)
    kept = (torch.rand(len(caption)) >= mix.word_dropout).tolist()
    return [*meaning, *(token for token, keep in zip(caption, kept, strict=True) if keep)]


def _poses(one: Encoded, steps: Sequence[int], mix: TaskMix, ids: TokenIds) -> list[PoseCode]:
    """The poses at some steps; in a share of the draws also where they stand."""
    placed = Skill.PLACES in ids.vocabulary.skills and float(torch.rand(())) < mix.place_share
    return [
        PoseCode(
            step,
            tuple(one.poses[step].tolist()),
            bins(planar_offset(one.stands[steps[0]], one.stands[step]))
            if placed and step != steps[0]
            else None,
        )
        for step in steps
    ]


def _below(count: int) -> int:
    return int(torch.randint(count, ()))

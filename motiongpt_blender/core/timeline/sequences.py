"""Sequences: prompt blocks one after another, and the requests that generate them.

A request is never longer than the model's longest motion, so that a sequence of any length
needs the memory of one. A longer block is generated in pieces that continue each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..translation import tr
from .frame_range import frame_text
from .plan import MIN_SECONDS
from .prompts import PromptError, clean_prompt


class SequenceError(ValueError):
    """A sequence that is impossible; the message is one sentence for the user."""


@dataclass(frozen=True)
class Block:
    """One line of a sequence.

    Attributes:
        prompt: what happens, unchecked.
        start: first scene frame, the last of the block before where they touch.
        end: last scene frame.
        seed: of the sampler.
    """

    prompt: str
    start: int
    end: int
    seed: int = 0


@dataclass(frozen=True)
class Piece:
    """One request.

    Attributes:
        block: index of its block in the list.
        prompt: the checked prompt.
        start: first scene frame.
        end: last scene frame.
        seed: the block's seed, one more for each further piece.
        last: whether its block is complete with it.
    """

    block: int
    prompt: str
    start: int
    end: int
    seed: int
    last: bool


def check_sequence(
    blocks: Sequence[Block], scene_fps: float, *, any_script: bool = False
) -> list[str]:
    """The checked prompts (see ``clean_prompt``); raises SequenceError for the first fault."""
    if not blocks:
        raise SequenceError(tr("The sequence is empty: add a prompt block."))
    prompts: list[str] = []
    for number, block in enumerate(blocks, start=1):
        try:
            prompts.append(clean_prompt(block.prompt, any_script=any_script))
        except PromptError as error:
            raise SequenceError(tr("Block {number}: {error}", number=number, error=error)) from None
        _check_range(number, block, scene_fps)
    order = sorted(range(len(blocks)), key=lambda k: blocks[k].start)
    for one, other in pairwise(order):
        if blocks[other].start < blocks[one].end:
            raise SequenceError(
                tr(
                    "Block {number} starts at frame {start}, before block {earlier} ends at "
                    "frame {end}: move one of them.",
                    number=other + 1,
                    start=blocks[other].start,
                    earlier=one + 1,
                    end=blocks[one].end,
                )
            )
    return prompts


def _check_range(number: int, block: Block, scene_fps: float) -> None:
    where = tr(
        "Block {number} (frames {start} to {end})",
        number=number,
        start=frame_text(block.start),
        end=frame_text(block.end),
    )
    if block.end < block.start:
        raise SequenceError(tr("{where} ends before it starts: swap the two frames.", where=where))
    seconds = (block.end - block.start) / scene_fps
    if seconds < MIN_SECONDS:
        raise SequenceError(
            tr(
                "{where} lasts {seconds:.2f} s, the shortest is {shortest:.1f} s: make it longer.",
                where=where,
                seconds=seconds,
                shortest=MIN_SECONDS,
            )
        )


def pieces_of(
    blocks: Sequence[Block],
    chosen: Sequence[int],
    scene_fps: float,
    model_fps: float,
    max_frames: int,
    *,
    any_script: bool = False,
) -> list[Piece]:
    """The requests that generate the chosen blocks, in time order.

    Args:
        blocks: the whole sequence.
        chosen: indices of the blocks to generate.
        scene_fps: frames a second of the scene.
        model_fps: frames a second of the model.
        max_frames: the model's longest motion.
        any_script: see ``clean_prompt``.

    Raises:
        SequenceError: with a sentence for the user.
    """
    prompts = check_sequence(blocks, scene_fps, any_script=any_script)
    longest = (max_frames - 1) / model_fps
    out: list[Piece] = []
    for index in sorted(chosen, key=lambda k: blocks[k].start):
        block = blocks[index]
        count = _pieces(block, longest * scene_fps)
        cuts = [round(block.start + (block.end - block.start) * k / count) for k in range(count)]
        for k, (start, end) in enumerate(pairwise([*cuts, block.end])):
            last = k == count - 1
            out.append(Piece(index, prompts[index], start, end, block.seed + k, last))
    return out


def _pieces(block: Block, longest: float) -> int:
    """Number of equal pieces; a frame shorter than the longest, as cuts are whole frames."""
    length = block.end - block.start
    if length <= longest:
        return 1
    return math.ceil(length / max(longest - 1.0, 1.0))

"""Instructions and answers in the prompt style ``tokens``.

    caption <len_12> <pose> <at_0> <m0_7> <m1_3> ... <motion> | <m0_9> <m1_1> ... </motion>

The part after the bar is the answer; in a pack with a clip summary it begins with the summary
tokens (``<s0_5> <s1_2> ...``, see ``tokenizer.clip_summary``). Key poses carry their code step
and, if the animator asked for it, their place: ``<at_9> <left_40> <ahead_61> <turn_6>``. Codes to
continue follow ``<history>``, noisy codes to denoise follow ``<noisy>``. Captioning is the reverse:

    <motion> <m0_9> <m1_1> ... </motion> <caption> | caption </s>
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .place_tokens import Bins
from .plain_text import plain_text, plain_words
from .vocabulary import CAPTION, HISTORY, NOISY, TokenIds

#: Text is cut after so many tokens; the added tokens that follow always fit.
MAX_TEXT_TOKENS = 96

Codes = Sequence[Sequence[int]]


@dataclass(frozen=True)
class PoseCode:
    """A marked pose in an instruction.

    Attributes:
        step: code step of the motion.
        codes: coarse level first.
        place: relative to the first pose; None if it does not matter.
    """

    step: int
    codes: tuple[int, ...]
    place: Bins | None = None


def instruction(
    text_ids: Sequence[int],
    steps: int,
    poses: Sequence[PoseCode],
    ids: TokenIds,
    *,
    given: Codes = (),
    draft: Codes = (),
) -> list[int]:
    """Token ids of an instruction, up to and with the token that opens the motion.

    Args:
        text_ids: the caption, its soft tokens first; may be empty.
        steps: length of the whole motion in code steps.
        poses: marked poses.
        ids: ids of the added tokens.
        given: codes (S', L) that the motion begins with.
        draft: codes (S', L) to denoise.
    """
    out = [*text_ids[:MAX_TEXT_TOKENS], ids.length(steps)]
    for pose in poses:
        place = ids.place(pose.place) if pose.place is not None else []
        out += [ids.pose, ids.time(pose.step), *place, *ids.of_codes([pose.codes])]
    if given:
        out += [ids.word(HISTORY), *ids.of_codes(given)]
    if draft:
        out += [ids.word(NOISY), *ids.of_codes(draft)]
    return [*out, ids.start]


def answer(codes: Codes, ids: TokenIds, summary: Sequence[int] = ()) -> list[int]:
    """Token ids of an answer: its summary, codes (S, L), and the token that closes the motion."""
    return [*(ids.summary_ids(summary) if summary else ()), *ids.of_codes(codes), ids.end]


def question(codes: Codes, ids: TokenIds) -> list[int]:
    """Token ids that ask for a caption of a motion, codes (S, L)."""
    return [ids.start, *answer(codes, ids), ids.word(CAPTION)]


def text_ids(tokenizer: Any, caption: str) -> list[int]:
    """Token ids of a caption or a prompt in plain form."""
    return list(tokenizer(plain_text(caption)).input_ids)


def unknown_words(prompt: str, known: Sequence[str]) -> list[str]:
    """Words of a prompt that are in no caption of the training data."""
    vocabulary = set(known)
    return [w for w in dict.fromkeys(plain_words(prompt)) if w not in vocabulary]

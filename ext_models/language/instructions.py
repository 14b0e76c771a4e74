"""Instructions in the style ``tokens``: what the model reads and what it answers.

    caption <len_12> <pose> <at_0> <m0_7> <m1_3> ... <motion> | <m0_9> <m1_1> ... </motion>

The part after the bar is the answer. Key poses carry their time, so that the model
knows where in the motion each belongs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .vocabulary import TokenIds

#: Text is cut after so many tokens; the added tokens that follow always fit.
MAX_TEXT_TOKENS = 96


@dataclass(frozen=True)
class PoseCode:
    """One pose of a condition: the code step it stands at and its codes (L,)."""

    step: int
    codes: tuple[int, ...]


def instruction(
    text_ids: Sequence[int], steps: int, poses: Sequence[PoseCode], ids: TokenIds
) -> list[int]:
    """Token ids of an instruction, up to and with the token that opens the motion."""
    out = [*text_ids[:MAX_TEXT_TOKENS], ids.length(steps)]
    for pose in poses:
        out += [ids.pose, ids.time(pose.step), *ids.of_codes([pose.codes])]
    return [*out, ids.start]


def answer(codes: Sequence[Sequence[int]], ids: TokenIds) -> list[int]:
    """Token ids of an answer: codes (S, L) and the token that closes the motion."""
    return [*ids.of_codes(codes), ids.end]


def text_ids(tokenizer: Any, caption: str) -> list[int]:
    """Token ids of a caption, written as captions are: lower case, ending in a full stop."""
    text = caption.strip().lower().rstrip(".!") + "."
    return list(tokenizer(text).input_ids)


def unknown_words(prompt: str, known: Sequence[str]) -> list[str]:
    """Words of a prompt that no caption of the training data had."""
    vocabulary = set(known)
    words = [w.strip(".,;:!?\"'()").lower() for w in prompt.split()]
    return [w for w in dict.fromkeys(words) if w and w not in vocabulary]

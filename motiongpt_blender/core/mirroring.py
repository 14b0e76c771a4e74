"""Motion and sentences with left and right swapped."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from .body.rotations import Array
from .body.skeleton import MIRRORED

_SIDES: Final = {"left": "right", "right": "left", "clockwise": "counterclockwise",
                 "lefthanded": "righthanded", "righthanded": "lefthanded"}  # fmt: skip
#: Words for sides; not "right away", "all right" or "left the room".
_SIDE_WORDS: Final = re.compile(
    rf"\b(?:counter|anti)[ -]?clockwise\b"
    rf"|\b(?<!all )(?!right[ -](?:away|now|angles?)\b|left the\b)({'|'.join(_SIDES)})(s|wards?)?\b",
    re.IGNORECASE,
)


def mirror_motion(joints: Array) -> Array:
    """Joints (..., 22, 3) reflected in the plane x = 0, left and right joints swapped."""
    return joints[..., list(MIRRORED), :] * np.array([-1, 1, 1], dtype=np.float32)


def mirror_sentence(sentence: str) -> str:
    """What describes the mirrored motion: left becomes right and so on."""

    def swap(match: re.Match[str]) -> str:
        if not match.group(1):
            return "clockwise"
        return _SIDES[match.group(1).lower()] + (match.group(2) or "")

    return _SIDE_WORDS.sub(swap, sentence)

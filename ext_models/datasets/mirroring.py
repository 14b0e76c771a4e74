"""Mirrored clips: left and right swapped in joints and captions."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

import numpy as np

from motiongpt_blender.core.body.skeleton import JOINT_COUNT, MIRRORED

from .examples import Array, Example

#: The same for the 21 joints of KIT-ML.
KIT_MIRRORED: Final = (0, 1, 2, 3, 4, 8, 9, 10, 5, 6, 7, *range(16, 21), *range(11, 16))

_SIDES: Final = {"left": "right", "right": "left", "clockwise": "counterclockwise",
                 "lefthanded": "righthanded", "righthanded": "lefthanded"}  # fmt: skip
#: Words for sides; not "right away", "all right" or "left the room".
_SIDE_WORDS: Final = re.compile(
    rf"\b(?:counter|anti)[ -]?clockwise\b"
    rf"|\b(?<!all )(?!right[ -](?:away|now|angles?)\b|left the\b)({'|'.join(_SIDES)})(s|wards?)?\b",
    re.IGNORECASE,
)


def mirrored(example: Example) -> Example:
    """The mirrored clip, without published features, which are not mirrored."""
    return replace(
        example,
        id=f"{example.id}~mirrored",
        joints=mirror_joints(example.joints),
        captions=tuple(mirror_caption(c) for c in example.captions),
        tokens=(),
        vectors=None,
    )


def mirror_joints(joints: Array) -> Array:
    """Joints (..., 22 or 21, 3) reflected in the plane x = 0, left and right joints swapped."""
    order = MIRRORED if joints.shape[-2] == JOINT_COUNT else KIT_MIRRORED
    return joints[..., list(order), :] * np.array([-1, 1, 1], dtype=np.float32)


def mirror_caption(caption: str) -> str:
    """The caption of the mirrored motion: left becomes right and so on."""

    def swap(match: re.Match[str]) -> str:
        if not match.group(1):
            return "clockwise"
        return _SIDES[match.group(1).lower()] + (match.group(2) or "")

    return _SIDE_WORDS.sub(swap, caption)

"""Mirrored clips: left and right swapped in joints and captions."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from motiongpt_blender.core.body.skeleton import JOINT_COUNT
from motiongpt_blender.core.mirroring import mirror_motion, mirror_sentence

from .examples import Array, Example

#: The same for the 21 joints of KIT-ML.
KIT_MIRRORED: Final = (0, 1, 2, 3, 4, 8, 9, 10, 5, 6, 7, *range(16, 21), *range(11, 16))


def mirrored(example: Example) -> Example:
    """The mirrored clip, without published features, which are not mirrored."""
    return replace(
        example,
        id=f"{example.id}~mirrored",
        joints=mirror_joints(example.joints),
        captions=tuple(mirror_sentence(c) for c in example.captions),
        tokens=(),
        vectors=None,
    )


def mirror_joints(joints: Array) -> Array:
    """Joints (..., 22 or 21, 3) reflected in the plane x = 0, left and right joints swapped."""
    if joints.shape[-2] == JOINT_COUNT:
        return mirror_motion(joints)
    return joints[..., list(KIT_MIRRORED), :] * np.array([-1, 1, 1], dtype=np.float32)

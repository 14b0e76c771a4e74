"""Legs of a motion solved again so that its feet stand elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ..body.rotations import UP, Array, about_y, normalise, rotate
from ..body.skeleton import CHAINS
from ..body.smoothing import gaussian_smooth, maximum_filter
from ..retargeting.two_bone_ik import solve_limb

#: Hip, knee, ankle and toe of each leg.
LEGS: Final = tuple(chain[1:] for chain in CHAINS[:2])
#: Share of a leg's length to which it is stretched at most, unless the motion stretches it.
MOST_STRETCHED: Final = 0.985
#: Metres that the pelvis comes down at most for a leg that is too short, and over how many frames.
MOST_LOWERED: Final = 0.07
LOWERING_FRAMES: Final = 2


def with_feet(
    body: Array, ankles: Sequence[Array], toes: Sequence[Array], turns: Sequence[Array]
) -> Array:
    """A motion (T, 22, 3) with its ankles and toes elsewhere, the pelvis lowered where it must.

    Args:
        body: the motion.
        ankles: (T, 3) where each ankle is to be, left and right.
        toes: (T, 3) where each toe is to be.
        turns: (T,) radians about the vertical by which the plane of each leg is turned.
    """
    body = body - _lowered(body, ankles)[:, None, None] * UP
    out = body.copy()
    for (hip, knee, ankle, toe), goal, tip, turn in zip(LEGS, ankles, toes, turns, strict=True):
        upper, lower = body[:, knee] - body[:, hip], body[:, ankle] - body[:, knee]
        thigh, shin = (np.linalg.norm(bone, axis=-1, keepdims=True) for bone in (upper, lower))
        plane = about_y(turn)
        bent = (rotate(plane, normalise(upper)), rotate(plane, normalise(lower)))
        first, second = solve_limb(body[:, hip], goal, (thigh, shin), bent)
        out[:, knee] = body[:, hip] + thigh * first
        out[:, ankle] = out[:, knee] + shin * second
        out[:, toe] = out[:, ankle] + tip - goal
    return out


def _lowered(body: Array, ankles: Sequence[Array]) -> Array:
    """Metres (T,) by which the pelvis comes down so that the legs reach."""
    needed = np.zeros(len(body))
    for (hip, knee, ankle, _), goal in zip(LEGS, ankles, strict=True):
        own = np.linalg.norm(body[:, ankle] - body[:, hip], axis=-1)
        length = np.linalg.norm(body[:, knee] - body[:, hip], axis=-1)
        length = length + np.linalg.norm(body[:, ankle] - body[:, knee], axis=-1)
        reach = np.maximum(MOST_STRETCHED * length, np.minimum(own, 0.999 * length))
        away = goal - body[:, hip]
        level = (away[:, [0, 2]] ** 2).sum(-1)
        height = np.sqrt(np.maximum(reach**2 - level, 0.0))
        needed = np.maximum(needed, -away[:, 1] - height)
    widest = maximum_filter(np.clip(needed, 0.0, MOST_LOWERED), LOWERING_FRAMES)
    return gaussian_smooth(widest, LOWERING_FRAMES / 2)

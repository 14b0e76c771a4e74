"""Hands and feet brought to a place: both bones of a limb bent so that its end is there."""

from __future__ import annotations

from typing import Final

import numpy as np

from ..body.rotations import Array, between, cross, multiply, normalise, rotate

#: Share of a limb's length that it is stretched to at most.
FARTHEST: Final = 0.999


def reach(
    start: Array, target: Array, lengths: tuple[float, float], motion: tuple[Array, Array]
) -> tuple[Array, Array]:
    """Directions ((T, 3), (T, 3)) of the upper and lower bone that bring the end to a target.

    The limb bends in the plane in which it bent before, to the same side. A target out of
    reach is approached as far as the limb goes.

    Args:
        start: (T, 3) where the upper bone begins.
        target: (T, 3) where the lower bone shall end.
        lengths: of the upper and the lower bone.
        motion: unit directions (T, 3) of both as the motion has them.
    """
    upper, lower = lengths
    far = np.linalg.norm(target - start, axis=-1, keepdims=True)
    along = normalise(target - start)
    nearest = abs(upper - lower) + (1 - FARTHEST) * (upper + lower)
    far = np.clip(far, nearest, FARTHEST * (upper + lower))
    cosine = np.clip((upper**2 + far**2 - lower**2) / (2 * upper * far), -1.0, 1.0)
    side = _side(along, motion)
    first = cosine * along + np.sqrt(1 - cosine**2) * side
    return first, normalise(far * along - upper * first)


def _side(along: Array, motion: tuple[Array, Array]) -> Array:
    """Unit vectors (T, 3), square to ``along``, to which the middle joint lies."""
    upper, lower = motion
    out = upper - lower
    out = out - (out * along).sum(-1, keepdims=True) * along
    straight = np.linalg.norm(out, axis=-1) < 1e-6
    if straight.any():
        any_axis = np.where(np.abs(along[:, :1]) < 0.9, [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
        out = np.where(straight[:, None], cross(along, any_axis), out)
    return normalise(out)


def solve_leg_ik(
    chain: tuple[Array, Array, Array], hinge: Array, start: Array, target: Array
) -> tuple[Array, Array, Array]:
    """Turns (T, 4) of a leg's two bones that bring its end to a target, and where it comes.

    The bones keep their twist: the knee is bent, then the whole leg swung the short way.

    Args:
        chain: (T, 3) hip, knee and ankle as they are.
        hinge: (T, 3) unit axes about which the knee bends.
        start: (T, 3) where the hip comes to be.
        target: (T, 3) where the ankle shall be.
    """
    hip, knee, ankle = chain
    first, second = knee - hip, ankle - knee
    upper, lower = normalise(first), normalise(second)
    lengths = float(np.linalg.norm(first[0])), float(np.linalg.norm(second[0]))
    bent = _bent(upper, lower, hinge, lengths, np.linalg.norm(target - start, axis=-1))
    reach = lengths[0] * upper + lengths[1] * bent
    swung = between(normalise(reach), normalise(target - start))
    return swung, multiply(swung, between(lower, bent)), start + rotate(swung, reach)


def _bent(
    upper: Array, lower: Array, hinge: Array, lengths: tuple[float, float], far: Array
) -> Array:
    """Directions (T, 3) of a shin whose knee is bent so that the ankle is ``far`` from the hip.

    What a knee bends more than before goes about its own hinge: a nearly straight leg's
    plane is noise, and a knee that followed it would flip.
    """
    a, b = lengths
    cosine = np.clip((far**2 - a * a - b * b) / (2 * a * b), -1.0, 1.0)
    sine = np.sqrt(1 - cosine**2)
    plane = cross(upper, lower)
    was = np.linalg.norm(plane, axis=-1)
    more = np.maximum(sine - was, 0.0)[:, None]
    plane = plane + more * hinge
    back = normalise(cross(normalise(plane), upper))
    return cosine[:, None] * upper + sine[:, None] * back

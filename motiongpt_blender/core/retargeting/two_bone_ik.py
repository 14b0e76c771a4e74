"""Two-bone IK: both bones of a limb rotated so that its end reaches a target."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np

from ..body.rotations import Array, between, cross, multiply, normalise, rotate

#: Lengths of the upper and the lower bone: numbers, or one a frame (T, 1).
Lengths: TypeAlias = tuple[float | Array, float | Array]

#: Share of a limb's length to which it is stretched at most.
MAX_STRETCH: Final = 0.999


def clamp_distance(distance: Array, lengths: Lengths) -> Array:
    """Distances (...) from a limb's start to its end, within what its bones can reach."""
    upper, lower = lengths
    nearest = abs(upper - lower) + (1 - MAX_STRETCH) * (upper + lower)
    return np.clip(distance, nearest, MAX_STRETCH * (upper + lower))


def bone_directions(
    along: Array, side: Array, distance: Array, lengths: Lengths
) -> tuple[Array, Array]:
    """Unit directions ((..., 3), (..., 3)) of two bones that span a distance.

    Args:
        along: (..., 3) unit directions from the start to the end.
        side: (..., 3) unit directions, square to ``along``, to which the middle joint lies.
        distance: (..., 1) between start and end.
        lengths: of the upper and the lower bone.
    """
    upper, lower = lengths
    cosine = np.clip((upper**2 + distance**2 - lower**2) / (2 * upper * distance), -1.0, 1.0)
    first = cosine * along + np.sqrt(1 - cosine**2) * side
    return first, normalise(distance * along - upper * first)


def solve_limb(
    start: Array, target: Array, lengths: Lengths, motion: tuple[Array, Array]
) -> tuple[Array, Array]:
    """Directions ((T, 3), (T, 3)) of the upper and lower bone that bring the end to a target.

    The limb bends in the plane in which it bent before, to the same side. A target out of
    reach is approached as far as the limb extends.

    Args:
        start: (T, 3) where the upper bone begins.
        target: (T, 3) where the lower bone is to end.
        lengths: of the upper and the lower bone.
        motion: unit directions (T, 3) of both as the motion has them.
    """
    distance = np.linalg.norm(target - start, axis=-1, keepdims=True)
    along = normalise(target - start)
    side = _bend_side(along, motion)
    return bone_directions(along, side, clamp_distance(distance, lengths), lengths)


def _bend_side(along: Array, motion: tuple[Array, Array]) -> Array:
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
    """Rotations (T, 4) to add to a leg's two bones, and the position its end reaches.

    The bones keep their twist: the knee is bent, then the whole leg swung the short way.

    Args:
        chain: (T, 3) hip, knee and ankle as they are.
        hinge: (T, 3) unit axes about which the knee bends.
        start: (T, 3) new position of the hip.
        target: (T, 3) where the ankle is to be.
    """
    hip, knee, ankle = chain
    first, second = knee - hip, ankle - knee
    upper, lower = normalise(first), normalise(second)
    lengths = float(np.linalg.norm(first[0])), float(np.linalg.norm(second[0]))
    bent = _bend_knee(upper, lower, hinge, lengths, np.linalg.norm(target - start, axis=-1))
    reached = lengths[0] * upper + lengths[1] * bent
    swung = between(normalise(reached), normalise(target - start))
    return swung, multiply(swung, between(lower, bent)), start + rotate(swung, reached)


def _bend_knee(
    upper: Array, lower: Array, hinge: Array, lengths: tuple[float, float], distance: Array
) -> Array:
    """Directions (T, 3) of a shin with which the ankle is at a distance (T,) from the hip.

    A bend beyond the present one goes about the knee's own hinge: the plane of a nearly
    straight leg is noise, and a knee that followed it would flip.
    """
    a, b = lengths
    cosine = np.clip((distance**2 - a * a - b * b) / (2 * a * b), -1.0, 1.0)
    sine = np.sqrt(1 - cosine**2)
    plane = cross(upper, lower)
    more = np.maximum(sine - np.linalg.norm(plane, axis=-1), 0.0)[:, None]
    plane = plane + more * hinge
    back = normalise(cross(normalise(plane), upper))
    return cosine[:, None] * upper + sine[:, None] * back

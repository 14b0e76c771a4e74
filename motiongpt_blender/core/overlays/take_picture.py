"""A small picture of a motion: three stick figures, from its beginning to its end."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

import numpy as np

from ..body.motion import heading
from ..body.rotations import Array, about_y, rotate
from ..body.skeleton import PARENTS, Joint
from ..body.slices import run_to_end
from ..pose_constraints.marked_pose import PoseRole
from .colours import ROLE_COLOURS

#: Pixels on each side.
SIZE: Final = 128
#: Half the width of a line and the head's radius, pixels; the edge that is left free.
_HALF, _HEAD, _EDGE = 2.5, 7.0, 11.0
#: Pixels and opacity of the dark line around a figure, without which a light theme swallows it.
_OUTLINE, _DARK = 2.5, 0.8
#: Heights of the body that the hips stand apart in the picture: a longer way would make the figures
#: too small to tell apart, a shorter one would lay them over each other.
_LONGEST, _SHORTEST = 0.9, 0.7
#: Metres over the floor from which on a motion is seen from its side.
_TRAVELS: Final = 0.5
#: Angle in radians at which another one is seen, from the front.
_ANGLE: Final = 0.6


def take_picture(joints: Array) -> Array:
    """The picture (SIZE, SIZE, 4) of joints (T, 22, 3): RGBA, 0 to 1, the lowest row first."""
    return run_to_end(take_picture_slices(joints))


def take_picture_slices(joints: Array) -> Generator[None, None, Array]:
    """``take_picture`` in slices, one a figure."""
    frames = (0, len(joints) // 2, len(joints) - 1)
    points = _on_picture(joints[list(frames)].astype(np.float64))
    picture = np.zeros((SIZE, SIZE, 4))
    for role, figure in zip((PoseRole.START, PoseRole.KEY, PoseRole.END), points, strict=True):
        _paint(picture, np.zeros(3), _cover(figure, _OUTLINE) * _DARK)
        _paint(picture, np.array(ROLE_COLOURS[role]), _cover(figure))
        yield
    return picture


def _paint(picture: Array, colour: Array, cover: Array) -> None:
    """Lay a colour over the picture where it is covered, 0 to 1."""
    over, under = cover[..., None], picture[..., 3:] * (1.0 - cover[..., None])
    alpha = over + under
    mixed = colour * over + picture[..., :3] * under
    picture[..., :3] = mixed / np.maximum(alpha, 1e-9)
    picture[..., 3:] = alpha


def _on_picture(joints: Array) -> Array:
    """Pixels (3, 22, 2), x and y up, of joints (3, 22, 3)."""
    way = (joints[-1, Joint.PELVIS] - joints[0, Joint.PELVIS])[[0, 2]]
    if np.hypot(*way) > _TRAVELS:
        angle = np.arctan2(way[0], way[1]) - np.pi / 2
    else:
        angle = float(heading(joints[0])) - _ANGLE
    seen = rotate(about_y(np.full(joints.shape[:2], -angle)), joints)[..., :2]
    hips = seen[:, Joint.PELVIS, 0]
    height = max(float(np.ptp(seen[..., 1])), 1e-6)
    span = float(np.ptp(hips))
    drawn = hips * min(1.0, _LONGEST * height / max(span, 1e-6))
    if span < _SHORTEST * height:
        drawn = np.linspace(0.0, _SHORTEST * height, len(hips))
    seen[..., 0] += (drawn - hips)[:, None]
    low, high = seen.min(axis=(0, 1)), seen.max(axis=(0, 1))
    scale = (SIZE - 2 * _EDGE) / max(float((high - low).max()), 1e-6)
    return (seen - (low + high) / 2) * scale + SIZE / 2


def _cover(points: Array, wider: float = 0.0) -> Array:
    """How much (SIZE, SIZE) of each pixel a figure covers, 0 to 1, of its pixels (22, 2).

    Lines are so many pixels ``wider`` on each side.
    """
    cover = np.zeros((SIZE, SIZE))
    for joint, parent in enumerate(PARENTS[1:], start=1):
        _draw(cover, points[parent], points[joint], _HALF + wider)
    _draw(cover, points[Joint.HEAD], points[Joint.HEAD], _HEAD + wider)
    return cover


def _draw(cover: Array, start: Array, end: Array, half: float) -> None:
    """Draw a line with round ends; only the pixels around it are looked at."""
    low = np.maximum(np.floor(np.minimum(start, end) - half - 1).astype(int), 0)
    high = np.minimum(np.ceil(np.maximum(start, end) + half + 1).astype(int), SIZE)
    y, x = np.mgrid[low[1] : high[1], low[0] : high[0]] + 0.5
    along, dx, dy = end - start, x - start[0], y - start[1]
    share = (dx * along[0] + dy * along[1]) / max(float(along @ along), 1e-9)
    share = np.clip(share, 0.0, 1.0)
    distance = np.hypot(dx - share * along[0], dy - share * along[1])
    part = cover[low[1] : high[1], low[0] : high[0]]
    np.maximum(part, np.clip(half + 0.5 - distance, 0.0, 1.0), out=part)

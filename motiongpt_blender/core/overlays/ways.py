"""Ways in the view: the line, its waypoints, arrows along it and where the body faces."""

from __future__ import annotations

from typing import Final

import numpy as np

from ..body.rotations import Array, normalise
from .colours import Colour
from .shapes import ColouredVertices, dot_triangles, shaded

#: The colour of a way, and of its chosen waypoint.
WAY: Final[Colour] = (0.98, 0.76, 0.24)
CHOSEN: Final[Colour] = (1.0, 1.0, 1.0)
#: Metres from one arrow on the line to the next, and their size.
_EVERY, _ARROW = 1.0, 0.12
#: Metres of a waypoint's dot and of the arrow that it faces along.
_DOT, _FACING = 0.06, 0.45


def way_lines(line: Array, unit: float) -> ColouredVertices:
    """A line (N, 3), with an arrow a metre.

    Args:
        line: in the space in which it is drawn.
        unit: of a metre of the model there.
    """
    parts = [_segments(line[:-1], line[1:])]
    walked = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=-1))])
    at = np.arange(0.5 * _EVERY * unit, walked[-1], _EVERY * unit)
    if len(at):
        tips, before = (_along(line, walked, m) for m in (at, at - 0.05 * unit))
        parts += _heads(tips, normalise(tips - before), _ARROW * unit)
    return _coloured(parts, WAY)


def facing_lines(places: Array, ahead: Array, unit: float) -> ColouredVertices:
    """Arrows from places (K, 3) along unit vectors (K, 3)."""
    if not len(places):
        return ColouredVertices.joined([])
    tips = places + _FACING * unit * ahead
    return _coloured([_segments(places, tips), *_heads(tips, ahead, _ARROW * unit)], CHOSEN)


def waypoint_dots(places: Array, chosen: int | None, unit: float) -> ColouredVertices:
    """Dots at places (K, 3); the chosen one is lighter."""
    if not len(places):
        return ColouredVertices.joined([])
    colours = np.tile([*WAY, 1.0], (len(places), 1))
    if chosen is not None:
        colours[chosen, :3] = CHOSEN
    return shaded(dot_triangles(places, _DOT * unit), colours)


def _along(line: Array, walked: Array, at: Array) -> Array:
    """Points (K, 3) at lengths (K,) of a line (N, 3), whose points are at lengths (N,)."""
    first, second, third = (np.interp(at, walked, line[:, k]) for k in range(3))
    return np.stack([first, second, third], axis=-1)


def _heads(tips: Array, ahead: Array, size: float) -> list[Array]:
    """Both strokes of arrow heads at tips (K, 3), level."""
    aside = np.stack([-ahead[:, 1], ahead[:, 0], np.zeros(len(ahead))], axis=-1)
    return [_segments(tips, tips - size * (ahead + sign * 0.6 * aside)) for sign in (-1, 1)]


def _segments(begin: Array, end: Array) -> Array:
    return np.stack([begin, end], axis=1).reshape(-1, 3)


def _coloured(parts: list[Array], colour: Colour) -> ColouredVertices:
    lines = np.concatenate(parts)
    return ColouredVertices.of(lines, np.tile([*colour, 0.9], (len(lines), 1)))

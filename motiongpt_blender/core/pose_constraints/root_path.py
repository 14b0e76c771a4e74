"""The root path over the floor, bent so that it passes through the marked poses.

Between two marked poses the body turns with its path: every step keeps its direction as seen
by the body, while the heading changes a little more or less along the distance walked, and
the steps become a little longer or shorter. What remains after a bend within limits is
dragged: added evenly along the path, and reported. Where nobody walks, or where there is no
time for it, nothing is bent.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from ..body.rotations import LEVEL, Array, about_y, rotate
from ..body.smoothing import smoothstep

#: The most by which the heading changes in the middle beyond what the ends ask for, radians.
MAX_BEND: Final = 2.0
#: The least and the most by which steps grow in the middle, as a share of their length.
STEP_GROWTH: Final = (-0.7, 1.2)
#: Metres walked below which nothing is bent, and above which the whole bend is used.
WALKED_METRES: Final = (0.3, 1.0)
#: The same in seconds between two waypoints: a body does not walk round a bend at once.
WALKED_SECONDS: Final = (1.0, 3.0)

#: Metres of drag that cost as much as a bend of one radian.
_DRAG_FOR_BEND: Final = 0.12
#: Cost of a step of twice its length, beside a bend of one radian.
_STEP_COST: Final = 1.5
#: Bends from which the search begins: a path may have to go round on either side.
_FIRST_BENDS: Final = (0.0, 1.2, -1.2)
_ITERATIONS: Final = 25


@dataclass(frozen=True)
class Waypoint:
    """What a marked pose asks of the root path.

    Attributes:
        frame: index of its frame.
        yaw: radians about the vertical by which the body is to be rotated there.
        position: (3,) where it is to stand; the height does not count.
    """

    frame: int
    yaw: float
    position: Array


@dataclass(frozen=True)
class RootPath:
    """A bent root path.

    Attributes:
        positions: (T, 3); heights as they were.
        yaw: (T,) radians about the vertical by which the body is rotated.
        dragged: for each waypoint, the length (in the rig's unit) by which the path to it was
            dragged.
    """

    positions: Array
    yaw: Array
    dragged: tuple[float, ...]


def bend_path_slices(
    positions: Array, waypoints: Sequence[Waypoint], fps: float, scale: float = 1.0
) -> Generator[None, None, RootPath]:
    """The path through all waypoints; before the first and after the last it moves rigidly.

    Works in slices, one from each waypoint to the next.

    Args:
        positions: (T, 3) of the root, y up.
        waypoints: at least one, by frame; yaw unwrapped.
        fps: frames a second.
        scale: units of ``positions`` in a metre of the model.
    """
    first, last = waypoints[0], waypoints[-1]
    moved, yaw = np.empty_like(positions), np.empty(len(positions))
    for point, part in ((first, slice(0, first.frame + 1)), (last, slice(last.frame, None))):
        offset = (positions[part] - positions[point.frame]) * LEVEL
        moved[part] = point.position + rotate(about_y(np.array(point.yaw)), offset)
        yaw[part] = point.yaw
    dragged = [0.0]
    for one, other in pairwise(waypoints):
        part = slice(one.frame, other.frame + 1)
        moved[part], yaw[part], drag = _between(positions[part] * LEVEL, one, other, fps, scale)
        dragged.append(drag)
        yield
    moved = moved * LEVEL + positions * (1 - LEVEL)
    return RootPath(moved, yaw, tuple(dragged))


def _between(
    positions: Array, one: Waypoint, other: Waypoint, fps: float, scale: float
) -> tuple[Array, Array, float]:
    """Positions (N, 3), yaw (N,) and the drag between two waypoints, both included."""
    steps = np.diff(positions, axis=0)
    lengths = np.linalg.norm(steps, axis=-1)
    walked = np.concatenate([[0.0], np.cumsum(lengths + 0.25 * lengths.mean() + 1e-9)])
    progress = walked / walked[-1]
    segment = _Segment(steps, progress, (one.yaw, other.yaw))
    target = (other.position - one.position) * LEVEL
    share = _ramp(lengths.sum() / scale, WALKED_METRES) * _ramp(len(steps) / fps, WALKED_SECONDS)
    bend = np.zeros(3)
    if share > 0:
        bend = share * segment.best_bend(target, _DRAG_FOR_BEND * scale)
    path = segment.walk(bend)
    remainder = target - path[-1]
    bent = one.position + path + smoothstep(progress)[:, None] * remainder
    bent[-1] = other.position
    return bent, segment.yaw(progress, bend), float(np.linalg.norm(remainder))


def _ramp(value: float, limits: tuple[float, float]) -> float:
    """0 below the limits, 1 above, smooth in between."""
    return float(smoothstep(np.array((value - limits[0]) / (limits[1] - limits[0]))))


@dataclass(frozen=True)
class _Segment:
    """The path between two waypoints.

    A bend (3,) holds a change of heading to one side, a change to one side and then to the
    other, both in radians, and the share by which steps grow. All begin and end smoothly at 0.

    Attributes:
        steps: (N - 1, 3) from frame to frame, on the floor.
        progress: (N,) share of the distance walked, 0 to 1.
        yaw_at_ends: radians.
    """

    steps: Array
    progress: Array
    yaw_at_ends: tuple[float, float]

    def yaw(self, progress: Array, bend: Array) -> Array:
        """Radians at shares of the distance: eased from one end to the other, and bent."""
        weight = _hill(progress)
        return self._eased_yaw(progress) + weight * (bend[0] + bend[1] * np.cos(np.pi * progress))

    def walk(self, bend: Array) -> Array:
        """Positions (N, 3) from where the segment begins."""
        middle = self._middle()
        growth = 1 + bend[2] * _hill(middle)
        steps = rotate(about_y(self.yaw(middle, bend)), self.steps) * growth[:, None]
        return np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)])

    def best_bend(self, target: Array, drag_unit: float) -> Array:
        """The bend (3,) that comes nearest to an end (3,) at the least cost."""
        costs = np.array([1.0, 1.0, _STEP_COST])
        low = np.array([-MAX_BEND, -MAX_BEND, STEP_GROWTH[0]])
        high = np.array([MAX_BEND, MAX_BEND, STEP_GROWTH[1]])

        # Positions on the floor as complex numbers: forwards, and to the left times i.
        middle = self._middle()
        hill, wave = _hill(middle), np.cos(np.pi * middle)
        steps = (self.steps[:, 2] + 1j * self.steps[:, 0]) * np.exp(1j * self._eased_yaw(middle))
        end = target[2] + 1j * target[0]

        def residuals(bend: Array) -> tuple[Array, Array]:
            turned = steps * np.exp(1j * hill * (bend[0] + bend[1] * wave))
            grown = turned * (1 + bend[2] * hill)
            miss = complex(grown.sum() - end) / drag_unit
            slope = np.array([1j * (grown @ hill), 1j * (grown @ (hill * wave)), turned @ hill])
            return (
                np.array([miss.imag, miss.real, *(costs * bend)]),
                np.array([slope.imag / drag_unit, slope.real / drag_unit, *np.diag(costs)]),
            )

        starts = (np.array([bend, 0.0, 0.0]) for bend in _FIRST_BENDS)
        found = [_least_squares(residuals, start, low, high) for start in starts]
        sizes = [float(np.sum(residuals(bend)[0] ** 2)) for bend in found]
        return found[int(np.argmin(sizes))]

    def _eased_yaw(self, progress: Array) -> Array:
        begin, end = self.yaw_at_ends
        return begin + (end - begin) * smoothstep(progress)

    def _middle(self) -> Array:
        """Shares (N - 1,) of the distance in the middle of each step."""
        return 0.5 * (self.progress[1:] + self.progress[:-1])


def _hill(progress: Array) -> Array:
    """1 half way, 0 at both ends with zero slope and curvature, so that no corner shows."""
    return smoothstep(2 * progress) * smoothstep(2 * (1 - progress))


def _least_squares(
    residuals: Callable[[Array], tuple[Array, Array]], start: Array, low: Array, high: Array
) -> Array:
    """Parameters (N,) with the least squares of residuals, by damped Gauss-Newton steps.

    Args:
        residuals: of parameters (N,) the residuals (M,) and their Jacobian (M, N).
        start: (N,) first parameters.
        low: (N,) lower bounds.
        high: (N,) upper bounds.
    """
    values, damping = start, 1e-3
    residual, jacobian = residuals(values)
    for _ in range(_ITERATIONS):
        matrix = jacobian.T @ jacobian + damping * np.eye(len(values))
        new_values = np.clip(values - np.linalg.solve(matrix, jacobian.T @ residual), low, high)
        new_residual, new_jacobian = residuals(new_values)
        if new_residual @ new_residual < residual @ residual:
            moved = float(np.abs(new_values - values).max())
            values, residual, jacobian, damping = (
                new_values,
                new_residual,
                new_jacobian,
                0.3 * damping,
            )
            if moved < 1e-6:
                break
        else:
            damping = 10 * damping
    return values

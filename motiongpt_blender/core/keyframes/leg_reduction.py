"""The fewest keys of a leg: thigh, shin and foot together, with the error measured at the foot.

A span between two keys of the whole leg depends on nothing else, so that each span is judged
by its foot: the handles of all three controls are fitted at once so that their errors cancel
there, and the fewest spans within the limits are found. A toe in contact must not move from
frame to frame; elsewhere the foot has the usual limits.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from ..body.rotations import (
    IDENTITY,
    Array,
    cross,
    from_local_basis,
    inverse,
    multiply,
    rotate,
    to_log,
)
from ..body.skeleton import Joint
from ..rig.bone_maps import Part
from ..rig.kinematics import PosedRig, control_of, joint_position
from ..rig.rig_description import Control, RigDescription
from .hermite import (
    ERROR_COST,
    MAX_SPAN,
    Curve,
    Indices,
    SpanFitter,
    cheapest_keys,
    hermite_weights,
)
from .sampled_channel import LIMIT_SHARE, SampledChannel, error_weights, fixed_frames

#: Gauss-Newton steps with which handles are fitted, and the weight of a joint's own error
#: beside the foot's: knees stay where they are as far as the foot allows.
_STEPS: Final = 2
_JOINT_WEIGHT: Final = 0.15
#: Frames of the largest toe speed that give the weight of a toe in contact.
_CONTACT_FRAMES: Final = 1.5
#: Share of a limit that a span gets in any case, where the leg does not reach.
_MIN_SHARE: Final = 0.2
#: Shares of the limits between which the handles of a span are fitted together.
_GOOD_ENOUGH: Final = 0.4
_HOPELESS: Final = 30.0
#: Limit of the knee over the foot's.
_KNEE_LIMIT: Final = 2.0


@dataclass(frozen=True)
class LegTarget:
    """A leg below a given body, and the targets of its foot.

    Attributes:
        controls: thigh, shin and foot.
        above: (T, 4) rotation of what carries each of them, where that is not the one before.
        start: (T, 3) where the thigh begins.
        points: ankle and toe (3,) at rest, carried by the foot.
        positions: (T, 3, 3) targets of ankle, toe and knee.
        rotation: (T, 4) target of the foot.
        in_contact: (T,) 1 where the toe is in contact.
    """

    controls: tuple[Control, Control, Control]
    above: tuple[Array | None, Array | None, Array | None]
    start: Array
    points: Array
    positions: Array
    rotation: Array
    in_contact: Array


@dataclass(frozen=True)
class LegLimits:
    """The largest errors of a foot.

    Attributes:
        angle: radians.
        distance: of ankle and toe, in the rig's unit.
        step: change of the error from frame to frame, of a toe in contact.
    """

    angle: float
    distance: float
    step: float


@dataclass(frozen=True)
class _PosedLeg:
    """A leg posed at some frames.

    Attributes:
        points: (..., 3, 3) ankle, toe and knee.
        rotation: (..., 4) of the foot.
        joints: rotation (..., 4) and position (..., 3) of each control.
    """

    points: Array
    rotation: Array
    joints: list[tuple[Array, Array]]


def reduce_leg_slices(
    leg: LegTarget, channels: Sequence[SampledChannel], tolerance: LegLimits
) -> Generator[None, None, list[Curve]]:
    """Curves of thigh, shin and foot with keys on the same frames, in slices of milliseconds."""
    fitters: list[SpanFitter] = []
    for channel in channels:
        fitters.append(SpanFitter(channel.values, error_weights(channel)))
        yield
    work = _LegSpans(leg, channels, fitters, tolerance)
    yield
    for span in range(2, work.longest + 1):
        yield from work.fit(span)
        if work.worst[span].min(initial=np.inf) > LIMIT_SHARE:
            break  # longer spans are no better
    yield
    return work.curves()


def leg_target(
    rig: RigDescription, side: str, now: PosedRig, dense: PosedRig, in_contact: Array
) -> LegTarget:
    """A leg below the reduced body, its foot to be as in the dense motion."""
    parts = (Part(f"{p}_{side.lower()}") for p in ("thigh", "shin", "foot"))
    thigh, shin, foot = (control_of(rig, part) for part in parts)
    assert thigh is not None
    assert shin is not None
    assert foot is not None
    joints = (Joint[f"{side}_ANKLE"], Joint[f"{side}_FOOT"])
    carried = foot.parent == shin.name or foot.parent is None
    none = np.broadcast_to(IDENTITY, (len(in_contact), 4))
    return LegTarget(
        controls=(thigh, shin, foot),
        above=(
            now.rotations[thigh.parent] if thigh.parent is not None else none,
            None,
            None if carried else now.rotations[foot.parent or ""],
        ),
        start=now.positions[thigh.name],
        points=np.stack([rig.points[joint] for joint in joints]),
        positions=np.stack(
            [joint_position(rig, dense, joint) for joint in (*joints, Joint[f"{side}_KNEE"])],
            axis=1,
        ),
        rotation=dense.rotations[foot.name],
        in_contact=in_contact,
    )


class _LegSpans:
    """Fits of all spans of a leg's motion, its three controls together."""

    def __init__(
        self,
        leg: LegTarget,
        channels: Sequence[SampledChannel],
        fitters: Sequence[SpanFitter],
        tolerance: LegLimits,
    ) -> None:
        self.leg, self.channels, self.fitters, self.tolerance = leg, channels, fitters, tolerance
        self.count = len(leg.start)
        self.longest = min(MAX_SPAN, self.count - 1)
        sizes = [channel.values.shape[1] for channel in channels]
        self.parts = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
        fixed = np.zeros(self.count, dtype=bool)
        for channel in channels:
            fixed[fixed_frames(channel)] = True
        self.passed = np.concatenate([[0], np.cumsum(fixed)])
        frames = np.arange(self.count)
        self.own = self._pose([channel.values for channel in channels], frames)
        positions, rotations = self._away(self.own, frames)
        self.off = positions, rotations, np.diff(positions[:, 1], axis=0, prepend=positions[:1, 1])
        self.rows = self._weighted(self._foot_jacobian(), frames)  # (T, 12, C)
        self.square = np.matmul(np.swapaxes(self.rows, 1, 2), self.rows)
        own = (
            _JOINT_WEIGHT
            / tolerance.angle
            * np.concatenate([error_weights(channel) for channel in channels])
        )
        self.square += np.diag(own**2)
        self.slopes: dict[int, list[Array]] = {}
        self.worst: dict[int, Array] = {1: np.zeros(self.count - 1)}

    def fit(self, span: int) -> Generator[None, None, None]:
        """Fit the handles of all spans of a length, and measure their errors.

        Spans over a frame that always has a key are left out; where the handles fitted to each
        channel alone are good, or far too bad, they stay.
        """
        first = np.flatnonzero(self.passed[span : self.count] == self.passed[1:-span])
        worst = np.full(self.count - span, np.inf)
        slopes = [fitter.slopes(np.arange(self.count - span), span) for fitter in self.fitters]
        self.slopes[span], self.worst[span] = slopes, worst
        worst[first] = self._span_errors(self._pose_between(slopes, first, span), first, span)
        first = np.flatnonzero((worst > _GOOD_ENOUGH) & (worst < _HOPELESS))
        now = [own[first] for own in slopes]
        for _ in range(_STEPS):
            if not len(first):
                return
            yield
            now = self._improve(now, first, span)
            yield
            faults = self._span_errors(
                self._pose_between(now, first, span, fitted=True), first, span
            )
            better = faults < worst[first]
            worst[first[better]] = faults[better]
            for own, new in zip(slopes, now, strict=True):
                own[first[better]] = new[better]

    def _improve(self, slopes: list[Array], first: Indices, span: int) -> list[Array]:
        """Slopes (N, 2, C) with a smaller error of the foot, by one Gauss-Newton step."""
        at = np.arange(1, span)
        frames = first[:, None] + at
        shares = hermite_weights(at / span, float(span))
        ends, starts = shares[3][:, 0], shares[2][:, 0]
        positions, rotations = self._away(
            self._pose_between(slopes, first, span, fitted=True), frames
        )
        flat = positions.reshape(*frames.shape, 9)
        error = self._weighted(np.concatenate([flat, rotations], axis=-1)[..., None], frames)
        pull = np.matmul(np.swapaxes(self.rows[frames], -1, -2), error)[..., 0]
        right = np.concatenate([(w[:, None] * pull).sum(1) for w in (starts, ends)], axis=-1)
        matrix = self._matrix(first, at, starts, ends)
        change = np.linalg.solve(matrix, -right[..., None])[..., 0]
        size = change.shape[-1] // 2
        return [
            own + np.stack([change[:, part], change[:, size + part]], axis=1)
            for own, part in zip(slopes, self.parts, strict=True)
        ]

    def curves(self) -> list[Curve]:
        """The curves with the fewest keys."""
        if self.count == 1:
            return [fitter.curve([0]) for fitter in self.fitters]
        costs = np.full((self.longest + 1, self.count), np.inf)
        for span, worst in self.worst.items():
            costs[span, span:] = np.where(worst <= LIMIT_SHARE, 1 + ERROR_COST * worst, np.inf)
        at = np.array(cheapest_keys(costs), dtype=np.int64)
        return [
            fitter.curve(fixed_frames(channel)) if channel.constant else self._curve(k, at)
            for k, (channel, fitter) in enumerate(zip(self.channels, self.fitters, strict=True))
        ]

    def _curve(self, index: int, at: Indices) -> Curve:
        curve = self.fitters[index].curve(at.tolist())
        arriving, leaving = curve.arriving.copy(), curve.leaving.copy()
        for i, (first, last) in enumerate(pairwise(at.tolist())):
            if last - first > 1:
                leaving[i], arriving[i + 1] = self.slopes[last - first][index][first]
        arriving[0], leaving[-1] = leaving[0], arriving[-1]
        return Curve(at, curve.values, arriving, leaving)

    def _matrix(self, first: Indices, at: Indices, starts: Array, ends: Array) -> Array:
        """The normal matrices (N, 2 C, 2 C) of all spans."""
        size = self.square.shape[-1]
        out = np.zeros((len(first), 2 * size, 2 * size))
        for f, a, b in zip(at, starts, ends, strict=True):
            square = self.square[first + f]
            out[:, :size, :size] += a * a * square
            out[:, :size, size:] += a * b * square
            out[:, size:, size:] += b * b * square
        out[:, size:, :size] = np.swapaxes(out[:, :size, size:], -1, -2)
        return out + 1e-9 * np.eye(2 * size)

    def _pose_between(
        self, slopes: Sequence[Array], first: Indices, span: int, *, fitted: bool = False
    ) -> _PosedLeg:
        """The leg posed inside the spans from ``first`` on.

        ``slopes`` (N, 2, C) are of these spans where ``fitted``, else of all spans.
        """
        w = hermite_weights(np.arange(1, span) / span, float(span))
        values: list[Array] = []
        for channel, all_slopes in zip(self.channels, slopes, strict=True):
            own = all_slopes if fitted else all_slopes[first]
            ends = channel.values[first][:, None], channel.values[first + span][:, None]
            values.append(w[0] * ends[0] + w[1] * ends[1] + w[2] * own[:, :1] + w[3] * own[:, 1:])
        return self._pose(values, first[:, None] + np.arange(1, span))

    def _span_errors(self, posed: _PosedLeg, first: Indices, span: int) -> Array:
        """The worst error of each span (N,), as a share of its limit."""
        frames = first[:, None] + np.arange(1, span)
        positions, rotations = self._away(posed, frames)
        worst = (_share_of_limit(np.linalg.norm(rotations, axis=-1), self.tolerance.angle,
                       np.linalg.norm(self.off[1][frames], axis=-1))).max(1)  # fmt: skip
        own = np.linalg.norm(self.off[0][frames], axis=-1)
        limits = self.tolerance.distance * np.array([1.0, 1.0, _KNEE_LIMIT])
        far = _share_of_limit(np.linalg.norm(positions, axis=-1), limits, own)
        worst = np.maximum(worst, far.max((1, 2)))
        begin, end = frames[:, :1] - 1, frames[:, -1:] + 1
        toe = np.concatenate(
            [self.off[0][begin, 1], positions[:, :, 1], self.off[0][end, 1]], axis=1
        )
        later = np.concatenate([frames, end], axis=1)
        step = np.linalg.norm(np.diff(toe, axis=1), axis=-1)
        step = _share_of_limit(
            step, self.tolerance.step, np.linalg.norm(self.off[2][later], axis=-1)
        )
        standing = self.leg.in_contact[later] * self.leg.in_contact[later - 1]
        return np.maximum(worst, (step * standing).max(1))

    def _weighted(self, rows: Array, frames: Indices) -> Array:
        """Rows (..., 12, C) for ankle, toe, knee and rotation, as shares of their limits."""
        limit = self.tolerance
        toe = np.where(
            self.leg.in_contact[frames] > 0, _CONTACT_FRAMES * limit.step, limit.distance
        )
        knee = _KNEE_LIMIT * limit.distance
        ankle, rotation = rows[..., :3, :] / limit.distance, rows[..., 9:, :] / limit.angle
        shares = (ankle, rows[..., 3:6, :] / toe[..., None, None], rows[..., 6:9, :] / knee)
        return np.concatenate([*shares, rotation], axis=-2)

    def _away(self, posed: _PosedLeg, frames: Indices) -> tuple[Array, Array]:
        """Errors (..., 3, 3) of ankle, toe and knee, and (..., 3) of the foot's rotation."""
        rotation = to_log(multiply(posed.rotation, inverse(self.leg.rotation[frames])))
        return posed.points - self.leg.positions[frames], rotation

    def _pose(self, values: Sequence[Array], frames: Indices) -> _PosedLeg:
        """The leg posed by values (..., C) of each channel at some frames."""
        position = self.leg.start[frames]
        rotation = np.zeros((*position.shape[:-1], 4))
        joints: list[tuple[Array, Array]] = []
        last = None
        for k, control in enumerate(self.leg.controls):
            if last is not None:
                position = position + rotate(rotation, control.head - last.head)
            above = self.leg.above[k]
            rotation = multiply(rotation if above is None else above[frames],
                            _away_from_rest(self.channels[k], values[k], control))  # fmt: skip
            joints.append((rotation, position))
            last = control
        assert last is not None
        points = [position + rotate(rotation, point - last.head) for point in self.leg.points]
        return _PosedLeg(np.stack([*points, joints[1][1]], axis=-2), rotation, joints)

    def _foot_jacobian(self) -> Array:
        """Jacobian (T, 12, C) of ankle, toe, knee and the foot's rotation by each value."""
        columns: list[Array] = []
        foot = self.own.joints[-1][1][:, None]
        for k, (channel, control) in enumerate(zip(self.channels, self.leg.controls, strict=True)):
            rotation, position = self.own.joints[k]
            current = _away_from_rest(channel, channel.values, control)
            rotations = k == 2 or self.leg.above[2] is None  # the foot with it
            ends = self.own.points[:, :2] if rotations else np.repeat(foot, 2, axis=1)
            arms = np.concatenate([ends, self.own.points[:, 2:]], axis=1) - position[:, None]
            arms[:, 2] *= k == 0  # only the thigh moves the knee
            for step in 1e-5 * np.eye(channel.values.shape[1]):
                changed = _away_from_rest(channel, channel.values + step, control)
                axis = rotate(rotation, to_log(multiply(inverse(current), changed)) / 1e-5)
                rows = [*(cross(axis, arms[:, i]) for i in range(3)), axis * rotations]
                columns.append(np.concatenate(rows, axis=-1))
        return np.stack(columns, axis=-1)


def _away_from_rest(channel: SampledChannel, values: Array, control: Control) -> Array:
    """Rotations (..., 4) away from rest of values (..., C) of a control."""
    basis = channel.rotations(values.reshape(-1, values.shape[-1]))
    rotation = from_local_basis(basis, control.rest)
    return rotation.reshape(*values.shape[:-1], 4)


def _share_of_limit(error: Array, limit: Array | float, own: Array) -> Array:
    """Errors as shares of a limit; where the leg cannot reach, of a little more than that."""
    return error / np.maximum(limit, own + _MIN_SHARE * limit)

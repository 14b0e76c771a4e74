"""Marked poses are met exactly: a smooth residual on the rig's own channels.

The model is asked to pass near the marked poses. What is left is measured, reported and
then taken away: the body's place by moving the motion as a whole, eased from one key to
the next; everything else by a residual in the logarithm of each rotation that is exact at
the key and gone within ``REACH`` seconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Final, cast

import numpy as np

from .frames import smoothstep
from .motion import heading
from .retarget import RigMotion
from .rotations import (
    IDENTITY,
    Array,
    about_y,
    angle_between,
    continuous,
    from_log,
    inverse,
    multiply,
    normalise,
    rotate,
    to_log,
)
from .transforms import Transform

#: Seconds on either side of a key within which its residual is spent.
REACH: Final = 0.8

_LEVEL: Final = np.array([1.0, 0.0, 1.0])


class PoseError(ValueError):
    """A stored pose that cannot be read; the message is one sentence for the user."""


@dataclass(frozen=True)
class RigPose:
    """One pose of a rig's controls.

    Attributes:
        rotations: control -> local basis quaternion (w, x, y, z).
        root_location: basis location of the root control, in the rig's unit. Rotation
            and location of the root are those it has while its carriers are at rest.
        others: bone -> its own channels, for every bone of the rig that is not at rest;
            None when they are not known.
        switches: (bone, property, value) of each switch between FK and IK.
    """

    rotations: dict[str, tuple[float, float, float, float]]
    root_location: tuple[float, float, float]
    others: dict[str, Transform] | None = None
    switches: tuple[tuple[str, str, float], ...] = field(default=())

    def to_json(self) -> str:
        """The pose as one line of text."""
        others = self.others and {n: t.to_list() for n, t in self.others.items()}
        return json.dumps(
            {"rotations": self.rotations, "root_location": self.root_location,
             "others": others, "switches": self.switches}
        )  # fmt: skip

    @classmethod
    def from_json(cls, text: str) -> RigPose:
        """Read ``to_json``'s text; raises PoseError when it is something else."""
        try:
            data: Any = json.loads(text)
            rotations = cast("dict[str, list[float]]", data["rotations"])
            turned = {str(k): _numbers(q, 4) for k, q in rotations.items()}
            place = _numbers(data["root_location"], 3)
            others: dict[str, Any] | None = data.get("others")
            if others is not None:
                others = {str(n): Transform.from_list(t) for n, t in others.items()}
            switches = tuple((str(b), str(p), float(v)) for b, p, v in data.get("switches", ()))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PoseError(
                f"A stored pose cannot be read ({error}): remove it and mark the pose again."
            ) from None
        return cls(
            rotations={k: (q[0], q[1], q[2], q[3]) for k, q in turned.items()},
            root_location=(place[0], place[1], place[2]),
            others=others,
            switches=switches,
        )


def _numbers(values: list[float], count: int) -> list[float]:
    numbers = [float(v) for v in values]
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise ValueError(f"{count} numbers were expected, not {values}")
    return numbers


@dataclass(frozen=True)
class KeyReport:
    """How far the motion was from a marked pose before it was corrected.

    Attributes:
        frame: index of the frame.
        body_degrees: mean angle over the controls, heading left out.
        place_cm: distance of the root, in centimetres of the model.
        body_cm: mean distance of the joints, place and heading left out, in the same.
    """

    frame: int
    body_degrees: float
    place_cm: float
    body_cm: float = 0.0


def body_distance(joints: Array, marked: Array) -> float:
    """Mean distance in centimetres of two poses (22, 3) in metres, from pelvis and heading."""
    turn = about_y(heading(marked) - heading(joints))
    here = rotate(np.broadcast_to(turn, (len(joints), 4)), joints - joints[0])
    return 100 * float(np.linalg.norm(here - (marked - marked[0]), axis=-1).mean())


def pose_at(motion: RigMotion, frame: int) -> RigPose:
    """The motion's pose at a frame."""
    rotations = {n: tuple(float(x) for x in q[frame]) for n, q in motion.rotations.items()}
    place = tuple(float(x) for x in motion.locations[frame])
    return RigPose(
        rotations=cast("dict[str, tuple[float, float, float, float]]", rotations),
        root_location=cast("tuple[float, float, float]", place),
    )


def meet_keys(
    motion: RigMotion, keys: Mapping[int, RigPose]
) -> tuple[RigMotion, tuple[KeyReport, ...]]:
    """The motion passing exactly through the keys, and how far it was from them.

    Args:
        motion: what the model gave.
        keys: index of a frame -> the pose there; controls that a pose does not name and
            names that the rig does not have are left alone.
    """
    frames = sorted(f for f in keys if 0 <= f < len(motion))
    if not frames:
        return motion, ()
    reports = tuple(_report(motion, f, keys[f]) for f in frames)
    motion = _meet_places(motion, {f: keys[f] for f in frames})
    bumps = _bumps(len(motion), frames, REACH * motion.fps)
    rotations = {
        name: _meet_rotation(q, [keys[f].rotations.get(name) for f in frames], frames, bumps)
        for name, q in motion.rotations.items()
    }
    wanted = np.array([keys[f].root_location for f in frames])
    locations = motion.locations + bumps.T @ (wanted - motion.locations[frames])
    locations[frames] = wanted
    return replace(motion, rotations=rotations, locations=locations), reports


def _meet_rotation(
    q: Array, targets: list[tuple[float, ...] | None], frames: list[int], bumps: Array
) -> Array:
    """Rotations (T, 4) with each target's residual added on its bump (K, T)."""
    residual = np.zeros((len(q), 3))
    for target, frame, bump in zip(targets, frames, bumps, strict=True):
        if target is not None:
            step = to_log(multiply(inverse(q[frame]), normalise(np.array(target))))
            residual += bump[:, None] * step
    if not residual.any():
        return q
    return continuous(multiply(q, from_log(residual)))


def _bumps(count: int, frames: list[int], reach: float) -> Array:
    """Weights (K, T): 1 at the own key, 0 at every other and beyond reach."""
    time = np.arange(count, dtype=np.float64)
    rows: list[Array] = []
    for i, frame in enumerate(frames):
        before = reach if i == 0 else min(reach, frame - frames[i - 1])
        after = reach if i + 1 == len(frames) else min(reach, frames[i + 1] - frame)
        away: Array = np.where(time < frame, (frame - time) / before, (time - frame) / after)
        rows.append(smoothstep(1.0 - away))
    return np.stack(rows)


def _meet_places(motion: RigMotion, keys: Mapping[int, RigPose]) -> RigMotion:
    """Move the motion over the floor so that place and heading fit at each key.

    Each key asks for one rigid move on the floor. Between two keys the move goes over
    from one to the next while the body travels; outside the outermost keys it stays, so
    that no foot is dragged.
    """
    turn, place = _upright(motion)
    frames = list(keys)
    moves: list[tuple[float, Array, Array]] = []
    last = 0.0
    for frame, pose in keys.items():
        wanted_turn, wanted_place = _upright_pose(motion, pose)
        angle = float(_yaw(multiply(wanted_turn, inverse(turn[frame]))))
        last = last + (angle - last + np.pi) % (2 * np.pi) - np.pi
        moves.append((last, place[frame], wanted_place))
    weights = _handover(place, frames)
    moved = np.zeros_like(place)
    yaw = np.zeros(len(place))
    for weight, (angle, pivot, goal) in zip(weights, moves, strict=True):
        spun = rotate(np.broadcast_to(about_y(np.array(angle)), turn.shape), place - pivot)
        moved += weight[:, None] * (spun + goal)
        yaw += weight * angle
    moved = moved * _LEVEL + place * (1 - _LEVEL)
    return _with_upright(motion, multiply(about_y(yaw), turn), moved)


def _handover(place: Array, frames: list[int]) -> Array:
    """Weights (K, T) that sum to 1, going from key to key while the body travels."""
    step = np.linalg.norm(np.diff(place * _LEVEL, axis=0, prepend=place[:1] * _LEVEL), axis=-1)
    travelled = np.cumsum(step + 0.25 * step.mean() + 1e-9)
    weights = np.zeros((len(frames), len(place)))
    passed = [
        smoothstep((travelled - travelled[a]) / (travelled[b] - travelled[a]))
        for a, b in pairwise(frames)
    ]
    ones, zeros = np.ones(len(place)), np.zeros(len(place))
    for i, weight in enumerate(weights):
        weight[:] = (passed[i - 1] if i else ones) - (passed[i] if i < len(passed) else zeros)
    return weights


def _upright(motion: RigMotion) -> tuple[Array, Array]:
    """Turn (T, 4) and place (T, 3) of the root in model axes."""
    rest = np.broadcast_to(motion.root_rest, (len(motion), 4))
    turn = multiply(multiply(rest, motion.rotations[motion.root]), inverse(rest))
    return turn, motion.root_head + rotate(rest, motion.locations)


def _upright_pose(motion: RigMotion, pose: RigPose) -> tuple[Array, Array]:
    rest = motion.root_rest
    basis = np.array(pose.rotations.get(motion.root, tuple(IDENTITY)))
    turn = multiply(multiply(rest, normalise(basis)), inverse(rest))
    return turn, motion.root_head + rotate(rest, np.array(pose.root_location))


def _with_upright(motion: RigMotion, turn: Array, place: Array) -> RigMotion:
    rest = np.broadcast_to(motion.root_rest, turn.shape)
    basis = multiply(multiply(inverse(rest), turn), rest)
    rotations = {**motion.rotations, motion.root: continuous(basis)}
    locations = rotate(inverse(rest), place - motion.root_head)
    return replace(motion, rotations=rotations, locations=locations)


def _yaw(turn: Array) -> Array:
    """Angle (...,) in radians about the vertical of a turn, by swing and twist."""
    half: Array = np.arctan2(turn[..., 2], turn[..., 0])
    return 2.0 * half


def _report(motion: RigMotion, frame: int, pose: RigPose) -> KeyReport:
    angles: list[float] = []
    for name, target in pose.rotations.items():
        if name == motion.root or name not in motion.rotations:
            continue
        angles.append(float(angle_between(motion.rotations[name][frame], np.array(target))))
    turn, place = _upright(motion)
    wanted_turn, wanted_place = _upright_pose(motion, pose)
    lean = multiply(wanted_turn, inverse(turn[frame]))
    lean = multiply(about_y(-_yaw(lean)), lean)
    angles.append(float(angle_between(IDENTITY, lean)))
    away = float(np.linalg.norm(wanted_place - place[frame]))
    return KeyReport(
        frame=frame,
        body_degrees=float(np.degrees(np.mean(angles))),
        place_cm=100 * away / motion.scale,
    )

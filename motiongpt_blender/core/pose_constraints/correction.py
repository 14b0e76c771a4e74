"""Marked poses are met exactly: a smooth residual on the rig's own channels.

The model is asked to pass near the marked poses. What is left is measured, reported and
then taken away: the body's place by bending its way from one key to the next
(``path``); everything else by a residual in the logarithm of each rotation that is exact at
the key and gone within a reach of some seconds. A pose may bind only some controls: the
others are left alone, and the residuals of other poses pass through its frame.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..body.motion import heading
from ..body.rotations import (
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
from ..body.slices import run_to_end
from ..body.transforms import Transform
from ..rig.rig_description import RigMotion
from ..rig.rig_options import REACH
from .marked_pose import FKMismatch
from .residuals import residual_curve
from .root_path import Waypoint, bend_path_slices


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
        influences: (bone, constraint, value) of each IK constraint that a take switches off;
            empty in poses of earlier versions too.
        placed: whether the pose binds the root, and with it place and heading.
        bound: bones of which ``others`` speaks; None when it speaks of all.
    """

    rotations: dict[str, tuple[float, float, float, float]]
    root_location: tuple[float, float, float]
    transforms: dict[str, Transform] | None = None
    switches: tuple[tuple[str, str, float], ...] = field(default=())
    influences: tuple[tuple[str, str, float], ...] = field(default=())
    root_constrained: bool = True
    constrained_bones: frozenset[str] | None = None

    def describes(self, bone: str) -> bool:
        """Whether ``others`` says how a bone is, at rest where it is not named."""
        return self.transforms is not None and (
            self.constrained_bones is None or bone in self.constrained_bones
        )

    def to_json(self) -> str:
        """The pose as one line of text."""
        transforms = self.transforms and {n: t.to_list() for n, t in self.transforms.items()}
        return json.dumps(
            {"rotations": self.rotations, "root_location": self.root_location,
             "transforms": transforms, "switches": self.switches, "influences": self.influences}
        )  # fmt: skip

    @classmethod
    def from_json(cls, text: str) -> RigPose:
        """Read ``to_json``'s text; raises PoseError when it is something else."""
        try:
            data: Any = json.loads(text)
            rotations = cast("dict[str, list[float]]", data["rotations"])
            turned = {str(k): _numbers(q, 4) for k, q in rotations.items()}
            place = _numbers(data["root_location"], 3)
            transforms: dict[str, Any] | None = data.get("transforms")
            if transforms is not None:
                transforms = {str(n): Transform.from_list(t) for n, t in transforms.items()}
            switches, influences = (
                tuple((str(bone), str(what), float(value)) for bone, what, value in rows)
                for rows in (data.get("switches", ()), data.get("influences", ()))
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PoseError(
                f"A stored pose cannot be read ({error}): remove it and mark the pose again."
            ) from None
        return cls(
            rotations={k: (q[0], q[1], q[2], q[3]) for k, q in turned.items()},
            root_location=(place[0], place[1], place[2]),
            transforms=transforms,
            switches=switches,
            influences=influences,
        )


def _numbers(values: list[float], count: int) -> list[float]:
    numbers = [float(v) for v in values]
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise ValueError(f"{count} numbers were expected, not {values}")
    return numbers


@dataclass(frozen=True)
class PoseReport:
    """How far the motion was from a marked pose before it was corrected.

    Attributes:
        frame: index of the frame.
        body_degrees: mean angle over the bound controls, heading left out.
        place_cm: distance of the root, in centimetres of the model; 0 when it is not bound.
        body_cm: mean distance of the bound joints, place and heading left out, in the same.
        dragged_cm: how far the way to this pose had to be dragged, because no bend gave it.
        placed: whether place and heading are bound.
        moved_cm: the farthest that head, hands or feet are moved to meet it, in the same.
        jerk: their jerk around it, over what it was before.
        fk_mismatch: what FK controls cannot show of the pose, so that the take does not either.
    """

    frame: int
    body_degrees: float
    position_cm: float
    body_cm: float = 0.0
    dragged_cm: float = 0.0
    root_constrained: bool = True
    moved_cm: float = 0.0
    jerk: float = 1.0
    fk_mismatch: FKMismatch | None = None


def body_distance(joints: Array, marked: Array, counted: NDArray[np.bool_] | None = None) -> float:
    """Mean distance in centimetres of two poses (22, 3) in metres, from pelvis and heading.

    ``counted`` (22,) says which joints count; of none the distance is 0.
    """
    if counted is not None and not counted.any():
        return 0.0
    turn = about_y(heading(marked) - heading(joints))
    here = rotate(np.broadcast_to(turn, (len(joints), 4)), joints - joints[0])
    away = np.linalg.norm(here - (marked - marked[0]), axis=-1)
    return 100 * float((away if counted is None else away[counted]).mean())


def pose_at(motion: RigMotion, frame: int) -> RigPose:
    """The motion's pose at a frame."""
    rotations = {n: tuple(float(x) for x in q[frame]) for n, q in motion.rotations.items()}
    place = tuple(float(x) for x in motion.locations[frame])
    return RigPose(
        rotations=cast("dict[str, tuple[float, float, float, float]]", rotations),
        root_location=cast("tuple[float, float, float]", place),
    )


def complete_pose(motion: RigMotion, frame: int, pose: RigPose) -> RigPose:
    """The pose with what it leaves free as the motion has it."""
    here = pose_at(motion, frame)
    return replace(
        pose,
        rotations={**here.rotations, **pose.rotations},
        root_location=pose.root_location if pose.root_constrained else here.root_location,
        root_constrained=True,
    )


def meet_poses(
    motion: RigMotion, keys: Mapping[int, RigPose], reach: float = REACH
) -> tuple[RigMotion, tuple[PoseReport, ...]]:
    """``meet_steps``, all at once."""
    return run_to_end(meet_pose_slices(motion, keys, reach))


def meet_pose_slices(
    motion: RigMotion, keys: Mapping[int, RigPose], reach: float = REACH
) -> Generator[None, None, tuple[RigMotion, tuple[PoseReport, ...]]]:
    """The motion passing exactly through the keys, and how far it was from them.

    In slices of a few milliseconds.

    Args:
        motion: what the model gave.
        keys: index of a frame -> the pose there; controls that a pose does not name and
            names that the rig does not have are left alone.
        reach: seconds on either side of a key within which its residual is spent.
    """
    frames = sorted(f for f in keys if 0 <= f < len(motion))
    if not frames:
        return motion, ()
    reports = [_report(motion, f, keys[f]) for f in frames]
    yield
    root_constrained = [f for f in frames if keys[f].root_constrained]
    if root_constrained:
        motion, dragged = yield from _meet_places(motion, {f: keys[f] for f in root_constrained})
        far = dict(zip(root_constrained, dragged, strict=True))
        reports = [
            replace(r, dragged_cm=100 * far.get(r.frame, 0.0) / motion.scale) for r in reports
        ]
    rotations = _meet_rotations(motion, {f: keys[f] for f in frames}, reach * motion.fps)
    locations = motion.locations
    if root_constrained:
        wanted = np.array([keys[f].root_location for f in root_constrained])
        away = wanted - locations[root_constrained]
        locations = locations + residual_curve(
            root_constrained, away, len(motion), reach * motion.fps
        )
        locations[root_constrained] = wanted
    return replace(motion, rotations=rotations, locations=locations), tuple(reports)


def _meet_rotations(
    motion: RigMotion, keys: Mapping[int, RigPose], reach: float
) -> dict[str, Array]:
    """All rotations with the residuals of their frames' targets, spent within ``reach``.

    Controls that the same frames bind are met together, which is many times faster.
    """
    groups: dict[tuple[int, ...], list[str]] = {}
    for name in motion.rotations:
        constrained_bones = tuple(f for f, pose in keys.items() if name in pose.rotations)
        groups.setdefault(constrained_bones, []).append(name)
    out = dict(motion.rotations)
    for constrained_bones, names in groups.items():
        if not constrained_bones:
            continue
        frames, q = list(constrained_bones), np.stack([motion.rotations[n] for n in names], axis=1)
        wanted = normalise(np.array([[keys[f].rotations[n] for n in names] for f in frames]))
        steps = to_log(multiply(inverse(q[frames]), wanted))  # (K, C, 3)
        away = residual_curve(frames, steps.reshape(len(frames), -1), len(q), reach)
        met = continuous(multiply(q, from_log(away.reshape(len(q), -1, 3))))
        out.update((n, met[:, k]) for k, n in enumerate(names) if steps[:, k].any())
    return out


def _meet_places(
    motion: RigMotion, keys: Mapping[int, RigPose]
) -> Generator[None, None, tuple[RigMotion, tuple[float, ...]]]:
    """The motion's way bent to the keys' places and headings, and how far each was dragged."""
    turn, place = _upright(motion)
    stops: list[Waypoint] = []
    last = 0.0
    for frame, pose in keys.items():
        wanted_turn, wanted_place = _upright_pose(motion, pose)
        angle = float(_yaw(multiply(wanted_turn, inverse(turn[frame]))))
        last = last + (angle - last + np.pi) % (2 * np.pi) - np.pi
        stops.append(Waypoint(frame, last, wanted_place))
    way = yield from bend_path_slices(place, stops, motion.fps, motion.scale)
    return _with_upright(motion, multiply(about_y(way.yaw), turn), way.places), way.dragged


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


def _report(motion: RigMotion, frame: int, pose: RigPose) -> PoseReport:
    names = [n for n in pose.rotations if n != motion.root and n in motion.rotations]
    angles: list[float] = []
    if names:
        here = np.array([motion.rotations[n][frame] for n in names])
        angles = angle_between(here, np.array([pose.rotations[n] for n in names])).tolist()
    position_cm = 0.0
    if pose.root_constrained:
        turn, place = _upright(motion)
        wanted_turn, wanted_place = _upright_pose(motion, pose)
        lean = multiply(wanted_turn, inverse(turn[frame]))
        lean = multiply(about_y(-_yaw(lean)), lean)
        angles.append(float(angle_between(IDENTITY, lean)))
        position_cm = 100 * float(np.linalg.norm(wanted_place - place[frame])) / motion.scale
    degrees = float(np.degrees(np.mean(angles))) if angles else 0.0
    return PoseReport(frame, degrees, position_cm, root_constrained=pose.root_constrained)

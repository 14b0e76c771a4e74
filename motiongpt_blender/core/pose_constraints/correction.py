"""The correction that makes a motion pass exactly through marked poses.

The model passes near the marked poses. What remains is measured, reported and removed:
the root's position and heading by bending the root path from one pose to the next, every
other rotation by a residual in its logarithm that is exact at the pose and fades within a
reach of some seconds. A pose may constrain only some controls: the others stay as they are,
and the residuals of other poses pass through its frame.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace

import numpy as np

from ..body.rotations import (
    Array,
    about_y,
    continuous,
    from_log,
    inverse,
    multiply,
    normalise,
    to_log,
    wrap_angle,
    yaw_angle,
)
from ..body.slices import run_to_end
from ..rig.kinematics import root_transform, with_root_transform
from ..rig.rig_description import RigMotion
from ..rig.rig_options import REACH
from .reports import PoseReport, pose_report
from .residuals import residual_curve
from .rig_pose import RigPose, pose_root
from .root_path import Waypoint, bend_path_slices


def meet_poses(
    motion: RigMotion, poses: Mapping[int, RigPose], reach: float = REACH
) -> tuple[RigMotion, tuple[PoseReport, ...]]:
    """``meet_pose_slices`` run to its end."""
    return run_to_end(meet_pose_slices(motion, poses, reach))


def meet_pose_slices(
    motion: RigMotion, poses: Mapping[int, RigPose], reach: float = REACH
) -> Generator[None, None, tuple[RigMotion, tuple[PoseReport, ...]]]:
    """The motion passing exactly through poses, and how far it was from them.

    Works in slices of a few milliseconds.

    Args:
        motion: the model's motion on the rig.
        poses: index of a frame -> the pose there; controls that a pose does not name, and
            names that the rig does not have, stay as they are.
        reach: seconds on either side of a pose within which its residual fades.
    """
    frames = sorted(f for f in poses if 0 <= f < len(motion))
    if not frames:
        return motion, ()
    reports = [pose_report(motion, f, poses[f]) for f in frames]
    yield
    on_path = [f for f in frames if poses[f].root_constrained]
    if on_path:
        motion, dragged = yield from _bend_root_path(motion, {f: poses[f] for f in on_path})
        centimetres = {f: 100 * d / motion.scale for f, d in zip(on_path, dragged, strict=True)}
        reports = [replace(r, dragged_cm=centimetres.get(r.frame, 0.0)) for r in reports]
    rotations = correct_rotations(motion, {f: poses[f] for f in frames}, reach * motion.fps)
    locations = motion.locations
    if on_path:
        targets = np.array([poses[f].root_location for f in on_path])
        residuals = targets - locations[on_path]
        curve = residual_curve(on_path, residuals, len(motion), reach * motion.fps)
        locations = locations + curve
        locations[on_path] = targets
    return replace(motion, rotations=rotations, locations=locations), tuple(reports)


def correct_rotations(
    motion: RigMotion, poses: Mapping[int, RigPose], reach: float
) -> dict[str, Array]:
    """All rotations with the residuals of their poses, which fade within ``reach`` frames.

    Controls that the same frames constrain are corrected together, which is many times faster.
    """
    groups: dict[tuple[int, ...], list[str]] = {}
    for name in motion.rotations:
        frames = tuple(f for f, pose in poses.items() if name in pose.rotations)
        groups.setdefault(frames, []).append(name)
    out = dict(motion.rotations)
    for group, names in groups.items():
        if not group:
            continue
        frames, q = list(group), np.stack([motion.rotations[n] for n in names], axis=1)
        targets = normalise(np.array([[poses[f].rotations[n] for n in names] for f in frames]))
        residuals = to_log(multiply(inverse(q[frames]), targets))  # (K, C, 3)
        curve = residual_curve(frames, residuals.reshape(len(frames), -1), len(q), reach)
        corrected = continuous(multiply(q, from_log(curve.reshape(len(q), -1, 3))))
        out.update((n, corrected[:, k]) for k, n in enumerate(names) if residuals[:, k].any())
    return out


def _bend_root_path(
    motion: RigMotion, poses: Mapping[int, RigPose]
) -> Generator[None, None, tuple[RigMotion, tuple[float, ...]]]:
    """The motion with its root path bent to the poses, and the drag to each in the rig's unit."""
    rotations, positions = root_transform(motion)
    waypoints: list[Waypoint] = []
    yaw = 0.0
    for frame, pose in poses.items():
        rotation, position = pose_root(motion, pose)
        angle = float(yaw_angle(multiply(rotation, inverse(rotations[frame]))))
        yaw += float(wrap_angle(angle - yaw))  # unwrapped: the short way from pose to pose
        waypoints.append(Waypoint(frame, yaw, position))
    path = yield from bend_path_slices(positions, waypoints, motion.fps, motion.scale)
    rotations = multiply(about_y(path.yaw), rotations)
    return with_root_transform(motion, rotations, path.positions), path.dragged

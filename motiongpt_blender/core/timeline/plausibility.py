"""Plausibility: whether marked poses can follow each other, and notes on how they were met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np

from ..body.motion import heading
from ..body.rotations import Array, wrap_angle
from ..pose_constraints.body_parts import constrained_joints, constrains_root
from ..pose_constraints.marked_pose import MarkedPose
from ..pose_constraints.reports import PoseReport, body_distance
from ..translation import tr
from .frame_range import frame_text
from .plan import PlanError

#: Degrees a second about the vertical: twice the speed of a figure skater.
MAX_TURN_SPEED: Final = 3000.0
#: Degrees of turn below which two poses never contradict each other.
MIN_TURN: Final = 90.0
#: Metres a second of a sprinter.
MAX_SPEED: Final = 9.0
#: Centimetres of the model by which a path is dragged without a note.
MAX_DRAG: Final = 30.0
#: Centimetres by which head, hands and feet are moved to meet a pose, and the factor by which
#: the motion becomes jerkier, without a note; both have to be exceeded.
MAX_MOVE: Final = 10.0
MAX_JERK: Final = 1.3


def check_poses_compatible(marked: Sequence[MarkedPose], scene_fps: float) -> None:
    """Raise PlanError for two neighbouring poses that contradict each other."""
    for one, other, seconds in _pairs(marked, scene_fps):
        turn = float(np.degrees(abs(_turn(one, other))))
        if turn > MIN_TURN and turn > MAX_TURN_SPEED * seconds:
            raise PlanError(
                tr(
                    "The poses at frames {frame} and {other} face {turn:.0f}° apart and "
                    "leave {seconds:.2f} s for the turn: move one of them in time, or turn "
                    "it.",
                    frame=frame_text(one.frame),
                    other=frame_text(other.frame),
                    turn=turn,
                    seconds=seconds,
                )
            )


def speed_notes(marked: Sequence[MarkedPose], scene_fps: float) -> list[str]:
    """A sentence for each pair of poses that are farther apart than anyone runs in the time."""
    notes: list[str] = []
    for one, other, seconds in _pairs(marked, scene_fps):
        distance = float(np.linalg.norm((other.joints[0] - one.joints[0])[[0, 2]]))
        if distance > 0.5 and distance > MAX_SPEED * seconds:
            notes.append(
                tr(
                    "From frame {frame} to {other} the poses ask for {distance:.1f} m in "
                    "{seconds:.2f} s, faster than anyone runs: the take gets there, but its "
                    "feet slide; give it more time.",
                    frame=frame_text(one.frame),
                    other=frame_text(other.frame),
                    distance=distance,
                    seconds=seconds,
                )
            )
    return notes


def with_body_distances(
    reports: Sequence[PoseReport], joints: Array, marked: Sequence[MarkedPose], start_frame: float
) -> tuple[PoseReport, ...]:
    """The reports with the distances of the bodies, and what FK controls cannot reach.

    Args:
        reports: by index of the frame.
        joints: (T, 22, 3) metres, the motion before its correction.
        marked: the poses, by scene frame.
        start_frame: scene frame of the motion's first frame.
    """
    by_frame = {round(m.frame - start_frame): m for m in marked}
    bodies = {
        at: body_distance(joints[at], m.joints.astype(np.float64), constrained_joints(m.body_parts))
        for at, m in by_frame.items()
        if 0 <= at < len(joints)
    }
    return tuple(
        replace(r, body_cm=bodies[r.frame], fk_mismatch=by_frame[r.frame].worst_mismatch)
        for r in reports
    )


def drag_notes(reports: Sequence[PoseReport], start_frame: float = 0.0) -> list[str]:
    """A sentence for each pose to which the root path was dragged."""
    return [
        tr(
            "The motion does not lead to the pose at frame {frame}: its path was "
            "bent, and the feet slide over the remaining {metres:.1f} m; give it "
            "more time, or ask for walking in the prompt.",
            frame=frame_text(r.frame + start_frame),
            metres=r.dragged_cm / 100,
        )
        for r in reports
        if r.dragged_cm > MAX_DRAG
    ]


def jerk_notes(reports: Sequence[PoseReport], start_frame: float = 0.0) -> list[str]:
    """A sentence for each pose that makes the motion around it jerky."""
    return [
        tr(
            "The pose at frame {frame} moves hands, feet or head by up to {cm:.0f} "
            "cm and makes the motion {jerk:.1f} x as jerky around it: raise Reach "
            "under Retargeting, or give it more time.",
            frame=frame_text(r.frame + start_frame),
            cm=r.moved_cm,
            jerk=r.jerk,
        )
        for r in reports
        if r.moved_cm > MAX_MOVE and r.jerk > MAX_JERK
    ]


def _pairs(
    marked: Sequence[MarkedPose], scene_fps: float
) -> list[tuple[MarkedPose, MarkedPose, float]]:
    """Neighbours in time that both constrain the root, and the seconds between them."""
    on_path = (pose for pose in marked if constrains_root(pose.body_parts))
    order = sorted(on_path, key=lambda pose: pose.frame)
    return [(a, b, (b.frame - a.frame) / scene_fps) for a, b in pairwise(order)]


def _turn(one: MarkedPose, other: MarkedPose) -> float:
    """Radians from one pose's heading to the other's, -pi to pi."""
    return float(wrap_angle(heading(other.joints) - heading(one.joints)))

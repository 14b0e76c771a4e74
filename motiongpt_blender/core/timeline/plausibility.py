"""Whether marked poses can follow each other, and how well a motion agrees with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np

from ..body.motion import heading
from ..body.rotations import Array
from ..pose_constraints.body_parts import constrained_joints, constrains_root
from ..pose_constraints.correction import PoseReport, body_distance
from ..pose_constraints.marked_pose import MarkedPose
from .frame_range import frame_text
from .plan import PlanError

#: Degrees a second about the vertical: twice what a figure skater turns.
MOST_TURN: Final = 3000.0
#: Degrees of turn below which two poses are never said to contradict each other.
LEAST_TURN: Final = 90.0
#: Metres a second that a sprinter runs.
MOST_SPEED: Final = 9.0
#: Centimetres of the model that a way is dragged before it is told.
TOLD_DRAG: Final = 30.0
#: Centimetres that head, hands and feet may be moved to meet a pose, and how much jerkier the
#: motion may become by more, before it is told.
TOLD_MOVE: Final = 10.0
TOLD_JERK: Final = 1.3


def check_poses_compatible(marked: Sequence[MarkedPose], scene_fps: float) -> None:
    """Raise PlanError for two neighbouring poses that contradict each other."""
    for one, other, seconds in _pairs(marked, scene_fps):
        turn = float(np.degrees(abs(_turn(one, other))))
        if turn > LEAST_TURN and turn > MOST_TURN * seconds:
            raise PlanError(
                f"The poses at frames {frame_text(one.frame)} and {frame_text(other.frame)} face "
                f"{turn:.0f}° apart and leave {seconds:.2f} s for the turn: move one of them in "
                "time, or turn it."
            )


def speed_notes(marked: Sequence[MarkedPose], scene_fps: float) -> list[str]:
    """A sentence for each way between two poses that is longer than anyone runs in the time."""
    notes: list[str] = []
    for one, other, seconds in _pairs(marked, scene_fps):
        way = float(np.linalg.norm((other.joints[0] - one.joints[0])[[0, 2]]))
        if way > 0.5 and way > MOST_SPEED * seconds:
            notes.append(
                f"From frame {frame_text(one.frame)} to {frame_text(other.frame)} the poses ask "
                f"for {way:.1f} m in {seconds:.2f} s, faster than anyone runs: the take gets "
                "there, but its feet slide; give it more time."
            )
    return notes


def with_body_distances(
    reports: Sequence[PoseReport], joints: Array, marked: Sequence[MarkedPose], start_frame: float
) -> tuple[PoseReport, ...]:
    """The reports with how far the bodies were apart, as far as they are bound.

    And with what FK controls cannot show of the marked poses.

    Args:
        reports: by index of the frame.
        joints: (T, 22, 3) metres, the motion before it met anything.
        marked: the poses, by scene frame.
        start_frame: scene frame of the motion's first frame.
    """
    told = {round(m.frame - start_frame): m for m in marked}
    bodies = {
        at: body_distance(joints[at], m.joints.astype(np.float64), constrained_joints(m.body_parts))
        for at, m in told.items()
        if 0 <= at < len(joints)
    }
    return tuple(
        replace(r, body_cm=bodies[r.frame], fk_mismatch=told[r.frame].worst_mismatch)
        for r in reports
    )


def drag_notes(reports: Sequence[PoseReport], start_frame: float = 0.0) -> list[str]:
    """A sentence for each way that no bend of the motion's own gives."""
    return [
        f"The motion does not go where the pose at frame {frame_text(r.frame + start_frame)} "
        f"stands: its way was bent, and {r.dragged_cm / 100:.1f} m of it are dragged, so that feet "
        "slide; give it more time, or ask for walking in the prompt."
        for r in reports
        if r.dragged_cm > TOLD_DRAG
    ]


def jerk_notes(reports: Sequence[PoseReport], start_frame: float = 0.0) -> list[str]:
    """A sentence for each pose that makes the motion around it jerky."""
    return [
        f"The pose at frame {frame_text(r.frame + start_frame)} moves hands, feet or head by up to "
        f"{r.moved_cm:.0f} cm and makes the motion {r.jerk:.1f} x as jerky around it: raise Reach "
        "under Retargeting, or give it more time."
        for r in reports
        if r.moved_cm > TOLD_MOVE and r.jerk > TOLD_JERK
    ]


def _pairs(
    marked: Sequence[MarkedPose], scene_fps: float
) -> list[tuple[MarkedPose, MarkedPose, float]]:
    """Neighbours in time that both have a place, and the seconds between them."""
    placed = (pose for pose in marked if constrains_root(pose.body_parts))
    order = sorted(placed, key=lambda pose: pose.frame)
    return [(a, b, (b.frame - a.frame) / scene_fps) for a, b in pairwise(order)]


def _turn(one: MarkedPose, other: MarkedPose) -> float:
    """Radians from one pose's heading to the other's, -pi to pi."""
    turn = float(heading(other.joints) - heading(one.joints))
    return (turn + np.pi) % (2 * np.pi) - np.pi

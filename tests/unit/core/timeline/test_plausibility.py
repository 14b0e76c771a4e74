"""Marked poses that cannot follow each other are told."""

import numpy as np
import pytest

from motiongpt_blender.core.body.neutral_pose import NEUTRAL
from motiongpt_blender.core.body.rotations import about_y, rotate
from motiongpt_blender.core.pose_constraints.marked_pose import MarkedPose, PoseRole
from motiongpt_blender.core.pose_constraints.rig_pose import RigPose
from motiongpt_blender.core.timeline.plan import PlanError
from motiongpt_blender.core.timeline.plausibility import check_poses_compatible, speed_notes


def marked(frame, turn=0.0, ahead=0.0):
    joints = rotate(np.broadcast_to(about_y(np.radians(turn)), (22, 4)), NEUTRAL)
    joints = (joints + [0, 0, ahead]).astype(np.float32)
    return MarkedPose(frame, PoseRole.KEY, RigPose({}, (0.0, 0.0, 0.0)), joints)


def test_opposite_headings_one_frame_apart_contradict_each_other():
    with pytest.raises(PlanError, match=r"frames 10 and 11 face 180° apart and leave 0\.04 s"):
        check_poses_compatible([marked(11, 180), marked(1), marked(10)], 24.0)


@pytest.mark.parametrize(("turn", "frames"), [(180, 24), (-170, 6), (80, 1), (10, 1), (360, 1)])
def test_turns_that_can_be_are_left_alone(turn, frames):
    check_poses_compatible([marked(1), marked(1 + frames, turn)], 24.0)


def test_ten_metres_in_a_second_are_told_and_walking_is_not():
    (note,) = speed_notes([marked(1), marked(25, ahead=10.0), marked(73, ahead=12.0)], 24.0)
    assert "frame 1 to 25" in note
    assert "10.0 m in 1.00 s" in note
    assert speed_notes([marked(1), marked(2, ahead=0.4)], 24.0) == []

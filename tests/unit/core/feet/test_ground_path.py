"""The height of the ground along real clips, and under poses."""

from dataclasses import replace

import numpy as np
import pytest

from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.feet.foot_contacts import find_foot_contacts
from motiongpt_blender.core.feet.foot_locking import lock_feet
from motiongpt_blender.core.feet.ground_path import body_ground, foot_ground, ground_path
from motiongpt_blender.core.pose_constraints.pose_ground import find_grounds, ground_under
from motiongpt_blender.core.pose_constraints.rig_pose import RigPose, pose_at
from motiongpt_blender.core.retargeting.solver import solve
from motiongpt_blender.core.rig.kinematics import (
    forward_kinematics,
    joint_position,
    local_up,
    raise_root,
)
from tests.support.clips import clip
from tests.support.numeric_rig import a_rig

FPS = 20.0
RIG = a_rig(1)
UP = local_up(solve(RIG, clip("walk")[:2], FPS))


def raised(pose: RigPose, height):
    """A pose, so many rig units higher."""
    return replace(pose, root_location=tuple(np.array(pose.root_location) + height * UP))


@pytest.mark.parametrize("height", [0.6, -0.8])
def test_each_contact_has_one_height_and_steps_lead_from_one_to_the_next(height):
    joints = clip("walk")[:91].astype(float)
    contacts = find_foot_contacts(joints, FPS)
    ground = ground_path({0: 0.0, 90: height * RIG.scale}, joints, contacts)
    motion = solve(RIG, joints, FPS)
    motion = replace(motion, locations=raise_root(motion, body_ground(ground, contacts, FPS)))
    locked, report = lock_feet(RIG, motion, contacts, (), ground)
    posed = forward_kinematics(RIG, locked)
    for side in "LR":
        toe = joint_position(RIG, posed, Joint[f"{side}_FOOT"]) / RIG.scale
        heights = [toe[c.first : c.last + 1, 1] for c in contacts.of(side)]
        assert all(np.ptp(h) < 1e-3 for h in heights), "a foot in contact stays at its height"
        steps = np.diff([h.mean() for h in heights]) * np.sign(height)
        assert (steps > 0).all() and steps.max() < 0.7 * abs(height)
    assert report.moved_cm < 45 * abs(height), "the body rises with its feet"


def test_a_leap_rises_in_the_air():
    joints = clip("jump").astype(float)
    contacts = find_foot_contacts(joints, FPS)
    ground = ground_path({0: 0.0, len(joints) - 1: 0.5}, joints, contacts)
    air = np.maximum(contacts.mask("L", len(joints)), contacts.mask("R", len(joints))) == 0
    risen = np.diff(ground)
    assert risen[air[1:]].sum() > 0.4
    feet = [foot_ground(ground, contacts.of(s)) for s in "LR"]
    assert all(f[0] == 0.0 and f[-1] == 0.5 for f in feet)


def test_a_pose_tells_its_ground_wherever_it_is():
    walk = solve(RIG, clip("walk").astype(float), FPS)
    for height in (0.0, 3.0 * RIG.scale, -250.0 * RIG.scale):
        ground = ground_under(RIG, raised(pose_at(walk, 40), height))
        assert ground.stands and abs(ground.height - height) < 0.03 * RIG.scale


def test_a_jump_between_two_poses_is_over_their_ground():
    joints = clip("jump").astype(float)
    jump, top = solve(RIG, joints, FPS), int(joints[:, [10, 11], 1].min(1).argmax())
    poses = {0: pose_at(jump, 0), top: pose_at(jump, top), 100: pose_at(jump, 0)}
    assert ground_under(RIG, poses[top]).height > 0.1 * RIG.scale
    assert not ground_under(RIG, poses[top]).stands
    assert find_grounds(RIG, poses) == {0: 0.0, top: 0.0, 100: 0.0}
    high = {frame: raised(pose, 2.0 * RIG.scale) for frame, pose in poses.items()}
    grounds = np.array(list(find_grounds(RIG, high).values())) / RIG.scale
    np.testing.assert_allclose(grounds, 2.0, atol=0.03)

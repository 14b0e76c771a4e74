"""Feet of fast motion: they slide while they carry the body, and skim the floor in flight."""

import numpy as np
import pytest

from ext_models.motion.floor_metrics import support_foot_speed
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.feet.foot_contacts import Contact, FootContacts, find_foot_contacts
from motiongpt_blender.core.feet.foot_locking import lock_feet
from motiongpt_blender.core.feet.foot_offsets import FLIGHT_CLEARANCE, flight_lift
from motiongpt_blender.core.retargeting.solver import solve
from motiongpt_blender.core.rig.kinematics import forward_kinematics, joint_position
from tests.support.clips import clip
from tests.support.numeric_rig import a_rig

FPS = 20.0
RIG = a_rig(1)
FEET = (Joint.L_ANKLE, Joint.R_ANKLE, Joint.L_FOOT, Joint.R_FOOT)


def travelling(body, foot):
    """A body and its left toe at so many m/s, the toe low in frames 20 to 29; the right is high."""
    joints = np.ones((60, len(Joint), 3))
    joints[:, :, 2] = (body / FPS) * np.arange(60)[:, None]
    joints[:, Joint.L_FOOT, 1] = 0.2
    joints[20:30, Joint.L_FOOT, 1] = 0.01
    joints[:, Joint.L_FOOT, 2] = (foot / FPS) * np.arange(60)
    return joints


@pytest.mark.parametrize(("body", "foot", "stands"), [
    (0.0, 0.2, True), (0.0, 0.6, False), (1.0, 0.6, False),
    (2.0, 0.6, True), (2.0, 1.0, False), (4.0, 1.0, True),
])  # fmt: skip
def test_how_fast_a_standing_foot_may_be_depends_on_the_body(body, foot, stands):
    found = find_foot_contacts(travelling(body, foot), FPS)
    assert not found.right
    assert bool(found.left) == stands
    if stands:
        frames = {k for one in found.left for k in range(one.first, one.last + 1)}
        assert frames <= set(range(19, 31))
        assert len(frames) > 5


def skimming(speed, height=0.02, scale=1.0):
    """A toe (40, 3) at so many m/s at one height, in a rig's unit."""
    toe = np.zeros((40, 3))
    toe[:, 2] = (speed / FPS) * np.arange(40)
    toe[:, 1] = height
    return scale * toe


STANDS = FootContacts((Contact(0, 9, 0), Contact(30, 39, 30)), (Contact(0, 14, 0),))


@pytest.mark.parametrize("scale", [0.02, 1.0, 100.0])
def test_a_fast_toe_clears_the_floor_in_flight(scale):
    lift = flight_lift(skimming(3.0, scale=scale), STANDS, "L", 0.0, FPS, scale) / scale
    assert lift[17:28] == pytest.approx(FLIGHT_CLEARANCE - 0.02, rel=0.02)
    assert np.abs(lift[:12]).max() < 1e-4  # the right foot stands
    assert not lift[30:].any()  # it stands itself
    assert np.abs(np.diff(lift)).max() < 0.8 * (FLIGHT_CLEARANCE - 0.02)


@pytest.mark.parametrize(("speed", "height"), [(0.5, 0.02), (3.0, FLIGHT_CLEARANCE)])
def test_a_slow_toe_and_a_high_one_are_not_lifted(speed, height):
    assert flight_lift(skimming(speed, height), STANDS, "L", 0.0, FPS, 1.0).max() < 1e-6


def test_one_frame_has_no_flight():
    assert not flight_lift(np.zeros((1, 3)), STANDS, "L", 0.0, FPS, 1.0).any()


def support_speed(motion):
    """m/s of the support foot of a motion on the rig, in metres of the model."""
    posed = forward_kinematics(RIG, motion)
    joints = np.ones((len(motion), len(Joint), 3))
    for joint in FEET:
        joints[:, joint] = joint_position(RIG, posed, joint) - [0.0, RIG.points[joint][1], 0.0]
    return support_foot_speed(joints / RIG.scale)


@pytest.mark.parametrize(("name", "fast"), [("walk", 0.25), ("leap", 0.40)])
def test_feet_that_slide_with_half_the_travel_are_locked(name, fast):
    joints = clip(name).astype(float)
    ground = joints[:, Joint.PELVIS, [0, 2]]
    joints[..., [0, 2]] += 0.5 * (ground - ground[0])[:, None]
    motion = solve(RIG, joints, FPS)
    locked, report = lock_feet(RIG, motion, find_foot_contacts(joints, FPS))
    assert support_speed(motion) > fast
    assert support_speed(locked) < 0.03
    assert 3 < report.moved_cm < 25

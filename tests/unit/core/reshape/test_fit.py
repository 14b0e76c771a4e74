"""A finished motion bent through one more pose: exact there, unchanged beyond, feet planted."""

from dataclasses import replace

import numpy as np
import pytest

from motiongpt_blender.core.body.rotations import angle_between, from_log, multiply
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.body.slices import run_to_end
from motiongpt_blender.core.feet.foot_contacts import find_foot_contacts
from motiongpt_blender.core.feet.foot_locking import lock_feet
from motiongpt_blender.core.pose_constraints.rig_pose import pose_at
from motiongpt_blender.core.reshape.fit import Fade, fit_pose, without_own_key
from motiongpt_blender.core.reshape.foot_paths import keep_foot_paths
from motiongpt_blender.core.reshape.planting import (
    contacts_of,
    ground_along,
    plant_change_slices,
)
from motiongpt_blender.core.retargeting.solver import solve
from motiongpt_blender.core.rig.kinematics import forward_kinematics, joint_position, local_up
from tests.support.clips import as_generated, clip
from tests.support.numeric_rig import a_rig

FPS = 20.0
REACH = 0.8


def finished(rig, name, frames=120):
    """A clip on a rig, its feet locked."""
    joints = as_generated(clip(name)[:frames])
    return lock_feet(rig, solve(rig, joints, FPS), find_foot_contacts(joints, FPS))[0]


def toes(rig, motion):
    """Where (T, 2, 3) both toes are, in metres of the model."""
    posed = forward_kinematics(rig, motion)
    return np.stack([joint_position(rig, posed, Joint[f"{s}_FOOT"]) for s in "LR"], 1) / rig.scale


def slide(rig, motion, contacts):
    """The fastest standing toe, metres a second."""
    speed = np.linalg.norm(np.diff(toes(rig, motion), axis=0), axis=-1) * FPS
    mask = np.stack([contacts.mask(s, len(motion)) for s in "LR"], 1) > 0
    return float(speed[mask[1:] & mask[:-1]].max(initial=0))


def raised_arm(motion, frame):
    """The motion's pose with an arm elsewhere."""
    pose = pose_at(motion, frame)
    q = multiply(np.array(pose.rotations["upper_arm_l"]), from_log(np.array([0.9, 0.2, -0.4])))
    return replace(pose, rotations={**pose.rotations, "upper_arm_l": tuple(map(float, q))})


def crouched(rig, motion, frame, metres=0.1):
    """The motion's pose with the hips lower and the feet where they are."""
    lower = replace(motion, locations=motion.locations - metres * rig.scale * local_up(motion))
    ground = ground_along(rig, motion)
    contacts = contacts_of(rig, motion, ground)
    return pose_at(lock_feet(rig, lower, contacts, (), ground)[0], frame)


def fitted(rig, motion, frame, pose):
    """All of *Fit*."""
    bent = fit_pose(motion, pose, Fade(frame, REACH))
    contacts = contacts_of(rig, motion, ground_along(rig, motion))
    bent = keep_foot_paths(rig, motion, bent, contacts, Fade(frame, REACH))
    return run_to_end(plant_change_slices(rig, motion, bent, [frame]))


def beyond(motion, frame, seconds=REACH):
    return np.abs(np.arange(len(motion)) - frame) >= seconds * FPS


@pytest.mark.parametrize("name", ["walk", "turn", "kick"])
@pytest.mark.parametrize("scale", [1.1, 0.013, 90.0])
def test_an_arm_is_met_exactly_and_nothing_else_moves(name, scale):
    rig, frame = a_rig(1, scale=scale), 47
    motion = finished(rig, name)
    pose = raised_arm(motion, frame)
    after = fitted(rig, motion, frame, pose)
    met = angle_between(
        after.rotations["upper_arm_l"][frame], np.array(pose.rotations["upper_arm_l"])
    )
    assert met < 1e-7
    away = angle_between(after.rotations["upper_arm_l"], motion.rotations["upper_arm_l"])
    assert away[frame] > 0.9 and away[beyond(motion, frame)].max() < 1e-9
    assert away[frame - 5] > 0.3 and away[frame + 5] > 0.3  # it comes and goes gradually
    assert np.abs(np.diff(away, 2)).max() < 0.06
    for other in motion.rotations.keys() - {"upper_arm_l"}:
        assert angle_between(after.rotations[other], motion.rotations[other]).max() < 1e-6
    assert np.abs(after.locations - motion.locations).max() < 1e-6 * scale


@pytest.mark.parametrize("name", ["walk", "turn", "kick", "wave"])
def test_a_crouch_is_met_exactly_and_the_feet_stand(name):
    rig, frame = a_rig(1), 52
    motion = finished(rig, name)
    pose = crouched(rig, motion, frame)
    after = fitted(rig, motion, frame, pose)
    contacts = contacts_of(rig, motion, ground_along(rig, motion))
    assert contacts.left and contacts.right
    for control, q in pose.rotations.items():
        assert angle_between(after.rotations[control][frame], np.array(q)) < 1e-7
    assert np.abs(after.locations[frame] - pose.root_location).max() < 1e-9
    lower = (after.locations - motion.locations) @ local_up(motion) / rig.scale
    assert lower[frame] < -0.08
    assert slide(rig, motion, contacts) < 0.04
    assert slide(rig, after, contacts) < 0.04
    bent = fit_pose(motion, pose, Fade(frame, REACH))
    assert slide(rig, bent, contacts) > 0.05  # what planting is for
    far, moved = beyond(motion, frame, REACH + 0.4), toes(rig, after) - toes(rig, motion)
    by_the_pose = np.abs(moved[frame]).max()  # a foot that stands on is moved as a whole
    assert np.abs(moved[far]).max() < by_the_pose + 0.001
    assert np.abs(after.locations - motion.locations)[far].max() < 0.004 * rig.scale


def test_a_foot_that_stands_elsewhere_in_the_pose_stands_there_for_its_whole_contact():
    rig = a_rig(1)
    motion = finished(rig, "walk")
    contacts = contacts_of(rig, motion, ground_along(rig, motion))
    contact = next(c for c in contacts.left if c.first > 30 and len(c) >= 8)
    frame = (contact.first + contact.last) // 2
    pose = pose_at(motion, frame)
    aside = 0.06 * rig.scale * np.eye(3)[0]
    pose = replace(pose, root_location=tuple(np.array(pose.root_location) + aside))
    after = fitted(rig, motion, frame, pose)
    stands = slice(contact.first + 1, contact.last)
    moved = toes(rig, after)[stands, 0] - toes(rig, motion)[stands, 0]
    assert np.abs(np.linalg.norm(moved, axis=-1) - 0.06).max() < 0.01
    assert slide(rig, after, contacts) < 0.05


@pytest.mark.parametrize("frame", [0, 1, 30, 118, 119])
def test_a_key_that_the_animator_set_is_told_from_the_takes_own(frame):
    rig = a_rig(1)
    motion = finished(rig, "walk")
    pose = raised_arm(motion, frame)
    keyed = dict(motion.rotations)
    keyed["upper_arm_l"] = motion.rotations["upper_arm_l"].copy()
    keyed["upper_arm_l"][frame] = pose.rotations["upper_arm_l"]
    found = without_own_key(replace(motion, rotations=keyed), frame)
    away = angle_between(found.rotations["upper_arm_l"], motion.rotations["upper_arm_l"])
    assert away.max() < 0.1  # the pose's own is 1.0
    for name, q in motion.rotations.items():
        if name != "upper_arm_l":
            assert np.array_equal(found.rotations[name], q)


@pytest.mark.parametrize("name", ["walk", "kick", "turn", "leap"])
def test_a_take_without_such_keys_stays_as_it_is(name):
    motion = finished(a_rig(1), name)
    for frame in range(0, len(motion), 7):
        found = without_own_key(motion, frame)
        moved = [angle_between(found.rotations[n], q).max() for n, q in motion.rotations.items()]
        assert max(moved) < 0.06, frame


def test_frames_that_join_other_animation_stay_with_their_speed():
    rig = a_rig(1)
    motion = finished(rig, "walk", 40)
    frame = 8
    pose = raised_arm(motion, frame)
    aside = 0.1 * np.eye(3)[0]
    pose = replace(pose, root_location=tuple(np.array(pose.root_location) + aside))
    ends = [0, len(motion) - 1]
    moved = fit_pose(motion, pose, Fade(frame, REACH, (0, 39))).locations - motion.locations
    assert np.abs(moved[ends]).max() < 1e-9 and np.abs(moved[frame] - aside).max() < 1e-9
    free = fit_pose(motion, pose, Fade(frame, REACH)).rotations["upper_arm_l"]
    own = motion.rotations["upper_arm_l"]
    joined = fit_pose(motion, pose, Fade(frame, REACH, (0, 39))).rotations["upper_arm_l"]
    assert angle_between(free[0], own[0]) > 0.1
    assert angle_between(joined[0], own[0]) < 1e-9 and angle_between(joined[39], own[39]) < 1e-9
    assert angle_between(joined[1], own[1]) < 0.02  # its speed hardly changes
    assert angle_between(joined[frame], np.array(pose.rotations["upper_arm_l"])) < 1e-7

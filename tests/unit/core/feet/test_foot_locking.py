"""Feet on the floor: when they stand, and that they stay; on real clips and noisy ones."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motiongpt_blender.core.body.neutral_pose import DIRECTIONS, build
from motiongpt_blender.core.body.rotations import (
    angle_between,
    from_log,
    multiply,
    normalise,
    rotate,
)
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.feet.foot_contacts import (
    Contact,
    FootContacts,
    find_foot_contacts,
    hysteresis,
    runs,
)
from motiongpt_blender.core.feet.foot_locking import lock_feet
from motiongpt_blender.core.feet.foot_offsets import CLEARANCE, EASE, swing_lift
from motiongpt_blender.core.pose_constraints.correction import meet_poses
from motiongpt_blender.core.pose_constraints.rig_pose import pose_at
from motiongpt_blender.core.retargeting.solver import solve
from motiongpt_blender.core.retargeting.two_bone_ik import solve_leg_ik
from motiongpt_blender.core.rig.kinematics import forward_kinematics, joint_position, raise_root
from tests.support.clips import as_generated, clip, clips
from tests.support.numeric_rig import a_rig

FPS = 20.0
RIG = a_rig(1)
FOOT = {"L": Joint.L_FOOT, "R": Joint.R_FOOT}


def stepping(count=60):
    """A body over its left foot, which stands in frames 20 to 39 and slides 4 cm there."""
    joints = build(np.repeat(DIRECTIONS[None], count, 0), np.zeros((count, 3)))
    joints[..., 1] -= joints[:, Joint.L_FOOT, 1].min()
    joints[:, :, 2] += 0.002 * np.arange(count)[:, None]
    lift = np.zeros(count)
    lift[:20] = np.linspace(0.6, 0, 20)
    lift[40:60] = np.linspace(0, 0.6, 20)
    lift[60:] = 0.6
    for joint in (Joint.L_KNEE, Joint.L_ANKLE, Joint.L_FOOT):
        joints[:, joint, 1] += lift * (1.0 if joint != Joint.L_KNEE else 0.5)
    return joints


def toes(motion, side, rig=RIG):
    return joint_position(rig, forward_kinematics(rig, motion), FOOT[side])


def knee_bends(motion, side):
    figure = forward_kinematics(RIG, motion)
    hip, knee, ankle = (
        joint_position(RIG, figure, Joint[f"{side}_{j}"]) for j in ("HIP", "KNEE", "ANKLE")
    )
    cosine = (normalise(knee - hip) * normalise(ankle - knee)).sum(-1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def locked_numbers(motion, foot_contacts):
    """The fastest (m/s) and the lowest (m under its level) of all locked toes."""
    fastest, lowest = 0.0, 0.0
    for side in "LR":
        mask = foot_contacts.mask(side, len(motion)) > 0
        place = toes(motion, side)
        speed = np.linalg.norm(np.diff(place, axis=0), axis=-1) * motion.fps
        both = mask[1:] & mask[:-1]
        fastest = max(fastest, float((speed * both).max(initial=0)))
        below = RIG.points[FOOT[side]][1] - place[mask, 1]
        lowest = max(lowest, float(below.max(initial=0)))
    return fastest / RIG.scale, lowest / RIG.scale


def test_a_stand_is_found_where_it_is():
    foot_contacts = find_foot_contacts(stepping(), FPS)
    assert len(foot_contacts.left) == 1
    stand = foot_contacts.left[0]
    assert abs(stand.first - 19) <= 3
    assert abs(stand.last - 40) <= 3
    assert foot_contacts.right[0].first == 0  # the other foot never leaves the floor
    assert foot_contacts.right[0].last == 59


def test_a_foot_that_stands_on_its_heel_does_not_go_through_the_floor():
    directions = np.repeat(DIRECTIONS[None], 60, 0)
    up = from_log(np.array([-0.45, 0.0, 0.0]))  # the toe seven centimetres over the floor
    directions[:, Joint.L_FOOT] = rotate(up, directions[:, Joint.L_FOOT])
    joints = build(directions, np.zeros((60, 3)))
    joints[..., 1] -= joints[:, Joint.R_FOOT, 1].min()
    motion = solve(RIG, joints, FPS)
    locked, _ = lock_feet(RIG, motion, FootContacts((Contact(20, 39, 20),), ()))
    heels = []
    for one in (motion, locked):
        figure = forward_kinematics(RIG, one)
        sole = np.array([0.0, -RIG.points[Joint.L_ANKLE][1], 0.0])
        ankle = joint_position(RIG, figure, Joint.L_ANKLE)
        heels.append((ankle + rotate(figure.rotations["foot_l"], sole))[:, 1] / RIG.scale)
    assert np.allclose(toes(locked, "L")[20:40, 1], RIG.points[Joint.L_FOOT][1], atol=1e-3)
    assert (heels[1] - np.minimum(heels[0], 0)).min() > -0.015
    steps = np.abs(np.diff(locked.rotations["foot_l"], axis=0)).max()
    assert steps < 0.06  # it rolls there and back


def test_a_still_frame_and_a_flight_have_no_stands():
    joints = stepping()
    assert find_foot_contacts(joints[:1], FPS) == FootContacts((), ())
    high = joints + [0.0, 1.0, 0.0]
    assert find_foot_contacts(high, FPS) == FootContacts((), ())


def test_noise_near_a_limit_does_not_flicker():
    on = np.array([0, 1, 0, 0, 1, 0, 0, 0, 0], bool)
    off = np.array([1, 0, 0, 0, 0, 0, 1, 0, 0], bool)
    assert runs(hysteresis(on, off)) == [(1, 5)]


def test_stands_of_real_walks_are_those_of_the_same_walks_made_rough():
    agreed, shares, drift = [], [], []
    for joints in clips().values():
        here, there = (find_foot_contacts(j, FPS) for j in (joints, as_generated(joints)))
        a, b = (np.stack([f.mask(s, len(joints)) for s in "LR"]) for f in (here, there))
        agreed.append(2 * (a * b).sum() / max(a.sum() + b.sum(), 1))
        shares.append(a.mean())
        for side in "LR":
            for stand in here.of(side):
                place = joints[stand.first : stand.last + 1, FOOT[side]][:, [0, 2]]
                drift.append(np.linalg.norm(np.ptp(place, axis=0)))
    assert np.median(agreed) > 0.95
    assert np.percentile(agreed, 10) > 0.8
    assert 0.4 < np.median(shares) < 0.95
    assert np.median(drift) < 0.03


@pytest.mark.parametrize("rough", [False, True])
def test_planted_toes_neither_slide_nor_dip(rough):
    for name, joints in clips().items():
        made = as_generated(joints) if rough else joints
        foot_contacts = find_foot_contacts(made, FPS)
        motion = solve(RIG, made, FPS)
        locked, report = lock_feet(RIG, motion, foot_contacts)
        speed, dip = locked_numbers(locked, foot_contacts)
        assert speed < 0.02, name
        assert dip < 0.01, name
        assert report.lowered_cm < 4.5
        before, after = (
            max(np.abs(np.diff(knee_bends(m, s), n=2)).max() for s in "LR")
            for m in (motion, locked)
        )
        assert after < before + 20, name  # degrees a frame a frame: no knee snaps


@pytest.mark.parametrize(
    ("height", "lifted"), [(0.02, 0.02), (0.30, CLEARANCE * 0.4), (None, CLEARANCE * 0.4)]
)
def test_a_foot_steps_as_high_as_the_motion_had_it_and_no_higher_than_a_step(height, lifted):
    places = np.zeros((40, 3))
    places[:, 2] = np.interp(np.arange(40), [14, 25], [0.0, 0.4])  # dragged over the floor
    stands = (Contact(0, 14, 0), Contact(25, 39, 25))
    heights = None if height is None else np.full(40, height)
    lift = swing_lift(places, stands, 0.0, heights)
    assert lift.max() == pytest.approx(lifted, rel=0.03)
    assert not lift[:15].any()
    assert not lift[25:].any()
    high = places + np.array([0.0, 0.1, 0.0])
    assert not swing_lift(high, stands, 0.0, heights).any()  # it clears the floor


def test_marked_poses_stay_and_the_floor_counts():
    joints = clip("walk")
    foot_contacts = find_foot_contacts(joints, FPS)
    motion = solve(RIG, joints, FPS)
    motion = replace(motion, locations=raise_root(motion, np.full(len(motion), 0.3)))
    rng = np.random.default_rng(2)
    keys = {}
    for frame in (0, 20, 21, len(joints) - 1):
        pose = pose_at(motion, frame)
        turned = {n: tuple(multiply(np.array(q), from_log(0.06 * rng.normal(size=3))))
                  for n, q in pose.rotations.items()}  # fmt: skip
        keys[frame] = type(pose)(turned, tuple(np.array(pose.root_location) + 0.01))
    met, _ = meet_poses(motion, keys)
    locked, _ = lock_feet(RIG, met, foot_contacts, keys, ground=0.3)
    for frame in keys:
        assert np.abs(locked.locations[frame] - met.locations[frame]).max() < 1e-9
        for side in "LR":
            away = toes(locked, side)[frame] - toes(met, side)[frame]
            assert np.linalg.norm(away) < 1e-4
        for name, q in met.rotations.items():
            assert np.degrees(angle_between(q[frame], locked.rotations[name][frame])) < 1e-3
    unmarked = [s for s in foot_contacts.left if not any(s.first <= k <= s.last for k in keys)]
    stand = max(unmarked, key=len)
    level = 0.3 + RIG.points[Joint.L_FOOT][1]
    free = [f for f in range(stand.first, stand.last) if min(abs(f - k) for k in keys) > 20]
    assert free
    assert np.allclose(toes(locked, "L")[free, 1], level, atol=0.005)


def test_what_is_not_near_a_stand_stays_as_it_was():
    motion = solve(RIG, stepping(120), FPS)
    one = FootContacts((Contact(10, 15, 10),), ())
    locked, _ = lock_feet(RIG, motion, one)
    later = slice(15 + int(2.5 * EASE * FPS), None)
    assert np.allclose(locked.locations[later], motion.locations[later], atol=1e-4)
    for name, q in motion.rotations.items():
        if name.startswith(("thigh", "shin")):
            assert np.degrees(angle_between(q[later], locked.rotations[name][later])).max() < 0.5
    nothing, report = lock_feet(RIG, motion, FootContacts((), ()))
    assert nothing is motion
    assert report.moved_cm == 0


@settings(max_examples=30)
@given(st.floats(0.3, 0.999), st.floats(0, 2.0), st.integers(0, 999))
def test_a_bent_leg_reaches_and_its_knee_stays_in_front(share, bend, seed):
    """Whatever the plane of a nearly straight leg: more bend goes about the hinge."""
    rng = np.random.default_rng(seed)
    hinge = np.array([[1.0, 0.0, 0.0]])
    thigh, shin = 0.45, 0.4
    upper = np.array([[0.0, -1.0, 0.0]])
    lower = rotate(from_log(bend * hinge + 0.02 * rng.normal(size=(1, 3))), upper)
    hip = rng.normal(size=(1, 3))
    chain = hip, hip + thigh * upper, hip + thigh * upper + shin * lower
    start = hip + 0.05 * rng.normal(size=(1, 3))
    target = start + share * (thigh + shin) * normalise(chain[2] - hip)
    first, second, reached = solve_leg_ik(chain, hinge, start, target)
    assert np.allclose(reached, target, atol=1e-7)
    knee = start + thigh * rotate(first, upper)
    assert np.allclose(knee + shin * rotate(second, lower), target, atol=1e-6)
    side = np.cross(knee - start, target - knee)[0]
    if np.linalg.norm(side) > 0.04 and share < 0.98:
        assert side @ rotate(first, hinge)[0] > 0


@pytest.mark.parametrize("fps", [12.0, 24.0, 60.0])
def test_any_rate_will_do(fps):
    count = round(3 * fps)
    joints = stepping(60)[np.minimum(np.arange(count) * 20 / fps, 59).astype(int)]
    foot_contacts = find_foot_contacts(joints, fps)
    locked, _ = lock_feet(RIG, solve(RIG, joints, fps), foot_contacts)
    speed, dip = locked_numbers(locked, foot_contacts)
    assert speed < 0.02
    assert dip < 0.01

"""Poses, seams and feet together: each keeps what the others made."""

from dataclasses import replace

import numpy as np
import pytest

from motiongpt_blender.core.body.neutral_pose import DIRECTIONS, build
from motiongpt_blender.core.body.rotations import angle_between, from_log, inverse, multiply, to_log
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.body.slices import run_to_end
from motiongpt_blender.core.body.smoothing import gaussian_smooth
from motiongpt_blender.core.feet.foot_contacts import NO_CONTACTS, find_foot_contacts
from motiongpt_blender.core.feet.foot_locking import lock_feet
from motiongpt_blender.core.feet.loop_feet import repeat_loop
from motiongpt_blender.core.finish_motion import finish_motion_slices
from motiongpt_blender.core.pose_constraints.rig_pose import pose_at
from motiongpt_blender.core.retargeting.solver import solve
from motiongpt_blender.core.rig.kinematics import forward_kinematics, joint_position
from motiongpt_blender.core.rig.rig_options import RigOptions
from motiongpt_blender.core.timeline.frame_range import Fit, Join
from motiongpt_blender.core.timeline.plausibility import jerk_notes
from tests.support.clips import NAMES, as_generated, clip, clips
from tests.support.numeric_rig import a_rig

RIG = a_rig(1)
FPS = 20.0
LOCKED = RigOptions(lock_feet=True)


def fit_motion(*args):
    """The motion fitted, all steps at once."""
    return run_to_end(finish_motion_slices(RIG, *args))


def toes(motion):
    """Where (T, 2, 3) both toes are, in metres of the model."""
    figure = forward_kinematics(RIG, motion)
    return np.stack([joint_position(RIG, figure, Joint[f"{s}_FOOT"]) for s in "LR"], 1) / RIG.scale


def standing(joints, count):
    """(count - 1, 2) whether each toe stands in two frames on end."""
    foot_contacts = find_foot_contacts(joints, FPS)
    mask = np.stack([foot_contacts.mask(s, count) for s in "LR"], 1) > 0
    return mask[1:] & mask[:-1]


def speeds(places):
    return np.linalg.norm(np.diff(places, axis=0), axis=-1) * FPS


@pytest.mark.parametrize(
    "earlier, frames, later",
    [("wave", 50, "turn"), ("kick", 50, "walk"), ("turn", 40, "walk"), ("turn", 30, "wave")],
)
def test_feet_stand_beside_a_seam_and_its_speed_and_pose_stay(earlier, frames, later):
    """A walk that shakes and slides goes on from another clip whose feet stand."""
    one, other = clip(earlier)[:frames], as_generated(clip(later)[:60])
    before, _ = lock_feet(RIG, solve(RIG, one, FPS), find_foot_contacts(one, FPS))
    at = len(before) - 3
    pose = pose_at(before, at)
    fit = Fit(joins=(Join(0, (pose_at(before, at - 1), pose_at(before, at - 2))),), alone=False)
    motion = solve(RIG, other, FPS)
    foot_contacts = find_foot_contacts(other, FPS)
    made = fit_motion(motion, {0: pose}, foot_contacts, 0, fit, LOCKED)
    stays = speeds(toes(before))[at - 1] < 0.05  # where the neighbour's own toe stands
    near = speeds(toes(made.motion))[:12][:, stays]
    assert near[standing(other, len(other))[:12][:, stays]].max(initial=0) < 0.02
    assert stays.any()
    (seam,) = made.blends
    assert seam.degrees_left < 0.5
    assert seam.cm_left < 0.5
    for name, q in pose.rotations.items():
        away = angle_between(made.motion.rotations[name][0], np.array(q))
        assert np.degrees(away) < 1e-4, name
    assert np.allclose(made.motion.locations[0], pose.root_location, atol=1e-9)


def looped(joints, poses, options=LOCKED):
    motion = solve(RIG, joints, FPS)
    foot_contacts = find_foot_contacts(joints, FPS)
    return motion, fit_motion(motion, poses, foot_contacts, 0, Fit(loop=True), options)


def round_the_seam(made):
    """Speeds (2 N - 1, 2) of both toes over two rounds, and whether each stands there."""
    last = len(made.motion) - 1
    rounds = repeat_loop(made.motion)
    mask = np.stack([made.foot_contacts.mask(s, last + 1) for s in "LR"], 1) > 0
    mask = np.concatenate([mask[:last], mask])
    return speeds(toes(rounds)[: 2 * last + 1]), mask[1:] & mask[:-1]


def speed_changes(motion):
    """(T - 4,) jump in turning speed at each frame, degrees a second, mean over the controls."""
    jumps = []
    for q in motion.rotations.values():
        back = inverse(q[2:-2])
        away = [to_log(multiply(back, q[2 + k : len(q) - 2 + k])) for k in (1, 2, -1, -2)]
        after, before = 2 * away[0] - away[1] / 2, 2 * away[2] - away[3] / 2
        jumps.append(FPS * np.degrees(np.linalg.norm(after + before, axis=-1)))
    return np.mean(jumps, axis=0)


@pytest.mark.parametrize(
    "which, marked",
    [*((name, False) for name in NAMES), *((name, True) for name in ("walk", "turn", "kick"))],
)
def test_feet_of_a_loop_stand_across_its_seam(which, marked):
    """A stand that goes on from the last frame into the first is one stand, in one place."""
    joints = clip(which)[:57]
    pose = pose_at(solve(RIG, joints, FPS), 0)
    motion, made = looped(joints, {0: pose} if marked else {})
    last = len(motion) - 1
    for name, q in made.motion.rotations.items():
        assert np.degrees(angle_between(q[0], q[last])) < 1e-3, name
        if marked:
            assert np.degrees(angle_between(q[0], np.array(pose.rotations[name]))) < 1e-3, name
    changes = speed_changes(repeat_loop(made.motion))  # at the seam less than elsewhere
    assert changes[last - 2] < np.median(changes)
    assert all(seam.cm_left < 1 for seam in made.blends)
    speed, stands = round_the_seam(made)
    assert stands.any()
    assert speed[stands].max() < 0.02


def test_a_loop_that_never_steps_stays_in_its_place():
    """Its feet could not stand if every round were a little further on."""
    joints = build(np.repeat(DIRECTIONS[None], 60, 0), np.zeros((60, 3)))
    joints[..., 1] -= joints[:, Joint.L_FOOT, 1].min()
    joints[:, :, 2] += np.linspace(0, 0.1, 60)[:, None]
    _, made = looped(joints, {})
    assert np.allclose(made.motion.locations[-1], made.motion.locations[0], atol=1e-9)
    speed, stands = round_the_seam(made)
    assert stands.all()
    assert speed.max() < 0.001
    _, free = looped(joints, {}, RigOptions())
    assert np.linalg.norm(free.motion.locations[-1] - free.motion.locations[0]) > 0.09


def test_a_stand_is_given_up_where_the_neighbours_foot_flies():
    """No foot is torn to the floor within a frame or two of a seam at which it swings."""
    one, other = clip("leap")[:40], as_generated(clip("turn")[:60])
    before, _ = lock_feet(RIG, solve(RIG, one, FPS), find_foot_contacts(one, FPS))
    at = len(before) - 3
    fit = Fit(joins=(Join(0, (pose_at(before, at - 1), pose_at(before, at - 2))),), alone=False)
    motion = solve(RIG, other, FPS)
    poses = {0: pose_at(before, at)}
    made = fit_motion(motion, poses, find_foot_contacts(other, FPS), 0, fit, LOCKED)
    free = fit_motion(motion, poses, find_foot_contacts(other[:1], FPS), 0, fit, LOCKED)
    locked, loose = (speeds(toes(m.motion))[:3].max() for m in (made, free))
    assert locked < 1.3 * loose + 0.1
    assert made.blends[0].degrees_left < 0.5


@pytest.mark.parametrize("loop, marked", [(True, 0), (False, 8)])
def test_blender_gets_its_turn_while_a_motion_is_fitted(longest_slice, loop, marked):
    """All at once, a long clip or many poses would hold up Blender's window."""
    joints = np.concatenate([clip("walk"), clip("walk")[::-1]])[:160]
    motion, foot_contacts = solve(RIG, joints, FPS), find_foot_contacts(joints, FPS)
    at = np.linspace(0, len(motion) - 1, marked).round().astype(int).tolist()
    poses = {f: pose_off(motion, f, 0.1) for f in at}

    def steps():
        return finish_motion_slices(RIG, motion, poses, foot_contacts, 0, Fit(loop=loop), LOCKED)

    assert longest_slice(steps) < 0.2


def pose_off(motion, frame, size):
    """The motion's pose with an arm turned away by an angle."""
    here = pose_at(motion, frame)
    turned = multiply(np.array(here.rotations["upper_arm_l"]), from_log(np.array([size, 0, 0])))
    return replace(here, rotations={**here.rotations, "upper_arm_l": tuple(turned)})


@pytest.mark.parametrize("size, noted", [(0.15, False), (2.8, True)])
def test_a_pose_that_makes_the_motion_jerky_is_told(size, noted):
    joints = clip("turn")[:80]
    motion = solve(RIG, joints, FPS)
    poses = {0: pose_at(motion, 0), 40: pose_off(motion, 40, size)}
    made = fit_motion(motion, poses, NO_CONTACTS, 0, Fit(), RigOptions(reach=0.3))
    first, second = made.pose_reports
    assert first.moved_cm < 0.1
    assert first.jerk == pytest.approx(1.0, abs=0.01)
    assert (second.moved_cm > 10) is noted
    notes = jerk_notes(made.pose_reports, 1.0)
    assert len(notes) == noted
    assert all("frame 41 moves" in note and "raise Reach" in note for note in notes)


def test_one_joint_ten_centimetres_off_keeps_generated_motion_smooth():
    """Motion without the trembling of a recording, as a model gives it; hands and feet alone."""
    ratios = []
    for whole in clips().values():
        motion = solve(RIG, gaussian_smooth(whole[:80], 0.5), FPS)
        for name, length in (("upper_arm_l", 0.55), ("thigh_r", 0.85), ("forearm_r", 0.27)):
            here = pose_at(motion, 40)
            axis = np.array([0.0, 0.6, 0.8]) * 0.1 / length
            turned = tuple(multiply(np.array(here.rotations[name]), from_log(axis)))
            pose = replace(here, rotations={**here.rotations, name: turned})
            poses = {0: pose_at(motion, 0), 40: pose}
            made = fit_motion(motion, poses, NO_CONTACTS, 0, Fit(), RigOptions())
            ratios.append(made.pose_reports[1].jerk)
    assert max(ratios) < 1.3

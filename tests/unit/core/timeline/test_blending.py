"""Seams and loops on a rig's curves: speed goes on, marked poses stay, loops close."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motiongpt_blender.core.body.rotations import about_y, angle_between, from_log, multiply, rotate
from motiongpt_blender.core.pose_constraints.correction import meet_poses
from motiongpt_blender.core.pose_constraints.rig_pose import RigPose, pose_at
from motiongpt_blender.core.timeline.blending import REACH, BlendFrame, blend_speeds, speed_jump
from motiongpt_blender.core.timeline.loops import best_loop_start, loop_blend_frames, loop_end_poses
from tests.support.numeric_rig import a_motion


def outside_of(motion, frame, turn, move, seed=0):
    """Two poses beyond an end of a motion that go on at some other speed."""
    rng = np.random.default_rng(seed)
    here = pose_at(motion, frame)
    spin = {n: rng.normal(size=3) * turn for n in here.rotations}
    way = rng.normal(size=3) * move
    poses = []
    for k in (1, 2):
        turned = {
            n: tuple(multiply(np.array(q), from_log(k * spin[n])))
            for n, q in here.rotations.items()
        }
        poses.append(RigPose(turned, tuple(np.array(here.root_location) + k * way)))
    return BlendFrame(frame, (poses[0], poses[1]))


@settings(max_examples=15)
@given(st.floats(0, 0.15), st.floats(0, 0.05), st.integers(0, 99), st.integers(6, 60))
def test_speeds_are_met_at_both_ends_and_marked_frames_stay(turn, move, seed, count):
    motion = a_motion(count)
    last = count - 1
    seams = [outside_of(motion, f, turn, move, seed + f) for f in (0, last)]
    kept = {0, count // 2, last}
    fitted, reports = blend_speeds(motion, seams, kept)
    for seam, report in zip(seams, reports, strict=True):
        degrees, cm = speed_jump(fitted, seam)
        assert degrees < 0.5
        assert cm < 0.01
        assert (report.degrees_left, report.cm_left) == pytest.approx((degrees, cm), abs=0.3)
    for frame in kept:
        assert np.abs(fitted.locations[frame] - motion.locations[frame]).max() < 1e-9
        for name, q in motion.rotations.items():
            assert angle_between(q[frame], fitted.rotations[name][frame]) < 1e-6


def test_a_seam_changes_nothing_beyond_its_reach():
    motion = a_motion(101)
    seam = outside_of(motion, 100, 0.1, 0.03)
    fitted, _ = blend_speeds(motion, [seam], {0, 100})
    beyond = slice(0, 100 - int(REACH * motion.fps))
    assert np.array_equal(fitted.locations[beyond], motion.locations[beyond])
    assert np.array_equal(fitted.rotations["arm"][beyond], motion.rotations["arm"][beyond])


def test_a_way_without_another_pose_goes_on_beside_where_it_was():
    """Steps are not taken back: beyond the reach the whole way is moved, and stays level."""
    motion = a_motion(101)
    seam = outside_of(motion, 0, 0.0, 0.05)
    fitted, reports = blend_speeds(motion, [seam], {0})
    assert reports[0].cm > 50
    assert reports[0].cm_left < 1e-6
    moved = rotate(np.broadcast_to(motion.root_rest, (101, 4)), fitted.locations - motion.locations)
    after = moved[int(REACH * motion.fps) :]
    assert np.allclose(after, after[0], atol=1e-9)
    assert np.linalg.norm(after[0]) > 0.02
    assert abs(after[0, 1]) < 1e-9


def test_two_frames_of_room_are_too_few_and_nothing_is_done():
    motion = a_motion(40)
    fitted, reports = blend_speeds(motion, [outside_of(motion, 0, 0.1, 0.1)], {0, 1})
    assert fitted is motion
    assert reports == ()


def turning(count=60, rate=0.02):
    """``a_motion`` that also turns as it walks."""
    motion = a_motion(count)
    rest = np.broadcast_to(motion.root_rest, (count, 4))
    spin = about_y(rate * np.arange(count))
    turned = multiply(
        spin, multiply(multiply(rest, motion.rotations["hips"]), rest * [1, -1, -1, -1])
    )
    hips = multiply(multiply(rest * [1, -1, -1, -1], turned), rest)
    return type(motion)(**{**vars(motion), "rotations": {**motion.rotations, "hips": hips}})


@pytest.mark.parametrize("marked", [False, True])
@pytest.mark.parametrize("rate", [0.0, 0.02, -0.1])
def test_a_loop_closes_in_pose_and_speed_and_keeps_its_way(marked, rate):
    motion = turning(rate=rate)
    last = len(motion) - 1
    start = pose_at(motion, 20) if marked else None
    begin, end = loop_end_poses(motion, start)
    assert marked is (begin is start)
    met, _ = meet_poses(motion, {0: begin, last: end})
    loop, _ = blend_speeds(met, loop_blend_frames(met), {0, last})
    for q in loop.rotations.values():
        assert np.degrees(angle_between(q[0], q[last])) < 1e-4
        steps = [angle_between(q[a], q[b]) for a, b in ((last - 1, last), (0, 1))]
        assert abs(steps[0] - steps[1]) < 0.02
    length = np.linalg.norm(np.diff(motion.locations[[0, last]], axis=0))
    assert np.linalg.norm(loop.locations[last] - loop.locations[0]) == pytest.approx(
        length, rel=0.02
    )
    speeds = np.diff(loop.locations, axis=0)
    jump = np.linalg.norm(speeds[0] - speeds[-1])
    assert jump < 2 * np.linalg.norm(np.diff(speeds, axis=0), axis=-1).max() + 1e-3


def test_the_best_stretch_of_a_walk_is_a_whole_number_of_steps():
    time = np.arange(80) / 20.0
    joints = np.zeros((80, 22, 3))
    joints[:] = np.random.default_rng(0).normal(size=(22, 3))
    joints[:, 4:9] += (
        0.3 * np.sin(2 * np.pi * time / 1.25)[:, None, None] * (time > 1)[:, None, None]
    )
    joints[..., 2] += time[:, None]
    start = best_loop_start(joints, 26, 20.0)
    assert start > 18 or start == 0
    pair = joints[[start, start + 25]]
    pair -= pair[:, :1]
    assert np.abs(pair[0] - pair[1]).max() < 0.03

"""The way over the floor: bent to where poses stand, each step as it was."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motiongpt_blender.core.body.rotations import about_y, multiply, wrap_angle, yaw_angle
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.body.slices import run_to_end
from motiongpt_blender.core.feet.foot_contacts import find_foot_contacts
from motiongpt_blender.core.pose_constraints.correction import meet_poses
from motiongpt_blender.core.pose_constraints.rig_pose import pose_at
from motiongpt_blender.core.pose_constraints.root_path import MAX_BEND, Waypoint, bend_path_slices
from motiongpt_blender.core.retargeting.solver import solve
from motiongpt_blender.core.rig.kinematics import (
    forward_kinematics,
    joint_position,
    root_transform,
    with_root_transform,
)
from tests.support.clips import TRAVELLING, clip
from tests.support.numeric_rig import a_rig

FPS = 20.0
LEVEL = np.array([1.0, 0.0, 1.0])


def bend(*args):
    """The bent way, all at once."""
    return run_to_end(bend_path_slices(*args))


def a_walk(metres=4.0, count=81):
    """A straight way along +z at a height of 1 m that rises and falls."""
    places = np.zeros((count, 3))
    places[:, 2] = np.linspace(0, metres, count)
    places[:, 1] = 1 + 0.02 * np.sin(np.arange(count))
    return places


def off_course(before, after, yaw):
    """Mean angle in degrees by which the way turned otherwise than the body, by length."""
    steps, bent = (np.diff(p * LEVEL, axis=0) for p in (before, after))
    ways = [np.arctan2(s[:, 0], s[:, 2]) for s in (steps, bent)]
    away = ways[1] - ways[0] - 0.5 * (yaw[1:] + yaw[:-1])
    away = np.abs(wrap_angle(away))
    length = np.linalg.norm(steps, axis=-1)
    return float(np.degrees((away * length).sum() / length.sum()))


@settings(max_examples=25, deadline=None)
@given(
    st.floats(-3, 3), st.floats(-5, 5), st.floats(-5, 5), st.integers(1, 79), st.floats(-2.5, 2.5)
)
def test_stops_are_met_and_the_rest_is_moved_as_a_whole(angle, x, z, frame, turned):
    walk = a_walk()
    stops = (
        Waypoint(frame, turned, np.array([1.0, 0, 2])),
        Waypoint(80, angle, np.array([x, 0, z])),
    )
    way = bend(walk, stops, FPS)
    for stop in stops:
        assert np.allclose(way.positions[stop.frame, [0, 2]], stop.position[[0, 2]], atol=1e-9)
        assert way.yaw[stop.frame] == pytest.approx(stop.yaw, abs=1e-9)
    assert np.array_equal(way.positions[:, 1], walk[:, 1])
    lengths, before = (np.linalg.norm(np.diff(p[: frame + 1] * LEVEL, axis=0), axis=-1)
                       for p in (way.positions, walk))  # fmt: skip
    assert np.allclose(lengths, before)
    assert np.abs(way.yaw).max() <= max(abs(angle), abs(turned)) + 2 * MAX_BEND


def test_a_way_that_fits_is_left_alone():
    walk = a_walk()
    way = bend(walk, (Waypoint(0, 0.0, walk[0]), Waypoint(80, 0.0, walk[80])), FPS)
    assert np.allclose(way.positions, walk)
    assert np.allclose(way.yaw, 0)
    assert way.dragged[1] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("goal", "angle"),
    [((1, 4), 0), ((2, 3), 0.5), ((3, 2), 1.57), ((0, 3), 0), ((0, 5), 0), ((-2, 3), -1.57)],
)
def test_a_way_is_bent_and_not_dragged(goal, angle):
    walk = a_walk()
    way = bend(
        walk,
        (Waypoint(0, 0.0, walk[0]), Waypoint(80, angle, np.array([goal[0], 0.0, goal[1]]))),
        FPS,
    )
    assert off_course(walk, way.positions, way.yaw) < 2
    assert way.dragged[1] < 0.1
    speed = np.linalg.norm(np.diff(way.positions * LEVEL, axis=0), axis=-1) / 0.05
    assert speed.max() < 1.8
    assert np.abs(np.diff(speed)).max() < 0.1  # no jump


def test_what_no_bend_gives_is_dragged_and_told():
    walk = a_walk(2.0, 61)
    way = bend(
        walk, (Waypoint(0, 0.0, walk[0]), Waypoint(60, 0.0, np.array([0.0, 0.0, 10.0]))), FPS
    )
    assert 4 < way.dragged[1] < 8
    assert way.positions[60, 2] == pytest.approx(10)


def test_in_an_instant_nothing_is_bent():
    walk = a_walk(2.0, 21)
    way = bend(walk, (Waypoint(0, 0.0, walk[0]), Waypoint(20, 0.0, np.array([1.0, 0.0, 2.0]))), FPS)
    assert np.allclose(way.yaw, 0)
    assert way.dragged[1] == pytest.approx(1)


def test_who_stands_is_not_turned_about():
    still = a_walk(0.05)
    way = bend(
        still, (Waypoint(0, 0.0, still[0]), Waypoint(80, 0.0, np.array([1.0, 0.0, 0.0]))), FPS
    )
    assert np.allclose(way.yaw, 0)
    assert way.dragged[1] == pytest.approx(1, abs=0.06)


def shifted(motion, frame, angle, step):
    """The pose at a frame, turned about the vertical and moved by a step (3,)."""
    turn, place = root_transform(motion)
    turn, place = turn.copy(), place.copy()
    turn[frame] = multiply(about_y(np.array(angle)), turn[frame])
    place[frame] += step
    return pose_at(with_root_transform(motion, turn, place), frame)


def toe_speed(rig, motion, standing):
    """Mean speed of standing toes over the floor, cm/s."""
    figure = forward_kinematics(rig, motion)
    toes = [joint_position(rig, figure, j) * LEVEL for j in (Joint.L_FOOT, Joint.R_FOOT)]
    speed = np.linalg.norm(np.diff(np.stack(toes, 1), axis=0), axis=-1) * FPS
    return 100 * float(speed[standing].mean())


#: Case -> turn, metres to the left and metres on at the end pose; cm/s of standing toes.
CASES = {"aside": (0.0, 1.0, 0.0, 20), "aside and turned": (1.57, 1.0, 0.0, 42),
         "nearer": (0.0, 0.0, -0.7, 26), "round": (1.57, 1.0, -1.0, 36)}  # fmt: skip
#: Centimetres of drag; more only where steps would have to shrink below STEP_GROWTH.
MOST_DRAG, DRAG_OF_SHORT_STEPS = 2.0, {("round", "turn"): 22.0}


@pytest.mark.parametrize("case", CASES)
def test_real_walks_face_their_way_and_slide_little(case):
    rig = a_rig(1)
    angle, aside, on, most = CASES[case]
    slides, courses = [], []
    for name in TRAVELLING:
        joints = clip(name)[:120]
        motion = solve(rig, joints, FPS)
        way = (joints[-1, 0] - joints[0, 0]) * LEVEL
        ahead = way / np.linalg.norm(way)
        left = np.cross([0.0, 1.0, 0.0], ahead)
        last = len(motion) - 1
        end = shifted(motion, last, angle, (aside * left + on * ahead) * rig.scale)
        met, reports = meet_poses(motion, {0: pose_at(motion, 0), last: end})
        falls = find_foot_contacts(joints, FPS)
        down = np.stack([falls.mask(s, len(motion)) > 0 for s in "LR"], 1)
        standing = down[1:] & down[:-1]
        slides.append(toe_speed(rig, met, standing))
        before, after = (root_transform(m) for m in (motion, met))
        yaw = np.unwrap(yaw_angle(after[0])) - np.unwrap(yaw_angle(before[0]))
        courses.append(off_course(before[1], after[1], yaw))
        assert reports[1].dragged_cm < DRAG_OF_SHORT_STEPS.get((case, name), MOST_DRAG)
    assert max(courses) < 5
    assert np.median(slides) < most  # before any foot is locked

"""A motion laid along a way: where it goes, how it steps, what it faces."""

import numpy as np
import pytest

from motiongpt_blender.core.body.motion import heading
from motiongpt_blender.core.body.rotations import wrap_angle
from motiongpt_blender.core.ways.following import Mark, follow_way
from motiongpt_blender.core.ways.path import path_of
from motiongpt_blender.core.ways.way import Way, Waypoint
from tests.support.clips import clip

SPEED = 1.1
ROUND = [(1 - np.cos(t), np.sin(t)) for t in np.linspace(0, 2 * np.pi, 60)]
CURVES = {
    "straight": [(0, 0), (0, 5)],
    "circle": ROUND,
    "corners": [(0, 0), (0, 2), (2, 2), (2, 4)],
    "zigzag": [(0, 0), (1, 1), (-1, 2), (1, 3)],
    "out and back": [(0, 0), (0, 3), (0, 0)],
}


def way_of(points, *, drawn=True):
    return Way(tuple(Waypoint(*point) for point in points), drawn)


def on_the_way(joints, path):
    """Distances (T,) of the pelvis from a path."""
    return np.array([path.nearest(place)[1] for place in joints[:, 0][:, [0, 2]]])


def toe_slide(joints, before):
    """Mean m/s of the toes while they stand still in the motion before."""
    speeds = []
    for toe in (10, 11):
        low = before[:, toe, 1] < 0.05
        was = np.linalg.norm(np.diff(before[:, toe][:, [0, 2]], axis=0), axis=-1) * 20
        now = np.linalg.norm(np.diff(joints[:, toe][:, [0, 2]], axis=0), axis=-1) * 20
        speeds.append(now[low[1:] & low[:-1] & (was < 0.15)])
    return float(np.concatenate(speeds).mean())


@pytest.fixture(scope="module")
def walk():
    return clip("walk")


@pytest.mark.parametrize("name", CURVES)
def test_a_curve_is_met_from_its_first_to_its_last_point(walk, name):
    way = way_of(CURVES[name])
    path = path_of(way, SPEED)
    made = follow_way(walk, way, path).joints
    assert on_the_way(made, path).max() < 0.045
    for frame, point in ((0, way.points[0]), (-1, way.points[-1])):
        assert np.linalg.norm(made[frame, 0, [0, 2]] - (point.x, point.z)) < 0.01


@pytest.mark.parametrize("name", ["straight", "circle", "corners"])
def test_feet_that_stood_stand(walk, name):
    way = way_of(CURVES[name])
    made = follow_way(walk, way, path_of(way, SPEED)).joints
    assert toe_slide(made, walk) < toe_slide(walk, walk) + 0.03


def test_the_body_faces_its_way(walk):
    way = way_of(ROUND)
    path = path_of(way, SPEED)
    made = follow_way(walk, way, path).joints
    courses = [path.course(np.array(path.nearest(p)[0])) for p in made[10:-10, 0][:, [0, 2]]]
    off = np.degrees(np.abs(wrap_angle(heading(made)[10:-10] - np.array(courses))))
    assert np.median(off) < 15


def test_waypoints_are_met_in_time_and_face(walk):
    last = (len(walk) - 1) / 20
    way = Way((Waypoint(0, 0), Waypoint(1.5, 2, np.pi / 2, 0.6 * last), Waypoint(0, 4, None, last)))
    made = follow_way(walk, way, path_of(way, SPEED)).joints
    frame = round(0.6 * last * 20)
    assert np.linalg.norm(made[frame, 0, [0, 2]] - (1.5, 2)) < 0.02
    assert abs(np.degrees(wrap_angle(heading(made)[frame] - np.pi / 2))) < 3
    assert np.linalg.norm(made[-1, 0, [0, 2]] - (0, 4)) < 0.02


def test_a_mark_beside_the_way_counts_more(walk):
    way = way_of(CURVES["straight"])
    mark = Mark(40, np.array([0.3, 2.5]), 0.5)
    made = follow_way(walk, way, path_of(way, SPEED), [mark]).joints
    assert np.linalg.norm(made[40, 0, [0, 2]] - mark.place) < 0.01
    assert abs(heading(made)[40] - 0.5) < 0.01
    assert abs(made[-1, 0, 0]) < 0.02


def test_bones_keep_their_lengths(walk):
    way = way_of(CURVES["zigzag"])
    made = follow_way(walk, way, path_of(way, SPEED)).joints
    for joint, parent in ((4, 1), (7, 4), (5, 2), (8, 5), (18, 16)):
        before = np.linalg.norm(walk[:, joint] - walk[:, parent], axis=-1)
        after = np.linalg.norm(made[:, joint] - made[:, parent], axis=-1)
        assert np.abs(after - before).max() < 1e-3


def test_longer_steps_are_told_as_strain(walk):
    pelvis = walk[:, 0][:, [0, 2]]
    own = float(np.linalg.norm(pelvis[-1] - pelvis[0]))
    near, far = (way_of([(0, 0), (0, metres)]) for metres in (own, 1.5 * own))
    strains = [follow_way(walk, way, path_of(way, SPEED)).strain for way in (near, far)]
    assert strains[0] < 0.15
    assert 0.3 < strains[1] < 0.6


def test_a_body_that_stands_is_moved_all_the_same():
    still = np.repeat(clip("walk")[:1], 60, axis=0)
    way = way_of(CURVES["straight"])
    made = follow_way(still, way, path_of(way, SPEED)).joints
    assert np.isfinite(made).all()
    assert np.linalg.norm(made[-1, 0, [0, 2]] - (0, 5)) < 0.02


def test_a_time_between_two_frames_counts(walk):
    at = 40.5 / 20
    way = Way((Waypoint(0, 0), Waypoint(0, 2, None, at), Waypoint(0, 4)))
    made = follow_way(walk, way, path_of(way, SPEED)).joints[:, 0, [0, 2]]
    assert np.linalg.norm(0.5 * (made[40] + made[41]) - (0, 2)) < 0.01


def test_the_end_is_met_between_two_frames(walk):
    last = len(walk) - 1
    way = Way((Waypoint(0, 0), Waypoint(0, 4, None, (last - 0.4) / 20)))
    made = follow_way(walk, way, path_of(way, SPEED)).joints[:, 0, [0, 2]]
    assert np.linalg.norm(0.4 * made[last - 1] + 0.6 * made[last] - (0, 4)) < 0.005

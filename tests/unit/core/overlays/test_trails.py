"""Trails of a walk: where they go, a dot a frame, the current frame stands out."""

from dataclasses import replace

import numpy as np
import pytest

from motiongpt_blender.core.body.rotations import about_axis, rotate
from motiongpt_blender.core.overlays.colours import TRAIL_COLOURS, TrailPoint
from motiongpt_blender.core.overlays.trails import (
    Trails,
    current_dots,
    trail_dots,
    trail_lines,
    trail_points,
)
from motiongpt_blender.core.retargeting.solver import solve
from tests.support.clips import FPS, clip
from tests.support.numeric_rig import a_rig

POINTS = len(TrailPoint)
CORNERS = 24


@pytest.fixture(scope="module")
def walk():
    """A rig, and its motion of a recorded walk."""
    rig = a_rig(seed=3, scale=1.4)
    return rig, solve(rig, clip("walk"), FPS)


@pytest.fixture(scope="module")
def trails(walk):
    rig, motion = walk
    return Trails(11.0, trail_points(rig, motion), rig.leg)


def test_each_point_of_the_body_goes_its_way(trails):
    ways = trails.points
    frames = len(clip("walk"))
    assert set(ways) == set(TrailPoint)
    assert {way.shape for way in ways.values()} == {(frames, 3)}
    heights = {point: way[:, 1].mean() for point, way in ways.items()}
    assert 1.0 < heights[TrailPoint.HIPS] < 1.6  # of a rig 1.4 times as large as a person
    for side in "LR":
        foot, hand = TrailPoint[f"FOOT_{side}"], TrailPoint[f"HAND_{side}"]
        assert heights[foot] < 0.3 < heights[hand]
        # a foot stands half of the time, and moves faster than the hips in the other half
        speed = np.linalg.norm(np.diff(ways[foot], axis=0), axis=-1)
        hips = np.linalg.norm(np.diff(ways[TrailPoint.HIPS], axis=0), axis=-1)
        assert np.percentile(speed, 20) < 0.3 * hips.mean() and speed.max() > 1.5 * hips.mean()
    left = ways[TrailPoint.HAND_L] - ways[TrailPoint.HAND_R]
    assert np.linalg.norm(left, axis=-1).min() > 0.2  # left is not right


def test_ways_are_in_the_space_of_the_armature(walk):
    rig, motion = walk
    turned = about_axis(np.array([1.0, 0.0, 0.0]), np.array(np.pi / 2))  # y up becomes z up
    lying = replace(rig, axes=turned, floor=0.25)
    lifted = {p: way + [0, 0.25, 0] for p, way in trail_points(rig, motion).items()}
    for point, way in trail_points(lying, motion).items():
        assert np.allclose(way, rotate(turned, lifted[point]))


def test_lines_join_the_points_and_each_has_a_dot(trails):
    lines, dots = trail_lines(trails), trail_dots(trails)
    ways = list(trails.points.values())
    ends = lines.positions.reshape(POINTS, -1, 2, 3)
    colours = lines.colours.reshape(POINTS, -1, 4)
    for line, its, way, colour in zip(ends, colours, ways, TRAIL_COLOURS.values(), strict=True):
        assert np.allclose(line[:, 0], way[:-1], atol=1e-6)
        assert np.allclose(line[:, 1], way[1:], atol=1e-6)
        assert np.allclose(its[:, :3], colour)
    centres = dots.positions.reshape(-1, CORNERS, 3).mean(axis=1)
    assert np.allclose(centres, np.concatenate(ways), atol=1e-5)


def test_the_current_frame_has_larger_and_lighter_dots(trails):
    now, dots = current_dots(trails, 31.0), trail_dots(trails)
    assert len(now.positions) == POINTS * CORNERS
    centres = now.positions.reshape(POINTS, CORNERS, 3).mean(axis=1)
    assert np.allclose(centres, [way[20] for way in trails.points.values()], atol=1e-5)
    size, others = (np.ptp(v.positions[:CORNERS, 2]) for v in (now, dots))
    assert size > 2 * others
    assert now.colours[:, :3].mean() > dots.colours[:, :3].mean() + 0.1


@pytest.mark.parametrize(("frame", "index"), [(10, None), (11, 0), (11.4, 0), (12, 1), (500, None)])
def test_a_take_has_a_current_frame_only_while_it_plays(trails, frame, index):
    assert trails.index_at(frame) == index
    assert bool(len(current_dots(trails, frame).positions)) == (index is not None)

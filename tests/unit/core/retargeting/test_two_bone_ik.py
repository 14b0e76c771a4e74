"""Two-bone IK: the end reaches its target, the limb bends to its own side."""

import numpy as np
import pytest

from motiongpt_blender.core.body.rotations import normalise, rotate
from motiongpt_blender.core.retargeting.two_bone_ik import (
    MAX_STRETCH,
    bone_directions,
    clamp_distance,
    solve_leg_ik,
    solve_limb,
)

X, Y, Z = np.eye(3)


def end_of(start, lengths, directions):
    return start + lengths[0] * directions[0] + lengths[1] * directions[1]


@pytest.mark.parametrize("scale", [0.01, 1.0, 3.0])
@pytest.mark.parametrize("lengths", [(0.4, 0.4), (0.5, 0.3), (0.3, 0.5)])
def test_the_end_reaches_a_target_and_the_bones_keep_their_lengths(scale, lengths):
    rng = np.random.default_rng(0)
    lengths = (scale * lengths[0], scale * lengths[1])
    start = scale * rng.normal(size=(50, 3))
    span = normalise(rng.normal(size=(50, 3)))
    target = start + span * rng.uniform(0.4, 0.95, (50, 1)) * sum(lengths)
    motion = (normalise(rng.normal(size=(50, 3))), normalise(rng.normal(size=(50, 3))))
    upper, lower = solve_limb(start, target, lengths, motion)
    assert np.allclose(np.linalg.norm(upper, axis=-1), 1.0)
    assert np.allclose(np.linalg.norm(lower, axis=-1), 1.0)
    assert np.allclose(end_of(start, lengths, (upper, lower)), target, atol=1e-9 * scale)


def test_a_knee_stays_on_the_side_on_which_it_was():
    start, target = np.zeros((1, 3)), np.array([[0.0, -0.6, 0.0]])
    for side in (Z, -Z, X, normalise(X + Z)):
        motion = (normalise(-Y + 0.3 * side)[None], normalise(-Y - 0.3 * side)[None])
        upper, _ = solve_limb(start, target, (0.4, 0.4), motion)
        knee = upper[0] * [1, 0, 1]
        assert np.allclose(normalise(knee), side, atol=1e-9)


def test_a_straight_limb_bends_somewhere_square_to_it():
    straight = np.array([-Y, X])
    target = 0.6 * straight
    upper, lower = solve_limb(np.zeros((2, 3)), target, (0.4, 0.4), (straight, straight))
    assert np.allclose(0.4 * (upper + lower), target)


def test_a_target_beyond_reach_is_approached_along_the_line_to_it():
    start, target = np.zeros((1, 3)), 5 * Z[None]
    motion = (normalise(Z + 0.2 * Y)[None], normalise(Z - 0.2 * Y)[None])
    directions = solve_limb(start, target, (0.5, 0.3), motion)
    end = end_of(start, (0.5, 0.3), directions)
    assert np.allclose(end, MAX_STRETCH * 0.8 * Z)


def test_a_target_too_near_is_kept_at_the_nearest_distance():
    near = clamp_distance(np.array([0.0, 0.5, 9.0]), (0.5, 0.3))
    assert np.allclose(near, [0.2 + 0.0008, 0.5, 0.8 * MAX_STRETCH])
    assert np.allclose(clamp_distance(np.array([0.0]), (0.3, 0.5)), near[0])


def test_directions_follow_the_law_of_cosines():
    upper, lower = bone_directions(X, Y, np.array([0.5]), (0.4, 0.3))
    assert np.allclose(upper, [0.8, 0.6, 0.0])  # a right angle at the elbow
    assert np.allclose(lower, [0.6, -0.8, 0.0])
    assert upper @ lower == pytest.approx(0.0)


def test_a_leg_is_rotated_to_its_target_from_a_hip_that_moved():
    hip = np.zeros((1, 3))
    chain = (hip, hip + [[0.0, -0.4, 0.05]], hip + [[0.0, -0.8, 0.0]])
    hinge, start = X[None], np.array([[0.02, -0.05, 0.01]])
    target = np.array([[0.1, -0.7, 0.2]])
    thigh, shin, reached = solve_leg_ik(chain, hinge, start, target)
    knee = start + rotate(thigh, chain[1] - chain[0])
    assert np.allclose(reached, target)
    assert np.allclose(knee + rotate(shin, chain[2] - chain[1]), target)
    assert (knee - 0.5 * (start + target))[0, 2] > 0  # the knee points forward


def test_a_straight_leg_bends_about_its_hinge():
    hip = np.zeros((1, 3))
    chain = (hip, hip - 0.4 * Y, hip - 0.8 * Y)
    for hinge in (X, -X, normalise(X + Z)):
        thigh, _, reached = solve_leg_ik(chain, hinge[None], hip, -0.7 * Y[None])
        knee = rotate(thigh, -0.4 * Y[None])[0]
        assert np.allclose(reached, -0.7 * Y)
        forward = np.cross(hinge, Y)
        assert np.allclose(normalise(knee * [1, 0, 1]), forward, atol=1e-6)

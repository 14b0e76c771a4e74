"""Residuals: exact where they are asked for, smooth, local, and never more than is asked for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motiongpt_blender.core.body.smoothing import smoothstep
from motiongpt_blender.core.pose_constraints.residuals import residual_curve

FRAMES = st.lists(st.integers(0, 99), min_size=1, max_size=6, unique=True).map(sorted)


@settings(max_examples=40)
@given(FRAMES, st.floats(1.0, 60.0), st.integers(0, 99))
def test_residuals_are_exact_local_and_never_overshoot(frames, reach, seed):
    values = np.random.default_rng(seed).normal(size=(len(frames), 3))
    out = residual_curve(frames, values, 100, reach)
    assert np.array_equal(out[frames], values)
    away = np.abs(np.arange(100)[:, None] - np.array(frames)).min(1)
    assert np.abs(out[away > reach]).max(initial=0) < 1e-12
    assert (out <= np.maximum(values.max(0), 0) + 1e-9).all()
    assert (out >= np.minimum(values.min(0), 0) - 1e-9).all()


def test_equal_residuals_are_held_between_neighbours():
    assert np.allclose(residual_curve([10, 30], np.ones((2, 1)), 60, 16.0)[10:31], 1.0)


def test_a_single_residual_has_two_thirds_of_the_jerk_of_a_plain_ease():
    reach, count = 40.0, 201
    one = residual_curve([100], np.ones((1, 1)), count, reach)[:, 0]
    plain = smoothstep(1 - np.abs(np.arange(count) - 100) / reach)
    new, old = (np.abs(np.diff(values, n=3)).mean() for values in (one, plain))
    assert new < 0.72 * old
    for order in (1, 2):  # no corner in speed or acceleration
        steps = np.abs(np.diff(one, n=order + 1))
        assert steps.max() < 0.3 * np.abs(np.diff(one, n=order)).max()


def test_a_turning_point_takes_the_smaller_acceleration_of_both_sides():
    """A rise over 30 frames and a fall within 6: the curve is rounded as the rise asks."""
    out = residual_curve([40, 46], np.array([[1.0], [0.2]]), 100, 30.0)[:, 0]
    curvature = np.diff(out, 2)
    at = curvature[38]  # frames 38, 39, 40
    assert at == pytest.approx(-20 / 3 / 30**2, rel=0.1)

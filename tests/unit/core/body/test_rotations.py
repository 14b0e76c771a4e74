"""The geometry module: identities that hold for any rotation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motiongpt_blender.core.body import rotations as r

numbers = st.floats(-3.0, 3.0, allow_nan=False)
vectors = st.lists(numbers, min_size=3, max_size=3).map(np.array)
quaternions = (
    st.lists(numbers, min_size=4, max_size=4)
    .map(np.array)
    .filter(lambda q: np.linalg.norm(q) > 0.1)
    .map(lambda q: q / np.linalg.norm(q))
)
few = settings(max_examples=50, deadline=None)


def same_rotation(a, b):
    return np.abs(np.abs((a * b).sum(-1)) - 1).max() < 1e-9


@few
@given(quaternions, quaternions, vectors)
def test_a_product_turns_by_the_right_factor_first(a, b, v):
    assert np.allclose(r.rotate(r.multiply(a, b), v), r.rotate(a, r.rotate(b, v)))


@few
@given(quaternions, vectors)
def test_the_inverse_turns_back(q, v):
    assert np.allclose(r.rotate(r.inverse(q), r.rotate(q, v)), v)


@few
@given(quaternions)
def test_matrices_come_back(q):
    assert same_rotation(r.from_matrix(r.to_matrix(q)), q)


@few
@given(quaternions)
def test_logarithms_come_back(q):
    assert same_rotation(r.from_log(r.to_log(q)), q)
    assert np.linalg.norm(r.to_log(q)) <= np.pi + 1e-9


def test_the_logarithm_of_a_tiny_turn_keeps_its_digits():
    tiny = np.array([1e-10, -2e-10, 3e-10])
    assert np.allclose(r.to_log(r.from_log(tiny)), tiny, rtol=1e-6, atol=0)


@few
@given(vectors, vectors)
def test_between_turns_one_direction_into_the_other(a, b):
    a, b = r.normalise(a), r.normalise(b)
    if np.linalg.norm(a) and np.linalg.norm(b) and a @ b > -0.999:
        assert np.allclose(r.rotate(r.between(a, b), a), b, atol=1e-6)


def test_between_opposite_directions_is_finite():
    assert np.array_equal(r.between(np.eye(3)[0], -np.eye(3)[0]), r.IDENTITY)


@few
@given(quaternions, quaternions)
def test_slerp_reaches_both_ends(a, b):
    assert same_rotation(r.slerp(a, b, np.array(0.0)), a)
    assert same_rotation(r.slerp(a, b, np.array(1.0)), b)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_continuous_only_changes_signs(count):
    q = r.normalise(np.random.default_rng(0).normal(size=(count, 3, 4)))
    out = r.continuous(q)
    assert out.shape == q.shape
    assert np.array_equal(np.abs(out), np.abs(q))
    assert ((out[1:] * out[:-1]).sum(-1) >= 0).all()


def test_about_y_turns_forward_to_the_left():
    turned = r.rotate(r.about_y(np.array(np.pi / 2)), np.array([0.0, 0.0, 1.0]))
    assert np.allclose(turned, [1, 0, 0])

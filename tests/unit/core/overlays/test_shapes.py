"""Solid shapes: closed, outwards, of the size that is asked for, lit from above."""

import numpy as np

from motiongpt_blender.core.overlays.shapes import (
    ColouredVertices,
    bone_triangles,
    dot_triangles,
    shaded,
)

LINES = np.array([[[0, 0, 0], [0, 0, 2]], [[1, 1, 1], [4, 1, 1]], [[0, 5, 0], [0, 4, 0.5]]], float)
THICKNESS = np.array([0.2, 0.3, 0.1])
WAIST = np.array([0.15, 0.5, 0.15])


def volume(triangles):
    """Volumes (N,) of closed shapes (N, 8, 3, 3) whose faces look outwards."""
    a, b, c = (triangles[:, :, k] for k in range(3))
    return np.einsum("nfi,nfi->n", a, np.cross(b, c)) / 6


def test_a_bone_is_a_closed_octahedron_around_its_line():
    triangles = bone_triangles(LINES, THICKNESS, WAIST)
    assert triangles.shape == (3, 8, 3, 3)
    # a square of half diagonal r, two pyramids along the whole length
    length = np.linalg.norm(LINES[:, 1] - LINES[:, 0], axis=-1)
    assert np.allclose(volume(triangles), 2 * THICKNESS**2 * length / 3)


def test_a_bone_begins_and_ends_with_its_line_and_is_thickest_at_its_waist():
    triangles = bone_triangles(LINES, THICKNESS, WAIST)
    for corners, (head, tail), thick, waist in zip(
        triangles.reshape(3, -1, 3), LINES, THICKNESS, WAIST, strict=True
    ):
        along = tail - head
        share = (corners - head) @ along / (along @ along)
        away = np.linalg.norm(corners - head - share[:, None] * along, axis=-1)
        assert np.isclose(share.min(), 0) and np.isclose(share.max(), 1)
        assert np.isclose(away.max(), thick)
        assert np.allclose(share[away > 0.5 * thick], waist)


def test_a_bone_without_length_is_nothing_and_no_error():
    flat = bone_triangles(np.zeros((1, 2, 3)), np.zeros(1), np.full(1, 0.15))
    assert np.isfinite(flat).all() and np.allclose(flat, 0)


def test_dots_reach_their_radius_from_their_points():
    points = np.array([[0.0, 0, 0], [1, 2, 3]])
    triangles = dot_triangles(points, 0.5)
    away = np.linalg.norm(triangles - points[:, None, None], axis=-1)
    assert np.allclose(away, 0.5)
    assert (volume(triangles - points[:, None, None]) > 0).all()


def test_faces_that_look_up_are_lighter():
    triangles = dot_triangles(np.zeros((1, 3)), 1.0)
    colours = np.array([[0.8, 0.4, 0.2, 0.5]])
    out = shaded(triangles, colours)
    assert out.positions.shape == (24, 3) and out.positions.dtype == np.float32
    assert out.colours.shape == (24, 4) and np.allclose(out.colours[:, 3], 0.5)
    red = out.colours[:, 0].reshape(8, 3)
    assert np.allclose(red, red[:, :1])  # one shade a face
    up = triangles[0, :, :, 2].mean(axis=1) > 0
    assert red[up].mean() > 1.2 * red[~up].mean() and red.max() <= 0.8
    assert np.allclose(out.colours[:, 1] / out.colours[:, 0], 0.5)  # the hue stays


def test_faded_and_joined():
    one = ColouredVertices.of(np.ones((2, 3)), np.ones((2, 4)))
    both = ColouredVertices.joined([one, one.faded(0.25)])
    assert both.positions.shape == (4, 3)
    assert both.colours[:, 3].tolist() == [1, 1, 0.25, 0.25] and (both.colours[:, :3] == 1).all()
    assert ColouredVertices.joined([]).positions.shape == (0, 3)

"""Signs on the timeline: their shapes by role, and which lies under the mouse."""

import numpy as np
import pytest

from motiongpt_blender.core.overlays.colours import ROLE_COLOURS
from motiongpt_blender.core.overlays.signs import (
    RULER,
    Sign,
    sign_at,
    sign_height,
    sign_lines,
    sign_triangles,
)
from motiongpt_blender.core.pose_constraints.marked_pose import PoseRole

START, KEY, END = PoseRole


def area_sides(sign):
    """How much of a sign's face is left and right of its frame."""
    corners = sign_triangles([sign], 1.0).positions.reshape(-1, 3, 3)[..., :2] - [sign.x, sign.y]
    return corners[..., 0].min(), corners[..., 0].max()


def test_a_start_points_on_and_an_end_points_back():
    left, right = area_sides(Sign(START, 100, 20))
    assert right > 2 * -left > 0
    left, right = area_sides(Sign(END, 100, 20))
    assert -left > 2 * right > 0
    assert np.allclose(*np.abs(area_sides(Sign(KEY, 100, 20))))


def test_faces_have_the_colour_of_their_role_and_the_chosen_one_is_on_top():
    faces = sign_triangles([Sign(KEY, 10, 20, chosen=True), Sign(START, 12, 20)], 1.0)
    assert np.allclose(faces.colours[0, :3], ROLE_COLOURS[START])
    assert np.allclose(faces.colours[-1, :3], ROLE_COLOURS[KEY])


def test_outline_and_stem():
    lines = sign_lines([Sign(KEY, 10, 20, chosen=True)], 2.0, 90.0)
    ends = lines.positions.reshape(-1, 2, 3)
    assert len(ends) == 1 + 4
    assert ends[0, :, 0].tolist() == [10, 10] and ends[0, :, 1].tolist() == [34, 90]
    assert np.allclose(ends[1:, 0], np.roll(ends[1:, 1], 1, axis=0))  # it closes
    plain = sign_lines([Sign(KEY, 10, 20)], 2.0, 90.0)
    assert lines.colours[-1, :3].min() > 0.9 and plain.colours[-1, :3].max() < 0.1


@pytest.mark.parametrize(
    ("x", "y", "scale", "found"),
    [(100, 20, 1, 0), (108, 12, 1, 0), (112, 20, 1, 1), (132, 20, 1, None), (100, 31, 1, None),
     (100, 31, 2, 0), (116, 20, 1, 1)],
)  # fmt: skip
def test_the_nearest_sign_lies_under_the_mouse(x, y, scale, found):
    assert sign_at([Sign(START, 100, 20), Sign(KEY, 120, 20)], x, y, scale) == found


def test_of_two_in_one_place_the_chosen_one_counts():
    signs = [Sign(START, 100, 20), Sign(KEY, 100, 20, chosen=True), Sign(END, 100, 20)]
    assert sign_at(signs, 103, 20) == 1
    assert sign_at([], 103, 20) is None


def test_signs_stand_above_markers_and_below_the_ruler_where_there_is_room():
    assert sign_height(300, 1.0) == 52 and sign_height(600, 2.0) == 104
    assert sign_height(87, 1.0) == 0.5 * (87 - RULER)
    assert sign_height(41, 1.0) == sign_height(20, 1.0) == 14

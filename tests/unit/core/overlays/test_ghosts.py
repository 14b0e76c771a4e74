"""Ghosts: where they stand, their colours by role, strong where the pose constrains."""

import numpy as np
import pytest

from motiongpt_blender.core.overlays.colours import ROLE_COLOURS
from motiongpt_blender.core.overlays.ghosts import Ghost, ghost_lines, ghost_vertices
from motiongpt_blender.core.pose_constraints.body_parts import WHOLE_BODY, BodyPart
from motiongpt_blender.core.pose_constraints.marked_pose import PoseRole
from motiongpt_blender.core.rig.bone_maps import Part
from motiongpt_blender.core.rig.figure import Figure

FIGURE = Figure(
    np.array([[[0, 0, 1], [0, 0, 1.5]], [[0, 0, 1.5], [0, 0, 1.7]], [[0, 0, 1], [0.1, 0, 0.5]]]),
    (Part.PELVIS, Part.HEAD, Part.THIGH_L),
)
CORNERS = 24


def ghost(role=PoseRole.KEY, parts=WHOLE_BODY, chosen=False, figure=FIGURE):
    return Ghost(figure, role, parts, chosen)


def opacities(one):
    """The opacity of each bone of a ghost."""
    return ghost_vertices([one]).colours[::CORNERS, 3]


def test_lines_stand_where_the_figure_does_in_the_colour_of_the_role():
    matrix = np.array([[0, -2, 0, 5], [2, 0, 0, 6], [0, 0, 2, 7], [0, 0, 0, 1]], float)
    lines = ghost_lines([ghost(PoseRole.END, figure=FIGURE.moved(matrix))])
    expected = [[5, 6, 9], [5, 6, 10], [5, 6, 10], [5, 6, 10.4], [5, 6, 9], [5, 6.2, 8]]
    assert np.allclose(lines.positions, expected, atol=1e-6)
    assert np.allclose(lines.colours[:, :3], ROLE_COLOURS[PoseRole.END])


@pytest.mark.parametrize("role", PoseRole)
def test_solid_bones_have_the_hue_of_their_role(role):
    colours = ghost_vertices([ghost(role)]).colours
    brightest = colours[colours[:, 0].argmax(), :3]
    hue = np.array(ROLE_COLOURS[role])
    assert np.allclose(brightest / brightest.max(), hue / hue.max(), atol=1e-5)


def test_the_chosen_ghost_is_stronger():
    assert (opacities(ghost(chosen=True)) > opacities(ghost()) + 0.2).all()


def test_what_a_pose_leaves_free_is_faint():
    free, held = opacities(ghost(parts=frozenset({BodyPart.LOWER})))[[1, 2]]
    assert held > 3 * free > 0


def test_bones_taper_and_heads_are_round():
    corners = ghost_vertices([ghost()]).positions.reshape(3, CORNERS, 3)
    width = np.ptp(corners[..., 0], axis=1)
    assert 0.05 < width[0] < 0.15  # a trunk of half a metre
    assert width[1] > width[0]


def test_all_ghosts_are_drawn_at_once():
    assert len(ghost_vertices([ghost(), ghost()]).positions) == 2 * 3 * CORNERS
    assert len(ghost_vertices([]).positions) == len(ghost_lines([]).positions) == 0

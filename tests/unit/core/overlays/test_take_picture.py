"""The small picture of a motion: three figures, in the colours of start, way and end."""

import numpy as np

from motiongpt_blender.core.overlays.colours import ROLE_COLOURS
from motiongpt_blender.core.overlays.take_picture import SIZE, take_picture
from motiongpt_blender.core.pose_constraints.marked_pose import PoseRole
from tests.support.clips import clip


def columns_of(picture, role):
    """Mean column of the pixels in a role's colour, and how many there are."""
    alike = np.abs(picture[..., :3] - ROLE_COLOURS[role]).max(axis=-1) < 0.02
    alike &= picture[..., 3] > 0.9
    return np.nonzero(alike)[1].mean(), alike.sum()


def test_a_walk_goes_from_left_to_right():
    picture = take_picture(clip("walk"))
    assert picture.shape == (SIZE, SIZE, 4) and picture.min() >= 0 and picture.max() <= 1
    places, counts = zip(*(columns_of(picture, role) for role in PoseRole), strict=True)
    assert min(counts) > 30
    assert (
        dict(zip(PoseRole, places, strict=True))[PoseRole.START] + 20
        < dict(zip(PoseRole, places, strict=True))[PoseRole.END]
    )


def test_the_head_is_above_the_feet():
    standing = clip("walk")[:1].repeat(3, axis=0)
    alpha = take_picture(standing)[..., 3]
    rows = np.nonzero(alpha.any(axis=1))[0]
    assert rows[-1] - rows[0] > 0.8 * SIZE
    covered = [alpha[row] > 0.5 for row in (rows[-6], rows[4])]
    assert covered[0].sum() < 3 * 2 * 10  # three heads and their outlines alone


def test_figures_that_stay_in_place_stand_beside_each_other():
    standing = clip("walk")[:1].repeat(3, axis=0)
    picture = take_picture(standing)
    places = [columns_of(picture, role)[0] for role in (PoseRole.START, PoseRole.KEY, PoseRole.END)]
    assert min(np.diff(places)) > 0.2 * SIZE


def test_a_long_way_leaves_the_figures_large():
    far = clip("walk").copy()
    far[..., [0, 2]] += np.linspace(0, 20, len(far))[:, None, None]
    rows = np.nonzero(take_picture(far)[..., 3].any(axis=1))[0]
    assert rows[-1] - rows[0] > 0.6 * SIZE


def test_dark_lines_set_the_figures_off_a_light_theme():
    picture = take_picture(clip("walk"))
    solid = picture[..., 3] > 0.9
    edge = (picture[..., 3] > 0.6) & (picture[..., :3].max(axis=-1) < 0.2)
    assert edge.sum() > 0.3 * solid.sum()
    for step, axis in ((1, 0), (-1, 0), (1, 1), (-1, 1)):  # no colour touches the ground
        beside = np.roll(picture[..., 3], step, axis)
        bright = solid & (picture[..., :3].max(axis=-1) > 0.9)
        assert beside[bright].min() > 0.5


def test_one_frame_and_any_scale_are_drawn():
    for joints in (clip("walk")[:1], clip("walk") * 1e-3, clip("walk") * 1e3, np.zeros((2, 22, 3))):
        picture = take_picture(joints)
        assert np.isfinite(picture).all() and picture[..., 3].max() > 0.9

"""The inverse of the solver: directions from which it reads the rotations of a pose."""

import numpy as np
import pytest

from motiongpt_blender.core.body.neutral_pose import DIRECTIONS, build
from motiongpt_blender.core.body.rotations import (
    IDENTITY,
    angle_between,
    from_log,
    inverse,
    multiply,
    rotate,
)
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.retargeting.inverse import MAX_ROTATION, inverse_directions
from motiongpt_blender.core.retargeting.part_rotations import (
    chest_rotation,
    collar_rotation,
    neck_rotation,
)
from motiongpt_blender.core.rig.bone_maps import Part

BONES = {
    Part.COLLAR_L: DIRECTIONS[Joint.L_SHOULDER],
    Part.COLLAR_R: DIRECTIONS[Joint.R_SHOULDER],
    Part.NECK: DIRECTIONS[Joint.HEAD],
}


def read(directions):
    """Chest (4,), both clavicles and the neck as the solver reads them."""
    joints = build(directions, np.zeros(3))[None]
    chest = chest_rotation(joints)
    return {
        Part.CHEST: chest[0],
        Part.COLLAR_L: collar_rotation(joints, chest, "L")[0],
        Part.COLLAR_R: collar_rotation(joints, chest, "R")[0],
        Part.NECK: neck_rotation(joints, chest)[0],
    }


def pose(chest, left, right, head):
    """Global rotations of a pose, from rotation vectors relative to the chest."""
    chest = from_log(np.radians(chest))
    rotations = {Part.CHEST: chest}
    for part, vector in ((Part.COLLAR_L, left), (Part.COLLAR_R, right), (Part.HEAD, head)):
        rotations[part] = multiply(chest, from_log(np.radians(vector)))
    return rotations


@pytest.mark.parametrize("chest", [[0, 0, 0], [20, 0, 0], [0, 60, 0], [10, -40, 15]])
@pytest.mark.parametrize(
    ("left", "right", "head"),
    [([0, 0, 0], [0, 0, 0], [0, 0, 0]), ([0, 0, 15], [0, 0, 0], [10, 0, 0]),
     ([0, 10, -8], [0, -10, 8], [0, 0, 12]), ([0, 0, 0], [0, 0, -20], [-15, 0, 0])],
)  # fmt: skip
def test_what_is_shown_is_read_again(chest, left, right, head):
    wanted = pose(np.array(chest), np.array(left), np.array(right), np.array(head))
    seen = read(inverse_directions(DIRECTIONS, wanted, BONES))
    assert np.degrees(angle_between(seen[Part.CHEST], wanted[Part.CHEST])) < 0.2
    for part in (Part.COLLAR_L, Part.COLLAR_R, Part.NECK):
        target = wanted[Part.HEAD if part is Part.NECK else part]
        away = rotate(seen[part], BONES[part]) @ rotate(target, BONES[part])
        assert np.degrees(np.arccos(np.clip(away, -1, 1))) < 0.3, part


def test_a_pose_at_rest_is_the_neutral_one():
    rest = dict.fromkeys((Part.CHEST, Part.COLLAR_L, Part.COLLAR_R, Part.HEAD), IDENTITY)
    assert np.allclose(inverse_directions(DIRECTIONS, rest, BONES), DIRECTIONS, atol=1e-6)


def test_a_head_that_turns_far_is_limited():
    wanted = pose(np.zeros(3), np.zeros(3), np.zeros(3), np.array([80.0, 0.0, 0.0]))
    out = inverse_directions(DIRECTIONS, wanted, BONES)
    shown = rotate(inverse(wanted[Part.CHEST]), out[Joint.HEAD])
    cosine = np.clip(shown @ DIRECTIONS[Joint.HEAD], -1, 1)
    assert np.arccos(cosine) == pytest.approx(MAX_ROTATION, abs=1e-6)
    assert np.allclose(np.linalg.norm(out[1:], axis=-1), 1.0)


def test_limbs_are_left_as_they_are():
    wanted = pose(np.array([10, 30, 0]), np.array([0, 0, 15]), np.zeros(3), np.zeros(3))
    out = inverse_directions(DIRECTIONS, wanted, BONES)
    limbs = [j for j in Joint if j.name.split("_")[-1] in ("HIP", "KNEE", "ELBOW", "WRIST")]
    assert np.array_equal(out[limbs], DIRECTIONS[limbs])

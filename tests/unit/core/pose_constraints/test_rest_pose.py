"""What has become of a rest pose: exact for rolls and for the whole armature, else refused."""

from dataclasses import replace

import numpy as np
import pytest

from motiongpt_blender.core.body.neutral_pose import NEUTRAL
from motiongpt_blender.core.body.rotations import (
    IDENTITY,
    about_axis,
    angle_between,
    between,
    from_log,
    multiply,
    normalise,
    rotate,
)
from motiongpt_blender.core.body.skeleton import PARENTS, Joint
from motiongpt_blender.core.pose_constraints.rest_pose import (
    RestBone,
    RestPoseError,
    rest_change,
    rest_pose_from_json,
    rest_pose_to_json,
)

ALONG = np.array([0.0, 1.0, 0.0])


def body(scale=1.0):
    """A bone from each joint's parent to it, in an armature of a scale."""
    return {
        joint.name: RestBone(
            between(ALONG, normalise(NEUTRAL[joint] - NEUTRAL[PARENTS[joint]])),
            scale * NEUTRAL[PARENTS[joint]].astype(float),
            Joint(PARENTS[joint]).name,
        )
        for joint in list(Joint)[1:]
    }


@pytest.mark.parametrize("scale", [1.0, 100.0, 0.01])
def test_the_stored_rest_pose_is_unchanged(scale):
    rest = body(scale)
    stored = rest_pose_from_json(rest_pose_to_json(rest))
    assert stored is not None
    assert rest_change(stored, rest).nothing


def test_a_roll_is_found_where_it_is():
    rest, roll = body(), about_axis(ALONG, np.array(0.7))
    rolled = replace(rest["L_KNEE"], rotation=multiply(rest["L_KNEE"].rotation, roll))
    change = rest_change(rest, {**rest, "L_KNEE": rolled})
    assert not change.moved
    assert list(change.rolls) == ["L_KNEE"]
    assert angle_between(change.rolls["L_KNEE"], roll) < 1e-6


def test_a_whole_armature_that_was_turned_moved_and_scaled():
    rest, turn = body(), from_log(np.array([np.pi / 2, 0.0, 0.0]))
    move = np.array([0.3, -2.0, 1.0])
    after = {
        n: replace(
            b, rotation=multiply(turn, b.rotation), head=2.5 * rotate(turn, b.head) + move
        )
        for n, b in rest.items()
    }  # fmt: skip
    change = rest_change(rest, after)
    assert change.scale == pytest.approx(2.5)
    assert angle_between(change.rotation, turn) < 1e-6
    assert np.abs(change.translation - move).max() < 1e-6
    assert not change.rolls


@pytest.mark.parametrize(
    "changed",
    [
        {"head": np.array([0.0, 0.02, 0.0])},
        {"rotation": from_log(np.array([0.1, 0.0, 0.0]))},
        {"parent": "HEAD"},
    ],
    ids=list,
)
def test_another_change_names_its_bone(changed):
    rest = body()
    bone = rest["R_ELBOW"]
    if "head" in changed:
        changed = {"head": bone.head + changed["head"]}
    with pytest.raises(RestPoseError) as caught:
        rest_change(rest, {**rest, "R_ELBOW": replace(bone, **changed)})
    assert caught.value.bone == "R_ELBOW"


def test_a_slant_is_no_change_of_the_object():
    """Turned by 20 degrees about the vertical: the floor's axes are others then."""
    rest, turn = body(), from_log(np.array([0.0, 0.35, 0.0]))
    after = {
        n: replace(b, rotation=multiply(turn, b.rotation), head=rotate(turn, b.head))
        for n, b in rest.items()
    }
    with pytest.raises(RestPoseError):
        rest_change(rest, after)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"a": 1}', '{"a": [[1, 2], ""]}', f'{{"a": [[{"1e999," * 10}0], ""]}}'],
)
def test_other_text_is_no_rest_pose(text):
    assert rest_pose_from_json(text) is None


def test_bones_that_are_gone_do_not_count():
    rest = body()
    assert rest_change(rest, {"HEAD": rest["HEAD"]}).nothing
    assert rest_change(rest, {}).nothing
    assert np.array_equal(rest["HEAD"].location_axes, IDENTITY)

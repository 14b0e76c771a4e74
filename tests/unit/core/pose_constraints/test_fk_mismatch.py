"""FK mismatches: how large they are, which is told, and in which words."""

import pytest

from motiongpt_blender.core.pose_constraints.body_parts import WHOLE_BODY, BodyPart
from motiongpt_blender.core.pose_constraints.fk_mismatch import (
    FKMismatch,
    find_worst_mismatch,
    mismatch_note,
)
from motiongpt_blender.core.rig.bone_maps import Part


@pytest.mark.parametrize(
    ("degrees", "millimetres", "size"),
    [(0.05, 0.2, 5.0), (0.02, 3.0, 30.0), (0.0, 0.05, 0.5)],
)
def test_the_size_is_the_larger_of_both_over_what_can_be_seen(degrees, millimetres, size):
    mismatch = FKMismatch("hand", degrees, millimetres)
    assert mismatch.size == pytest.approx(size)
    assert mismatch.unseen == (size <= 1)


@pytest.mark.parametrize(
    ("degrees", "millimetres", "unseen"),
    [(0.01, 0.1, True), (0.011, 0.0, False), (0.0, 0.11, False), (0.0, 0.0, True)],
)
def test_a_mismatch_is_unseen_within_both_limits(degrees, millimetres, unseen):
    mismatch = FKMismatch("hand", degrees, millimetres)
    assert mismatch.unseen == unseen
    assert (mismatch_note(mismatch) == "") == unseen


def test_the_first_mismatch_in_a_constrained_part_is_found():
    foot = FKMismatch("foot", 1.0, 9.0, Part.FOOT_R)
    hand = FKMismatch("hand", 0.5, 4.0, Part.HAND_L)
    prop = FKMismatch("prop", 2.0, 20.0)
    assert find_worst_mismatch((prop, foot, hand), WHOLE_BODY) is prop
    assert find_worst_mismatch((prop, foot, hand), frozenset({BodyPart.ARM_L})) is hand
    assert find_worst_mismatch((prop, hand), frozenset({BodyPart.LOWER})) is None


def test_a_note_names_the_part_the_bone_and_the_distance():
    note = mismatch_note(FKMismatch("hand.L", 0.5, 12.04, Part.UPPER_ARM_L))
    assert "the left upper arm of this pose" in note
    assert "'hand.L' remains 0.50° and 12.0 mm away" in note
    assert "every bone of this pose" in mismatch_note(FKMismatch("prop", 0.5, 12.04))
    assert mismatch_note(None) == ""

"""A kept take made faster or slower, its root changed, blended, in part anew; and back again."""

import bpy
import numpy as np
import pytest

from motiongpt_blender.core.reshape.planting import contacts_of, ground_along
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.take.read_take import read_take
from tests.support.kept_takes import keep_clip, shown, slide, span, toes
from tests.support.session import asked
from tests.support.takes import generate, hand_keyed, show


def standing(obj, take):
    """(T, 2) whether each toe stands in the take."""
    rig = describe(obj)
    motion = read_take(obj, rig, take.action).motion
    contacts = contacts_of(rig, motion, ground_along(rig, motion))
    return np.stack([contacts.mask(s, len(motion)) for s in "LR"], 1) > 0


@pytest.mark.parametrize(
    "speed, fps, scale, options",
    [(2.0, 24, 1.05, {}), (0.6, 30, 0.02, {}), (1.5, 24, 60.0, {"root": "OBJECT"}),
     (0.8, 24, 1.05, {"in_place": True})],
)  # fmt: skip
def test_a_take_is_stretched_and_its_feet_stand(
    registered, make_smpl_rig, speed, fps, scale, options
):
    bpy.context.scene.render.fps = fps
    rig = make_smpl_rig(scale)
    take = keep_clip(rig, frames=60, **options)
    first, last = span(take)
    before = shown(rig, range(first, last + 1))
    assert bpy.ops.motiongpt.take_speed(speed=speed) == {"FINISHED"}
    count = round((last - first) / speed) + 1
    assert span(take) == (first, first + count - 1)
    strip = rig.animation_data.nla_tracks[0].strips[0]
    assert strip.frame_end == pytest.approx(first + count - 1)
    after = shown(rig, range(first, first + count))
    for share in (0.0, 0.5, 1.0):
        one, other = before[round(share * (last - first))], after[round(share * (count - 1))]
        assert np.abs(one - other)[:, :3, 3].max() < 0.06 * scale
    assert np.abs(before[0] - after[0])[:, :3, 3].max() < 0.01 * scale
    if "in_place" not in options:
        places = toes(rig, describe(rig), range(first, first + count))
        stands = standing(rig, take)
        assert stands.mean() > 0.3
        assert slide(places, stands, fps) < 0.05
    assert bpy.ops.motiongpt.reset_take() == {"FINISHED"}
    assert span(take) == (first, last) and strip.frame_end == pytest.approx(last)
    assert np.array_equal(shown(rig, range(first, last + 1)), before)


@pytest.mark.sweep
@pytest.mark.parametrize("begins", ["HIPS", "BONE", "OBJECT", "IN_PLACE"])
def test_the_root_is_changed_and_the_character_looks_the_same(registered, rigify_rig, begins):
    at_first = {"in_place": True} if begins == "IN_PLACE" else {"root": begins}
    take = keep_clip(rigify_rig, frames=25, **at_first)
    first, last = span(take)
    frames = range(first, last + 1, 6)
    deforming = [k for k, b in enumerate(rigify_rig.data.bones) if b.use_deform]
    looks = shown(rigify_rig, frames)[:, deforming]
    if begins == "IN_PLACE":
        assert bpy.ops.motiongpt.take_root(root="HIPS") == {"FINISHED"}
        moved = shown(rigify_rig, frames)[:, deforming]
        assert np.linalg.norm(np.ptp(moved[:, 0, :2, 3], axis=0)) > 0.2
        looks = moved
    for root in ("OBJECT", "BONE", "HIPS"):
        assert bpy.ops.motiongpt.take_root(root=root) == {"FINISHED"}
        after = shown(rigify_rig, frames)[:, deforming]
        assert np.abs(after - looks)[..., :3, 3].max() < 2e-4, root
    assert bpy.ops.motiongpt.take_root(root="IN_PLACE") == {"FINISHED"}
    after = shown(rigify_rig, frames)[:, deforming]
    assert np.linalg.norm(np.ptp(after[:, 0, :2, 3], axis=0)) < 0.1
    assert "motiongpt_root_motion" in rigify_rig
    assert bpy.ops.motiongpt.take_root(root="HIPS") == {"FINISHED"}
    assert np.abs(shown(rigify_rig, frames)[:, deforming] - looks)[..., :3, 3].max() < 2e-4
    assert "motiongpt_root_motion" not in rigify_rig
    assert bpy.ops.motiongpt.remove_take() == {"FINISHED"}
    assert rigify_rig.animation_data is None or rigify_rig.animation_data.action is None
    assert np.abs(np.array(rigify_rig.matrix_basis) - np.eye(4)).max() < 1e-6


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_two_takes_are_blended(addon, smpl_rig, share):
    hand_keyed(smpl_rig)
    place = bpy.context.scene.motiongpt.frame_range
    place.mode, place.start, place.end = "RANGE", 10, 30
    show(20)
    bpy.context.scene.motiongpt.takes = 4
    generate(addon)
    takes = smpl_rig.motiongpt.takes
    looks = []
    for index in (2, 0):
        takes.active = index
        looks.append(shown(smpl_rig, range(10, 31)))
    bpy.ops.motiongpt.keep_all_takes()
    around = shown(smpl_rig, (-5, 1, 9, 10, 30, 31, 60))
    assert bpy.ops.motiongpt.blend_takes(other="2", share=share) == {"FINISHED"}
    blended = shown(smpl_rig, range(10, 31))
    away = [np.abs(blended - look)[..., :3, 3].max() for look in looks]
    apart = np.abs(looks[0] - looks[1])[..., :3, 3].max()
    assert apart > 0.02 and all(0.05 * apart < a < 0.95 * apart for a in away)
    to_other, to_own = away
    assert share == 0.5 or (to_own < to_other) == (share < 0.5)
    assert np.abs(shown(smpl_rig, (-5, 1, 9, 10, 30, 31, 60)) - around).max() < 1e-3
    assert bpy.ops.motiongpt.reset_take() == {"FINISHED"}
    assert np.array_equal(shown(smpl_rig, range(10, 31)), looks[1])


def test_a_range_is_made_anew_over_the_take_and_removed_again(addon, smpl_rig):
    panel = bpy.context.scene.motiongpt
    show(1)
    generate(addon)
    takes = smpl_rig.motiongpt.takes
    first, last = span(takes.chosen_take)
    before = shown(smpl_rig, range(first, last + 1))
    asked().prompt, asked().seed = "the animator's next wish", 77
    own = [panel.frame_range.mode, panel.frame_range.start, panel.frame_range.end]
    with pytest.raises(RuntimeError):
        bpy.ops.motiongpt.reroll_range(first=last, last=first)
    assert bpy.ops.motiongpt.reroll_range(first=first + 12, last=last - 12) == {"FINISHED"}
    addon.wait()
    assert len(takes.entries) == 2 and takes.entries[1].seed != takes.entries[0].seed
    assert own == [panel.frame_range.mode, panel.frame_range.start, panel.frame_range.end]
    assert (asked().prompt, asked().seed) == ("the animator's next wish", 77)
    after = shown(smpl_rig, range(first, last + 1))
    same = [*range(13), *range(last - first - 12, last - first + 1)]
    assert np.abs(after[same] - before[same]).max() < 1e-3
    assert np.abs(after - before).max() > 0.01
    takes.chosen = 1
    assert bpy.ops.motiongpt.remove_take() == {"FINISHED"}
    assert np.abs(shown(smpl_rig, range(first, last + 1)) - before).max() < 1e-5


def test_why_a_take_cannot_be_reshaped(addon, smpl_rig):
    hand_keyed(smpl_rig)
    place = bpy.context.scene.motiongpt.frame_range
    place.mode, place.start, place.end = "RANGE", 10, 30
    show(20)
    generate(addon)
    assert not bpy.ops.motiongpt.take_speed.poll()  # it joins the animation after it
    assert not bpy.ops.motiongpt.blend_takes.poll()  # there is no other one
    assert bpy.ops.motiongpt.take_root.poll()

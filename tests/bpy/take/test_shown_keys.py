"""Bones selected so that timeline and dope sheet show a take's keys, and given back."""

import pytest

from motiongpt_blender import compat
from tests.support.takes import generate

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")


def selected(rig):
    """The names of the selected bones."""
    return {bone.name for bone in rig.pose.bones if compat.is_selected(bone)}


def select(rig, *names):
    for bone in rig.pose.bones:
        compat.select(bone, bone.name in names)


def keyed(take):
    """The names of the bones that a take keys."""
    return {c.data_path.split('"')[1] for c in compat.all_curves(take.action) if '"' in c.data_path}


@pytest.fixture
def review(addon, smpl_rig):
    """``review(*names)``: four takes come while these bones are selected."""

    def begin(*names, mode="OBJECT"):
        bpy.context.view_layer.objects.active = smpl_rig
        bpy.ops.object.mode_set(mode=mode)
        select(smpl_rig, *names)
        bpy.context.scene.motiongpt.takes = 4
        generate(addon)
        return smpl_rig.motiongpt.takes

    return begin


@pytest.mark.parametrize("mode", ["OBJECT", "POSE"])
@pytest.mark.parametrize("choose", ["keep_take", "keep_all_takes", "discard_takes", "remove_take"])
def test_keys_of_a_take_on_show_are_seen_until_a_choice(review, smpl_rig, mode, choose):
    takes = review(mode=mode)
    assert len(keyed(takes.shown_take)) > 15
    assert selected(smpl_rig) == keyed(takes.shown_take)
    takes.active = 2
    assert selected(smpl_rig) == keyed(takes.entries[2])
    getattr(bpy.ops.motiongpt, choose)()
    assert selected(smpl_rig) == set()


@pytest.mark.parametrize("mode", ["OBJECT", "POSE"])
def test_what_the_animator_has_selected_stays(review, smpl_rig, mode):
    takes = review("head", "l_knee", mode=mode)
    assert selected(smpl_rig) == {"head", "l_knee"}
    takes.active = 1
    bpy.ops.motiongpt.keep_take()
    assert selected(smpl_rig) == {"head", "l_knee"}


def test_what_is_selected_during_review_stays(review, smpl_rig):
    takes = review(mode="POSE")
    select(smpl_rig, "head")
    takes.active = 1
    assert selected(smpl_rig) == {"head"}
    bpy.ops.motiongpt.discard_takes()
    assert selected(smpl_rig) == {"head"}


def test_bones_of_another_armature_in_pose_mode_are_not_posed_together(
    addon, smpl_rig, make_smpl_rig
):
    other = make_smpl_rig()
    bpy.context.scene.motiongpt.armature = smpl_rig
    bpy.context.view_layer.objects.active = other
    bpy.ops.object.mode_set(mode="POSE")
    select(other, "head")
    select(smpl_rig)
    bpy.context.scene.motiongpt.takes = 4
    generate(addon)
    assert selected(smpl_rig) == set() and selected(other) == {"head"}


def test_a_click_selects_the_bones_of_a_take_on_show(review, smpl_rig):
    takes = review("head", mode="POSE")
    assert bpy.ops.motiongpt.select_keyed_bones() == {"FINISHED"}
    assert selected(smpl_rig) == keyed(takes.shown_take)
    bpy.ops.motiongpt.keep_take()
    assert selected(smpl_rig) == keyed(takes.chosen_take)  # the animator's own choice by now
    with pytest.raises(RuntimeError, match="not in the active action"):
        bpy.ops.motiongpt.select_keyed_bones()


def test_a_hidden_bone_is_not_selected(review, smpl_rig):
    smpl_rig.data.bones["head"].hide = True
    takes = review()
    assert selected(smpl_rig) == keyed(takes.shown_take) - {"head"}
    bpy.ops.motiongpt.discard_takes()
    assert selected(smpl_rig) == set()


def test_a_file_saved_in_review_gives_the_selection_back_when_it_is_opened(
    review, smpl_rig, tmp_path
):
    review()
    path = str(tmp_path / "review.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, copy=True)
    bpy.ops.wm.open_mainfile(filepath=path)
    rig = bpy.data.objects["smpl"]
    assert len(selected(rig)) > 15
    bpy.ops.motiongpt.keep_take()
    assert selected(rig) == set()

"""What an animator changes while a take is made: it lands on its own character, or says why not."""

import numpy as np
import pytest

from motiongpt_blender import compat
from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.core.body.slices import run_to_end
from motiongpt_blender.scene.errors import RigError
from motiongpt_blender.scene.take import apply
from tests.support.clips import clip
from tests.support.matrix import sweep

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")


@pytest.fixture
def twin(smpl_rig):
    """Another character beside ``smpl_rig``, with bones of its own."""
    other = smpl_rig.copy()
    other.data = smpl_rig.data.copy()
    bpy.context.collection.objects.link(other)
    return other


def slices(obj):
    return apply.apply_slices(obj, MotionClip(clip("walk")[:40].astype(np.float32)), (), 1, "walk")


def changed_at(obj, change, at):
    """The report of a take during which ``change()`` happens after slice ``at``."""
    steps = slices(obj)
    for _ in range(at + 1):
        next(steps)
    change()
    return run_to_end(steps)


@pytest.fixture(scope="module")
def slice_count(make_smpl_rig):
    """How many slices a take has of which every channel is one."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = 20
    with pytest.MonkeyPatch.context() as patch:
        slice_every_channel(patch)
        return sum(1 for _ in slices(make_smpl_rig()))


def slice_every_channel(monkeypatch):
    for module in ("take.channels", "action.action_writer"):
        monkeypatch.setattr(f"motiongpt_blender.scene.{module}.SLICE_SECONDS", -1.0)


@pytest.fixture(params=[0, 1, -3, -1])
def moment(request, slice_count, monkeypatch):
    """Every channel is a slice of its own; the number of a slice, early or late."""
    slice_every_channel(monkeypatch)
    return request.param % slice_count


def test_names_that_were_swapped_do_not_swap_the_take(smpl_rig, twin, moment):
    def swap():
        own, other = smpl_rig.name, twin.name
        smpl_rig.name = "between"
        twin.name, smpl_rig.name = own, other

    changed_at(smpl_rig, swap, moment)
    assert smpl_rig.animation_data is not None
    assert twin.animation_data is None


def test_another_armature_of_the_name_gets_nothing(smpl_rig, twin, moment):
    def replaced():
        name = smpl_rig.name
        bpy.data.objects.remove(smpl_rig)
        twin.name = name

    try:
        changed_at(smpl_rig, replaced, moment)
    except RigError as error:
        assert "was removed while" in str(error)
    assert twin.animation_data is None


def test_an_action_with_another_name_is_the_takes_own(smpl_rig, moment):
    def renamed():
        for action in bpy.data.actions:
            action.name = "mine"
        bpy.data.actions.new("walk")

    report = changed_at(smpl_rig, renamed, moment)
    strip = smpl_rig.animation_data.nla_tracks[0].strips[0]
    assert strip.action.session_uid == report.ids.action
    assert len(list(compat.all_curves(strip.action))) > 80


def rename(obj):
    obj.data.bones["l_knee"].name = "knee"


def removed_bone(obj):
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    obj.data.edit_bones.remove(obj.data.edit_bones["l_knee"])
    bpy.ops.object.mode_set(mode="OBJECT")


def other_data(obj):
    obj.data = bpy.data.armatures.new("empty")


def turned_bone(obj):
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    obj.data.edit_bones["l_knee"].roll += 0.5
    bpy.ops.object.mode_set(mode="OBJECT")


@pytest.mark.parametrize("change", sweep([rename, removed_bone, other_data, turned_bone], 2))
def test_changed_bones_end_the_take_with_a_sentence(smpl_rig, moment, change):
    with pytest.raises(RigError, match="bones of 'smpl' were changed while its take was written"):
        changed_at(smpl_rig, lambda: change(smpl_rig), moment)
    assert not list(bpy.data.actions)
    assert smpl_rig.animation_data is None or not smpl_rig.animation_data.nla_tracks

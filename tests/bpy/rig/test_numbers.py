"""Numbers that are not finite: no take holds one, and the sentence says where it is."""

import math

import numpy as np
import pytest

from motiongpt_blender import compat
from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.scene.errors import RigError
from motiongpt_blender.scene.take import apply
from tests.support.clips import clip
from tests.support.takes import hand_keyed, scene_of, show

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")


def bone_location(obj):
    obj.pose.bones["l_knee"].location.y = math.nan


def bone_rotation(obj):
    obj.pose.bones["head"].rotation_quaternion = (1.0, math.nan, 0.0, 0.0)


def object_location(obj):
    obj.location.x = math.nan


@pytest.mark.parametrize(
    ("spoil", "where"),
    [
        (bone_location, "'l_knee' of 'smpl' has a location"),
        (bone_rotation, "'head' of 'smpl' has a rotation"),
        (object_location, "'smpl' has a location"),
    ],
)
@pytest.mark.parametrize("operator", ["generate", "add_pose"])
def test_a_transform_that_is_no_number_is_refused(addon, smpl_rig, spoil, where, operator):
    spoil(smpl_rig)
    before = scene_of(smpl_rig)
    with pytest.raises(RuntimeError, match=where):
        getattr(bpy.ops.motiongpt, operator)()
    assert scene_of(smpl_rig) == before
    assert not smpl_rig.motiongpt.poses


def test_keys_that_hold_no_number_are_told_by_their_frame(addon, smpl_rig):
    """A take between two keys, the second of which holds NaN."""
    hand_keyed(smpl_rig, frames=(1, 40))
    data = smpl_rig.animation_data
    curves = compat.slot_curves(data.action, compat.active_slot(data))
    knee = next(c for c in curves if "r_knee" in c.data_path)
    show(1)
    knee.keyframe_points[1].co[1] = math.nan
    knee.update()
    bpy.context.scene.motiongpt.frame_range.mode = "BETWEEN"
    show(10)
    smpl_rig.pose.bones["r_knee"].rotation_quaternion = (1.0, 0.0, 0.0, 0.0)
    before = scene_of(smpl_rig)
    with pytest.raises(RuntimeError, match="not made of numbers"):
        bpy.ops.motiongpt.generate()
    assert scene_of(smpl_rig) == before


def test_a_take_with_nan_is_not_written(smpl_rig, monkeypatch):
    """The last gate, whatever is broken before it."""
    whole = apply.channel_slices

    def spoilt(*arguments):
        channels = yield from whole(*arguments)
        channels[7].values[3] = math.nan
        return channels

    monkeypatch.setattr(apply, "channel_slices", spoilt)
    walk = MotionClip(clip("walk")[:40].astype(np.float32))
    with pytest.raises(RigError, match="to a place that is not a number, so nothing was written"):
        apply.apply_clip(smpl_rig, walk, (), 1, "walk")
    assert smpl_rig.animation_data is None
    assert not list(bpy.data.actions)

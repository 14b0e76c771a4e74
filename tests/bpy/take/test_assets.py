"""Takes as assets with a picture; poses of the pose library as marked poses."""

import numpy as np
import pytest

from motiongpt_blender.core.body.motion import MotionClip, Origin
from motiongpt_blender.core.overlays.take_picture import SIZE, take_picture
from motiongpt_blender.scene.take.provenance import record_provenance
from tests.support.clips import clip
from tests.support.takes import generate

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")

TERMS = Origin("walks", "CC BY 4.0", ("Somebody",))
BENT = (0.8, 0.6, 0.0, 0.0)


def pixels(action):
    values = np.zeros(SIZE * SIZE * 4, dtype=np.float32)
    action.preview.image_pixels_float.foreach_get(values)
    return values.reshape(SIZE, SIZE, 4)


def test_each_take_has_its_picture_and_keeps_it_in_the_file(addon, smpl_rig, tmp_path):
    bpy.context.scene.motiongpt.takes = 4
    generate(addon)
    pictures = [pixels(take.action) for take in smpl_rig.motiongpt.takes.entries]
    assert len(pictures) == 4 and all(picture[..., 3].max() > 0.9 for picture in pictures)
    assert np.abs(pictures[0] - pictures[1]).max() > 0.5
    path = str(tmp_path / "a.blend")
    bpy.ops.motiongpt.keep_all_takes()
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    takes = bpy.data.objects["smpl"].motiongpt.takes.entries
    for take, picture in zip(takes, pictures, strict=True):
        assert np.abs(pixels(take.action) - picture).max() < 0.01


def test_a_picture_is_clicked(addon, smpl_rig):
    bpy.context.scene.motiongpt.takes = 4
    generate(addon)
    assert bpy.ops.motiongpt.show_take(index=2) == {"FINISHED"}
    assert smpl_rig.motiongpt.takes.index_shown == 2
    assert bpy.ops.motiongpt.show_take(index=7) == {"CANCELLED"}


def test_a_kept_take_becomes_an_asset(addon, smpl_rig):
    bpy.context.scene.motiongpt.takes = 4
    generate(addon)
    assert not bpy.ops.motiongpt.take_as_asset.poll()  # it is not kept yet
    bpy.ops.motiongpt.keep_take()
    (take,) = smpl_rig.motiongpt.takes.entries
    record_provenance(take.action, MotionClip(clip("walk"), prompt="walks", origin=TERMS))
    picture = pixels(take.action)
    assert bpy.ops.motiongpt.take_as_asset() == {"FINISHED"}
    data = take.action.asset_data
    assert (data.author, data.license, data.description) == ("Somebody", "CC BY 4.0", "walks")
    assert {tag.name for tag in data.tags} == {"MotionGPT", "walks"}
    assert np.abs(pixels(take.action) - picture).max() < 0.01
    assert not bpy.ops.motiongpt.take_as_asset.poll()


def pose_action(rig, bone="l_knee"):
    """An action with one key of one bone, as the pose library makes them."""
    rig.pose.bones[bone].rotation_quaternion = BENT
    rig.pose.bones[bone].keyframe_insert("rotation_quaternion", frame=1)
    action = rig.animation_data.action
    rig.animation_data.action = None
    rig.pose.bones[bone].rotation_quaternion = (1, 0, 0, 0)
    action.use_fake_user = True
    action.asset_mark()
    return action


def test_a_pose_asset_becomes_a_mark_and_the_character_stays(addon, smpl_rig):
    action = pose_action(smpl_rig)
    before = np.array([bone.matrix_basis for bone in smpl_rig.pose.bones])
    bpy.context.scene.frame_set(12)
    done = bpy.ops.motiongpt.mark_pose_asset(action=action.name, role="END")
    assert done == {"FINISHED"}
    assert np.abs(np.array([b.matrix_basis for b in smpl_rig.pose.bones]) - before).max() == 0
    (pose,) = smpl_rig.motiongpt.poses
    assert (pose.frame, pose.role) == (12, "END")
    smpl_rig.motiongpt.active = 0
    bpy.ops.motiongpt.show_pose()
    assert tuple(smpl_rig.pose.bones["l_knee"].rotation_quaternion) == pytest.approx(BENT)


def test_a_pose_of_another_rig_and_no_pose_are_refused(addon, smpl_rig, make_smpl_rig):
    action = pose_action(make_smpl_rig(prefix="other_"), "other_l_knee")
    for name, words in ((action.name, "moves no bone of 'smpl'"), ("", "Choose a pose")):
        with pytest.raises(RuntimeError, match=words):
            bpy.ops.motiongpt.mark_pose_asset(action=name)
    assert len(smpl_rig.motiongpt.poses) == 0


def test_the_picture_is_of_the_clip(addon, smpl_rig):
    from ext_models.serving.fake import walk

    generate(addon)
    (take,) = smpl_rig.motiongpt.takes.entries
    frames = round(take.report.frame_end - take.report.frame_start) + 1
    expected = take_picture(walk(take.prompt, frames, 0))
    assert np.abs(pixels(take.action) - expected).mean() < 0.02

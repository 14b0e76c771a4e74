"""Actions exported as clips for training."""

import json
import math
from unittest.mock import MagicMock

import numpy as np
import pytest

from motiongpt_blender.core.body.motion import MotionClip, heading
from motiongpt_blender.core.body.neutral_pose import BONE_LENGTHS
from motiongpt_blender.core.body.skeleton import PARENTS, Joint
from tests.support.session import asked

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")


@pytest.fixture
def rig(smpl_rig):
    """An SMPL armature at 30 fps: walks 2 units forward in a second, lifting an arm."""
    from motiongpt_blender import registration

    registration.register()
    scene = bpy.context.scene
    scene.render.fps = 30
    scene.motiongpt.armature = smpl_rig
    asked().prompt = "  a person  walks "
    pelvis, arm = (smpl_rig.pose.bones[n] for n in ("pelvis", "l_shoulder"))
    arm.rotation_mode = "XYZ"
    for frame, share in ((10, 0.0), (40, 1.0)):
        pelvis.location = pelvis.bone.matrix_local.to_3x3().inverted() @ _vector(0, -2 * share, 0)
        arm.rotation_euler = (share, 0, 0)
        pelvis.keyframe_insert("location", frame=frame)
        arm.keyframe_insert("rotation_euler", frame=frame)
    smpl_rig.animation_data.action.name = "Walk, slow"
    scene.frame_set(17)
    yield smpl_rig
    registration.unregister()


def _vector(*numbers):
    from mathutils import Vector

    return Vector(numbers)


def export(path):
    return bpy.ops.motiongpt.export_clip(filepath=str(path))


def refuse(path, words):
    before = sorted(p.name for p in path.parent.iterdir())
    with pytest.raises(RuntimeError, match=words):
        export(path)
    assert sorted(p.name for p in path.parent.iterdir()) == before


def test_an_action_becomes_a_clip_with_the_prompt_as_caption(rig, tmp_path):
    assert export(tmp_path / "walk") == {"FINISHED"}
    clip = MotionClip.load(tmp_path / "walk.npz")
    assert (len(clip), clip.fps, clip.prompt) == (21, 20.0, "a person walks")
    assert json.loads((tmp_path / "captions.json").read_text()) == {"walk": ["a person walks"]}
    assert bpy.context.scene.frame_current == 17
    first, last = clip.joints[0], clip.joints[-1]
    assert np.allclose(first[Joint.PELVIS, [0, 2]], 0, atol=1e-5)
    assert abs(heading(first)) < 1e-4
    assert last[Joint.PELVIS, 2] == pytest.approx(2 / 1.05, rel=0.03)
    lengths = np.linalg.norm(clip.joints[:, 1:] - clip.joints[:, list(PARENTS[1:])], axis=-1)
    assert np.allclose(lengths, BONE_LENGTHS[1:], atol=1e-4)
    assert np.abs(last[Joint.L_ELBOW] - last[Joint.L_SHOULDER])[0] < 0.25  # the arm has turned
    assert first[:, 1].min() == pytest.approx(0, abs=0.03)


def test_the_object_s_own_movement_counts(rig, tmp_path):
    rig.animation_data_clear()
    for bone in rig.pose.bones:
        bone.matrix_basis.identity()
    rig.rotation_mode = "XYZ"
    for frame, share in ((1, 0.0), (31, 1.0)):
        rig.location, rig.rotation_euler = (5 + share, 0, 0), (0, 0, share * math.pi / 2)
        rig.keyframe_insert("location", frame=frame)
        rig.keyframe_insert("rotation_euler", frame=frame)
    assert export(tmp_path / "turn.npz") == {"FINISHED"}
    joints = MotionClip.load(tmp_path / "turn.npz").joints
    assert math.degrees(heading(joints[-1])) == pytest.approx(90, abs=0.1)
    assert joints[-1, 0, 0] == pytest.approx(1 / 1.05, rel=0.05)


def test_what_is_exported_can_be_prepared_and_read(rig, tmp_path):
    datasets = pytest.importorskip("ext_models.datasets.layouts", reason="scipy is not installed")
    from ext_models.datasets.prepare import PrepareOptions, prepare

    (tmp_path / "in").mkdir()
    export(tmp_path / "in" / "walk.npz")
    prepare(PrepareOptions(tmp_path / "in", tmp_path / "out", "studio"))
    (example,) = datasets.read_examples(tmp_path / "out", "studio")
    clip = MotionClip.load(tmp_path / "in" / "walk.npz")
    assert example.captions == ("a person walks",)
    assert np.abs(example.joints - clip.joints).max() < 0.005


def test_without_an_action_the_topmost_track_is_taken(rig, tmp_path):
    data = rig.animation_data
    action, data.action = data.action, None
    data.nla_tracks.new().strips.new("Low", 1, action)
    data.nla_tracks.new().strips.new("Walk", 101, action)
    data.nla_tracks.new().mute = True
    assert export(tmp_path / "walk.npz") == {"FINISHED"}
    joints = MotionClip.load(tmp_path / "walk.npz").joints
    assert len(joints) == 21
    assert joints[-1, Joint.PELVIS, 2] == pytest.approx(2 / 1.05, rel=0.03)


def test_the_panel_names_what_is_exported(rig):
    from motiongpt_blender.ui.model import MOTIONGPT_PT_training_data

    for words in ("Walk, slow", "smpl has no action"):
        layout = MagicMock()
        MOTIONGPT_PT_training_data.draw_for(MagicMock(), bpy.context, layout, rig)
        assert words in str(layout.mock_calls)
        layout.operator.assert_called_once_with("motiongpt.export_clip", icon="EXPORT")
        rig.animation_data_clear()


def without_legs(rig):
    """Neither names nor shape tell how to move it."""
    bpy.ops.object.mode_set(mode="EDIT")
    for bone in list(rig.data.edit_bones):
        if bone.name.partition("_")[2] in ("hip", "knee", "ankle", "foot"):
            rig.data.edit_bones.remove(bone)
    bpy.ops.object.mode_set(mode="OBJECT")


def test_what_cannot_be_exported_is_refused(rig, tmp_path):
    path = tmp_path / "walk.npz"
    settings = asked()
    settings.prompt = "  "
    refuse(path, "prompt is empty")
    settings.prompt = "a person walks"
    with pytest.raises(RuntimeError, match="no folder"):
        export(tmp_path / "absent" / "walk.npz")
    (tmp_path / "captions.json").write_text("[")
    refuse(path, "captions.json is not readable JSON")
    (tmp_path / "captions.json").unlink()
    bpy.context.scene.render.fps = 120
    refuse(path, "lasts 0.25 s")
    bpy.context.scene.render.fps = 30
    action = rig.animation_data.action
    rig.animation_data.action = None
    refuse(path, "has no action")
    rig.animation_data.action = action
    without_legs(rig)
    refuse(path, "cannot be driven")
    assert list(tmp_path.iterdir()) == []
    assert bpy.context.scene.frame_current == 17

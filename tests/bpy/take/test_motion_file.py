"""Copy Motion from File: motion capture in a file becomes a take; nothing else of it stays."""

import bpy
import numpy as np
import pytest

from motiongpt_blender.core.body.motion import MODEL_FPS, MotionClip
from motiongpt_blender.core.rig.rig_options import RigOptions
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.take.apply import apply_clip
from tests.conftest import SHARED
from tests.support.clips import as_generated, clip
from tests.support.kept_takes import span
from tests.support.measure.copied_motion import _ENDS, _limb
from tests.support.rigs.families import build_family, build_of
from tests.support.rigs.measures import angle, play

CLIP = as_generated(clip("walk")[:30]).astype(np.float32)
FRAMES = 45
KINDS = ("objects", "armatures", "actions", "collections", "meshes")


def _export_bvh(obj, path):
    bpy.ops.export_anim.bvh(filepath=str(path), frame_start=1, frame_end=FRAMES)


def _export_glb(obj, path):
    bpy.ops.preferences.addon_enable(module="io_scene_gltf2")
    bpy.ops.export_scene.gltf(
        filepath=str(path), use_selection=True, export_animation_mode="ACTIVE_ACTIONS",
        export_force_sampling=True,
    )  # fmt: skip


@pytest.fixture
def recorded(registered, empty_scene, tmp_path):
    """``recorded(ending)``: a file of a walk at 30 fps, its limbs, and an empty scene at 24."""

    def record(ending):
        bpy.context.scene.render.fps = 30
        source = build_family(build_of("mixamo"))
        apply_clip(source, MotionClip(CLIP, MODEL_FPS), (), 1, "walk", RigOptions(lock_feet=False))
        track = source.animation_data.nla_tracks[0]
        action = track.strips[0].action
        source.animation_data.nla_tracks.remove(track)
        source.animation_data.action = action
        bpy.context.scene.frame_end = FRAMES
        limbs = limbs_of(source, 1, FRAMES)
        source.select_set(True)
        bpy.context.view_layer.objects.active = source
        path = tmp_path / f"a walk{ending}"
        (_export_bvh if ending == ".bvh" else _export_glb)(source, path)
        bpy.data.batch_remove([*bpy.data.objects, *bpy.data.actions, *bpy.data.armatures])
        return path, limbs

    return record


def limbs_of(obj, start, count):
    """Directions of limbs: (8, T, 3)."""
    rig = describe(obj)
    played = play(obj, rig, start, count, [])
    return np.array([_limb(rig, played, *ends, side) for side in "LR" for ends in _ENDS])


@pytest.mark.parametrize("ending", [".bvh", ".glb"])
def test_a_file_becomes_a_take_and_nothing_else_stays(recorded, make_smpl_rig, ending):
    path, limbs = recorded(ending)
    scene, obj = bpy.context.scene, make_smpl_rig(0.3)
    scene.frame_end, scene.motiongpt.armature = 77, obj
    obj.motiongpt.retargeting.lock_feet = False
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="POSE")
    scene.frame_set(21)
    before = {kind: len(getattr(bpy.data, kind)) for kind in KINDS}
    assert bpy.ops.motiongpt.copy_motion_from_file(filepath=str(path)) == {"FINISHED"}
    after = {kind: len(getattr(bpy.data, kind)) for kind in KINDS}
    assert after == {**before, "actions": before["actions"] + 1}
    assert (scene.frame_current, scene.frame_end, scene.render.fps) == (21, 77, 30)
    assert bpy.context.view_layer.objects.active == obj and obj.mode == "POSE"
    take = obj.motiongpt.takes.chosen_take
    assert take.kept and take.name == "a walk"
    assert span(take) == (21, 21 + FRAMES - 1)
    apart = angle(limbs_of(obj, 21, FRAMES), limbs)
    assert apart.mean() < 0.3 and apart.max() < 2.5


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("walk.txt", "x", "'walk.txt' is no file of motion: choose one that ends in .bvh, .fbx"),
        ("gone.bvh", None, "gone.bvh' is not there"),
        ("empty.bvh", "", "'empty.bvh' cannot be read|No armature in 'empty.bvh'"),
        ("broken.glb", "not a model", "'broken.glb' cannot be read"),
    ],
)
def test_what_is_no_motion_is_told(registered, smpl_rig, tmp_path, name, content, sentence):
    bpy.context.scene.motiongpt.armature = smpl_rig
    bpy.ops.preferences.addon_enable(module="io_scene_gltf2")
    if content is not None:
        (tmp_path / name).write_text(content, "utf-8")
    before = {kind: list(getattr(bpy.data, kind)) for kind in KINDS}
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.motiongpt.copy_motion_from_file(filepath=str(tmp_path / name))
    assert {kind: list(getattr(bpy.data, kind)) for kind in KINDS} == before
    assert smpl_rig.animation_data is None


@pytest.mark.parametrize(
    "name", ["cmu_91_48_m2m.fbx", "bvh_pymo_walk.bvh", "khronos_CesiumMan.glb"]
)
def test_files_of_others_become_takes(registered, smpl_rig, name):
    path = SHARED / "rigs" / name
    if not path.is_file():
        pytest.skip("needs rigs/ of the folder that MOTIONGPT_SHARED names; it is not there")
    for module in ("io_scene_gltf2", "io_scene_fbx"):
        bpy.ops.preferences.addon_enable(module=module)
    bpy.context.scene.motiongpt.armature = smpl_rig
    before = {kind: len(getattr(bpy.data, kind)) for kind in KINDS}
    assert bpy.ops.motiongpt.copy_motion_from_file(filepath=str(path)) == {"FINISHED"}
    after = {kind: len(getattr(bpy.data, kind)) for kind in KINDS}
    assert after == {**before, "actions": before["actions"] + 1}
    first, last = span(smpl_rig.motiongpt.takes.chosen_take)
    assert first == 1 and last > 30
    thighs = limbs_of(smpl_rig, first, last - first + 1)[[0, 4]]
    assert (angle(thighs, thighs[:, :1]).max(axis=1) > 15).all()  # some of them walk on the spot


def test_several_files_become_takes_in_the_list(recorded, make_smpl_rig, tmp_path):
    """A file that cannot be read does not stop the others."""
    path, _ = recorded(".bvh")
    (tmp_path / "b.bvh").write_bytes(path.read_bytes())
    (tmp_path / "broken.bvh").write_text("no motion\n", encoding="utf-8")
    obj = make_smpl_rig(0.3)
    bpy.context.scene.motiongpt.armature = obj
    names = [{"name": name} for name in (path.name, "broken.bvh", "b.bvh", "b.bvh")]
    call = {"directory": str(tmp_path), "files": names}
    assert bpy.ops.motiongpt.copy_motion_from_file(**call) == {"FINISHED"}
    takes = obj.motiongpt.takes.entries
    assert [take.name for take in takes] == [path.stem, "b"]
    assert all(take.placement == "LIST" and take.action is not None for take in takes)
    assert not (obj.animation_data and obj.animation_data.nla_tracks)
    obj.motiongpt.takes.active = 1
    assert obj.animation_data.nla_tracks and takes[1].on_rig
    broken = {"directory": str(tmp_path), "files": [{"name": "broken.bvh"}]}
    with pytest.raises(RuntimeError, match=r"broken\.bvh"):
        bpy.ops.motiongpt.copy_motion_from_file(**broken)
    assert len(takes) == 2

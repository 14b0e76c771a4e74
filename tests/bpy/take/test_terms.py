"""Licence and credits go wherever a take goes: glTF, bakes, assets; and leave with it."""

import json

import numpy as np
import pytest

from motiongpt_blender.core.body.motion import MotionClip, Origin
from motiongpt_blender.scene.take.apply import apply_clip
from motiongpt_blender.scene.take.remove_take import remove_take
from tests.support.clips import clip
from tests.support.takes import hand_keyed

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")

TERMS = Origin("walks", "CC BY-NC 4.0", ("Somebody", "Somebody else"))
OTHER = Origin("runs", "CC BY 4.0", ("A third", "Somebody"))
KEYS = ("motiongpt_pack", "motiongpt_licence", "motiongpt_credits")


def take(obj, origin=TERMS, start=1):
    joints = clip("walk")[:30].astype(np.float32)
    made = MotionClip(joints, prompt="a person walks", origin=origin)
    return apply_clip(obj, made, (), start, "walk")


def terms(block):
    return tuple(block.get(key) for key in KEYS)


def test_the_armature_bears_the_terms_of_its_takes_as_long_as_it_has_them(smpl_rig):
    first, second = take(smpl_rig), take(smpl_rig, OTHER, start=40)
    assert terms(smpl_rig) == (
        "walks\nruns",
        "CC BY-NC 4.0\nCC BY 4.0",
        "Somebody\nSomebody else\nA third",
    )
    remove_take(first.action_name, first.ids)
    assert terms(smpl_rig) == ("runs", "CC BY 4.0", "A third\nSomebody")
    remove_take(second.action_name, second.ids)
    assert terms(smpl_rig) == (None, None, None)


def test_gltf_with_extras_holds_them(smpl_rig, tmp_path):
    import addon_utils

    if addon_utils.enable("io_scene_gltf2") is None:
        pytest.skip("this Blender has no glTF exporter")
    take(smpl_rig)
    path = tmp_path / "walk.gltf"
    bpy.ops.export_scene.gltf(filepath=str(path), export_format="GLTF_SEPARATE", export_extras=True)
    nodes = json.loads(path.read_text())["nodes"]
    extras = [node["extras"] for node in nodes if "motiongpt_licence" in node.get("extras", {})]
    assert [tuple(e[key] for key in KEYS) for e in extras] == [
        ("walks", "CC BY-NC 4.0", "Somebody\nSomebody else")
    ]


@pytest.fixture
def saved(registered, tmp_path):
    return lambda: bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))


def test_a_baked_action_bears_them(smpl_rig, saved):
    report = take(smpl_rig)
    bpy.context.view_layer.objects.active = smpl_rig
    smpl_rig.select_set(True)
    bpy.ops.object.mode_set(mode="POSE")
    bpy.ops.nla.bake(frame_start=1, frame_end=30, only_selected=False, bake_types={"POSE"})
    bpy.ops.object.mode_set(mode="OBJECT")
    baked = smpl_rig.animation_data.action
    assert baked is not None
    assert baked.name != report.action_name
    remove_take(report.action_name, report.ids)  # the armature still plays the bake
    assert terms(smpl_rig)[1] == "CC BY-NC 4.0"
    take(smpl_rig)
    smpl_rig.animation_data.action = baked
    saved()
    assert terms(baked) == ("walks", "CC BY-NC 4.0", "Somebody\nSomebody else")


def test_an_action_of_the_animators_own_does_not(smpl_rig, saved):
    take(smpl_rig)
    hand_keyed(smpl_rig)
    own = smpl_rig.animation_data.action
    saved()
    assert terms(own) == (None, None, None)


def test_an_asset_is_filled_in_where_it_is_empty(smpl_rig, saved):
    action = bpy.data.actions[take(smpl_rig).action_name]
    action.asset_mark()
    smpl_rig.asset_mark()
    smpl_rig.asset_data.author = "Me"
    saved()
    asset = action.asset_data
    assert (asset.license, asset.author) == ("CC BY-NC 4.0", "Somebody; Somebody else")
    assert asset.description == "a person walks"
    assert {tag.name for tag in asset.tags} == {"MotionGPT", "walks"}
    assert (smpl_rig.asset_data.author, smpl_rig.asset_data.license) == ("Me", "CC BY-NC 4.0")

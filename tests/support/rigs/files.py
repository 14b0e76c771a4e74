"""Rigs that come from elsewhere: Rigify's own, and armatures in files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Final

import bpy

from motiongpt_blender.demo.command import CommandError

#: Endings of files that can be read.
READ: Final = (".glb", ".vrm", ".fbx", ".bvh", ".json", ".blend")


def make_rigify(generated: bool) -> Any:
    """Rigify's human: the metarig, or the rig generated from it."""
    bpy.ops.preferences.addon_enable(module="rigify")
    operators: Any = bpy.ops  # Rigify's own are in no stub
    operators.object.armature_human_metarig_add()
    metarig: Any = bpy.context.object
    if not generated:
        return metarig
    operators.pose.rigify_generate()
    rig = bpy.context.object
    bpy.data.objects.remove(metarig)
    return rig


def read_rig(path: Path, folder: Path) -> Any:
    """The largest armature in a file at rest, without its animation; see ``open_rig``."""
    return put_at_rest(open_rig(path, folder))


def put_at_rest(obj: Any) -> Any:
    """The armature, without animation and with all bones at rest; its drivers stay."""
    if (animation := obj.animation_data) is not None:
        animation.action = None
        for track in list(animation.nla_tracks):
            animation.nla_tracks.remove(track)
    for bone in obj.pose.bones:
        bone.matrix_basis.identity()
    bpy.context.view_layer.update()
    return obj


def open_rig(path: Path, folder: Path) -> Any:
    """The largest armature in a file as it is: rest pose, scale, pose, NLA tracks and all.

    Args:
        path: a blend, glb, vrm, fbx or bvh file, or MakeHuman's list of bones (json).
        folder: for a copy under a name that the importer takes.
    """
    if path.suffix == ".json":
        return _from_makehuman(path)
    if path.suffix == ".blend":
        bpy.ops.wm.open_mainfile(filepath=str(path))
    elif path.suffix in (".glb", ".vrm"):
        copy = folder / f"{path.stem}.glb"
        shutil.copyfile(path, copy)
        bpy.ops.preferences.addon_enable(module="io_scene_gltf2")
        bpy.ops.import_scene.gltf(filepath=str(copy))
    elif path.suffix == ".fbx":
        bpy.ops.preferences.addon_enable(module="io_scene_fbx")
        bpy.ops.import_scene.fbx(filepath=str(path))
    else:
        bpy.ops.import_anim.bvh(filepath=str(path), global_scale=0.01)
    found = [o for o in bpy.context.scene.objects if o.type == "ARMATURE"]
    if not found:
        raise CommandError(f"{path}: there is no armature in it.")
    bpy.context.view_layer.update()
    return max(found, key=lambda o: len(o.data.bones))


def _from_makehuman(path: Path) -> Any:
    data = json.loads(path.read_text("utf-8"))
    left: dict[str, Any] = dict(data.get("bones", data))
    armature = bpy.data.armatures.new(path.stem)
    obj = bpy.data.objects.new(path.stem, armature)
    bpy.context.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    while left:
        for name in [n for n, b in left.items() if b["parent"] not in left]:
            entry = left.pop(name)
            bone = armature.edit_bones.new(name)
            bone.head, bone.tail = (entry[e]["default_position"] for e in ("head", "tail"))
            if bone.length < 1e-5:
                bone.tail = bone.head + bone.tail.__class__((0.0, 0.0, 0.01))
            bone.roll = entry["roll"]
            bone.parent = armature.edit_bones.get(entry["parent"] or "")
    bpy.ops.object.mode_set(mode="OBJECT")
    return obj

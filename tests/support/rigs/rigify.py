"""Rigify's human, generated once for each build of Blender and kept in the cache folder."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

import bpy

from tests.tiers import cache_folder


def rigify_file() -> Path:
    """A file with a metarig ("metarig") and the Rigify rig generated from it ("rig").

    When there is none of this Blender, it is generated in the open scene, whose objects are
    removed. Several processes may ask at one time.
    """
    code = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    build = f"{bpy.app.version_string}-{bpy.app.build_hash.decode()}".replace(" ", "-")
    path = cache_folder() / "test-rigs" / f"rigify-{build}-{code}.blend"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            made = Path(folder) / path.name
            _remove_objects()
            _generate(made)
            made.replace(path)
        _remove_objects()
    return path


def append_rigify_rig() -> Any:
    """The generated rig, and nothing else, in the open scene; selected and active."""
    path = rigify_file()
    _remove_objects()
    libraries: Any = bpy.data.libraries
    with libraries.load(str(path)) as (_, into):
        into.objects = ["rig"]
    rig = bpy.data.objects["rig"]
    bpy.context.scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    rig.select_set(True)
    return rig


def _generate(path: Path) -> None:
    bpy.ops.preferences.addon_enable(module="rigify")
    operators: Any = bpy.ops  # Rigify's own are in no stub
    operators.object.armature_human_metarig_add()
    operators.pose.rigify_generate()
    bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True)


def _remove_objects() -> None:
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)

"""A rig linked from another file."""

from typing import Any

import bpy

from tests.support.rigs.builders import build, plan_from_names
from tests.support.rigs.names import MIXAMO


def linked_file(tmp_path):
    build(plan_from_names(MIXAMO))
    path = tmp_path / "rigs.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    libraries: Any = bpy.data.libraries
    with libraries.load(str(path), link=True) as (_, into):
        into.objects = ["rig"]
    obj = bpy.data.objects["rig"]
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.scene.motiongpt.armature = obj
    return obj

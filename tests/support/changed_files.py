"""Changes of a file after a pose was marked in it: the pose is met, or why not is said.

``outcome`` tries one change on one rig. The suite takes a sample of the matrix of changes and
rigs; ``python -m tests.support.measure.changed_files`` takes all of it. Needs Blender, and the
add-on registered.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

import bpy
import numpy as np

from motiongpt_blender.core.body.motion import MODEL_FPS, MotionClip
from motiongpt_blender.core.pose_constraints.marked_pose import PoseRole
from motiongpt_blender.properties import armature as properties
from motiongpt_blender.scene.errors import RigError
from motiongpt_blender.scene.pose.mark_pose import mark_pose
from motiongpt_blender.scene.pose.object_space import poses_in_object_space
from motiongpt_blender.scene.pose.rest_pose import carried_over
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.take.apply import apply_clip
from tests.support.clips import clip
from tests.support.rigs.posing import pose_at_random

FRAME: Final = 9
#: Metres of the model by which a marked pose may be missed: floats of rigs far from their origin.
TOLERANCE: Final = 1e-4
NAME: Final = "changed"
_FILE: Final = "saved.blend"


class Expected(Enum):
    """How a marked pose comes back after a change."""

    IN_WORLD = "where it stood in the scene"
    IN_ARMATURE = "in the armature's space"
    REFUSED = "not at all, and that is said"


@dataclass(frozen=True)
class Outcome:
    """What became of a marked pose.

    Attributes:
        metres: greatest distance of a bone's end from where it was marked, of the model; or None.
        refusal: why the pose cannot be met, or "".
        told: metres of the model that FK controls cannot reach, as the panel says of the mark.
    """

    metres: float | None
    refusal: str = ""
    told: float = 0.0

    def fits(self, expected: Expected) -> bool:
        """Whether the pose was met, or refused with what to do, as expected."""
        if expected is Expected.REFUSED:
            return re.search(r"mark (it|the pose) again", self.refusal) is not None
        return self.metres is not None and self.metres < TOLERANCE + self.told


def _rotation_mode(obj: Any, _: Path) -> Any:
    for bone in obj.pose.bones:
        rotation = bone.matrix_basis.to_quaternion()
        bone.rotation_mode = "ZXY"
        bone.rotation_euler = rotation.to_euler("ZXY")
    return obj


def _bones_renamed(obj: Any, _: Path) -> Any:
    for bone in obj.pose.bones:
        bone.name = f"x_{bone.name}"
    return obj


def _pose_as_rest(obj: Any, _: Path) -> Any:
    _in_mode(obj, "POSE")
    bpy.ops.pose.armature_apply(selected=False)
    _in_mode(obj, "OBJECT")
    return obj


def _bones_rolled(obj: Any, _: Path) -> Any:
    _in_mode(obj, "EDIT")
    for bone in obj.data.edit_bones:
        bone.roll += 0.4
    _in_mode(obj, "OBJECT")
    return obj


def _moved(obj: Any, _: Path) -> Any:
    obj.location, obj.rotation_mode = (2.0, -1.0, 0.5), "XYZ"
    obj.rotation_euler = (0.0, 0.0, 0.7)
    return obj


def _parented(obj: Any, _: Path) -> Any:
    parent = bpy.data.objects.new("parent", None)
    bpy.context.collection.objects.link(parent)
    parent.location = (1.0, 2.0, 0.0)
    obj.parent = parent
    return obj


def _scaled(obj: Any, _: Path) -> Any:
    obj.scale = tuple(2.5 * size for size in obj.scale)
    return obj


def _reopened(_: Any, folder: Path) -> Any:
    bpy.ops.wm.open_mainfile(filepath=_saved(folder))
    return bpy.data.objects[NAME]


def _appended(_: Any, folder: Path) -> Any:
    return _from_library(_saved(folder), link=False)


def _overridden(_: Any, folder: Path) -> Any:
    linked = _from_library(_saved(folder), link=True)
    return linked.override_create(remap_local_usages=True)


def _duplicated(obj: Any, _: Path) -> Any:
    copy = obj.copy()
    copy.data = obj.data.copy()
    bpy.context.collection.objects.link(copy)
    return copy


#: Name of each change -> what it does to the armature, and what is expected of the pose.
CHANGES: Final[dict[str, tuple[Callable[[Any, Path], Any], Expected]]] = {
    "rotation mode": (_rotation_mode, Expected.IN_WORLD),
    "bones renamed": (_bones_renamed, Expected.REFUSED),
    "pose as rest": (_pose_as_rest, Expected.REFUSED),
    "bones rolled": (_bones_rolled, Expected.IN_WORLD),
    "moved": (_moved, Expected.IN_WORLD),
    "parented": (_parented, Expected.IN_ARMATURE),
    "scaled": (_scaled, Expected.IN_ARMATURE),
    "reopened": (_reopened, Expected.IN_WORLD),
    "appended": (_appended, Expected.IN_WORLD),
    "overridden": (_overridden, Expected.IN_WORLD),
    "duplicated": (_duplicated, Expected.IN_WORLD),
}


def outcome(obj: Any, change: str, folder: Path) -> Outcome:
    """Mark a random pose of an armature, change the file, and play a take through the pose.

    Args:
        obj: the armature object, in a scene of its own.
        change: a name in ``CHANGES``.
        folder: for a saved file.
    """
    make, expected = CHANGES[change]
    obj.name = NAME
    _settle()
    rig = describe(obj)
    pose_at_random(obj, rig, 3)
    for bone in obj.pose.bones:
        bone.scale = (bone.scale[0],) * 3  # a roll under an uneven scale is another pose
    _settle()
    properties.of(obj).poses.add().store(mark_pose(obj, rig, FRAME, PoseRole.KEY))
    before, marked_at = _ends(obj, expected), obj.matrix_world.to_scale().x * rig.scale
    obj = make(obj, folder)
    _settle()
    marked = [pose.load() for pose in properties.of(obj).poses]
    assert len(marked) == 1, "the marked pose is lost"
    try:
        marked = carried_over(obj, marked, describe(obj))
        here = poses_in_object_space(obj, describe(obj), marked, None, ())
        apply_clip(obj, MotionClip(clip("walk")[: FRAME + 6], MODEL_FPS), here, 1, "walk")
    except RigError as error:
        return Outcome(None, str(error))
    bpy.context.scene.frame_set(FRAME)
    away = np.linalg.norm(_ends(obj, expected) - before, axis=-1).max()
    size = obj.matrix_world.to_scale().x if expected is Expected.IN_WORLD else 1.0
    unit = size * describe(obj).scale
    told = max((m.millimetres / 1000 for m in marked[0].fk_mismatches), default=0.0)
    return Outcome(float(away) / unit, told=told / marked_at)


def _ends(obj: Any, expected: Expected) -> np.ndarray[Any, Any]:
    """Ends of the bones that show the parts, (2 N, 3), in the world or the armature."""
    bpy.context.view_layer.update()
    posed = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    in_world = expected is Expected.IN_WORLD
    matrix = posed.matrix_world if in_world else posed.matrix_world.Identity(4)
    bodies = [posed.pose.bones[c.body] for c in describe(obj).controls]
    return np.array([tuple(matrix @ point) for b in bodies for point in (b.head, b.tail)])


def _settle() -> None:
    """The scene at the model's frame rate, its armature evaluated."""
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = round(MODEL_FPS), 1.0
    bpy.context.view_layer.update()


def _in_mode(obj: Any, mode: str) -> None:
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode=mode)


def _saved(folder: Path) -> str:
    path = str(folder / _FILE)
    bpy.ops.wm.save_as_mainfile(filepath=path)
    return path


def _from_library(path: str, *, link: bool) -> Any:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(path, link=link) as (_, into):
        into.objects = [NAME]
    obj = bpy.data.objects[NAME]
    bpy.context.collection.objects.link(obj)
    return obj

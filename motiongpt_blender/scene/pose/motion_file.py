"""A file of motion capture, read by Blender's own importers and gone again afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import bpy

from ...compat import import_fbx
from ...core.translation import tr
from ..access import current_scene
from ..errors import RigError
from .recording import current_action

#: Kinds of data that importers make.
_KINDS: Final = (
    "objects", "collections", "actions", "armatures", "meshes", "curves", "materials", "textures",
    "images", "cameras", "lights", "node_groups",
)  # fmt: skip
#: What importers may set in the scene.
_SETTINGS: Final = ("frame_start", "frame_end", "frame_current")
_RATE: Final = ("fps", "fps_base")


def _import_bvh(path: str) -> None:
    # Bones of an armature of 1 m or 100 m: the size of a body is found by itself.
    bpy.ops.import_anim.bvh(filepath=path, use_fps_scale=True)


def _import_gltf(path: str) -> None:
    bpy.ops.import_scene.gltf(filepath=path)


IMPORTERS: Final[dict[str, Callable[[str], None]]] = {
    ".bvh": _import_bvh,
    ".fbx": import_fbx,
    ".glb": _import_gltf,
    ".gltf": _import_gltf,
}


@contextmanager
def imported_armature(path: Path) -> Iterator[bpy.types.Object]:
    """The largest armature of a file that plays something, until the end of the block.

    Then nothing of the file is left, and scene, selection and mode are as before.

    Raises:
        RigError: when the file cannot be read, or no armature in it plays anything.
    """
    if path.suffix.lower() not in IMPORTERS:
        raise RigError(
            tr(
                "'{name}' is no file of motion: choose one that ends in {endings}.",
                name=path.name,
                endings=", ".join(IMPORTERS),
            )
        )
    if not path.is_file():
        raise RigError(tr("'{name}' is not there: choose another file.", name=str(path)))
    before = _Scene()
    try:
        try:
            IMPORTERS[path.suffix.lower()](str(path))
        except AttributeError:
            raise RigError(
                tr(
                    "Blender's importer of {ending} is switched off: enable it in Preferences > "
                    "Add-ons.",
                    ending=path.suffix,
                )
            ) from None
        except Exception as error:  # an importer fails in its own ways
            reason = " ".join(str(error).split()).rstrip(".")[:200]
            raise RigError(
                tr("'{name}' cannot be read ({reason}).", name=path.name, reason=reason)
            ) from error
        finally:
            before.note_new()
        playing = [o for o in before.new_objects if o.type == "ARMATURE" and current_action(o)]
        if not playing:
            raise RigError(
                tr("No armature in '{name}' has an animation: choose another file.", name=path.name)
            )
        yield max(playing, key=lambda o: len(o.pose.bones) if o.pose is not None else 0)
    finally:
        before.restore()


class _Scene:
    """What there was before an import, to be had again."""

    def __init__(self) -> None:
        scene, layer = current_scene(), bpy.context.view_layer
        self._new: list[Any] = []
        self._blocks = {kind: set(getattr(bpy.data, kind)) for kind in _KINDS}
        self._settings = {name: getattr(scene, name) for name in _SETTINGS}
        self._rate = {name: getattr(scene.render, name) for name in _RATE}
        self._active = layer.objects.active
        self._selected = [o for o in layer.objects if o.select_get()]
        self._mode: Any = self._active.mode if self._active is not None else "OBJECT"
        if self._mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")

    def note_new(self) -> None:
        """Note what the import made; what is made after that stays."""
        self._new = [
            block
            for kind, old in self._blocks.items()
            for block in getattr(bpy.data, kind)
            if block not in old
        ]
        for block in self._new:  # its name is free for the take
            block.name = f".{block.name}"

    @property
    def new_objects(self) -> list[bpy.types.Object]:
        """What the import made."""
        return [block for block in self._new if isinstance(block, bpy.types.Object)]

    def restore(self) -> None:
        """Remove what the import made, and put back the rest."""
        bpy.data.batch_remove(self._new)
        scene, layer = current_scene(), bpy.context.view_layer
        for name, value in self._settings.items():
            setattr(scene, name, value)
        for name, value in self._rate.items():
            setattr(scene.render, name, value)
        layer.update()  # until then it lists what was removed
        for obj in layer.objects:
            obj.select_set(obj in self._selected)
        layer.objects.active = self._active
        if self._mode != "OBJECT":
            bpy.ops.object.mode_set(mode=self._mode)

"""The open file saved as another one, or the motion of an armature exported: BVH, FBX or glTF.

A file is written beside its place first, so that one that cannot be finished replaces nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from typing import Any, Final

import bpy

from ..core.body.motion import Origin
from ..core.body.terms import terms_beside, terms_text
from ..core.patience import patiently
from .access import current_scene
from .errors import WriteError


def save_blend(path: Path | None) -> Path:
    """Save the open file; with a path as a copy there.

    Returns:
        The file that was written.

    Raises:
        WriteError: when it cannot be written, or has no name yet.
    """
    if path is None or path == Path(bpy.data.filepath or "."):
        if not bpy.data.filepath:
            raise WriteError("The file has no name yet: name one to save it as.")
        own = Path(bpy.data.filepath)
        _written(own, bpy.ops.wm.save_mainfile)
        return own
    _in_place(path, lambda part: bpy.ops.wm.save_as_mainfile(filepath=part, copy=True))
    return path


def export_motion(
    obj: bpy.types.Object, path: Path, first: float, last: float, origin: Origin
) -> Path:
    """Export what an armature does between two frames, with the meshes that it moves.

    Args:
        obj: the armature object.
        path: its suffix, .bvh, .fbx or .glb, says the format.
        first: first frame of the scene.
        last: last frame.
        origin: the terms of the motion; those of a BVH file stand in a text beside it.

    Raises:
        WriteError: when it cannot be written, or there is no such format.
    """
    write = _FORMATS.get(path.suffix.lower())
    if write is None:
        known = ", ".join((".blend", *_FORMATS))
        raise WriteError(f"{path.name} cannot be written: let its name end in {known}.")
    with _only(obj, write is not _bvh), _frames(round(first), round(last)):
        _in_place(path, write)
    if origin.pack and write is _bvh:
        terms_beside(path).write_text(terms_text(origin, path.name), encoding="utf-8")
    return path


def _bvh(part: str) -> None:
    scene = current_scene()
    first, last = scene.frame_start, scene.frame_end
    bpy.ops.export_anim.bvh(filepath=part, frame_start=first, frame_end=last)


def _fbx(part: str) -> None:
    bpy.ops.export_scene.fbx(
        filepath=part,
        use_selection=True,
        object_types={"ARMATURE", "MESH"},
        use_custom_props=True,
        add_leaf_bones=False,
        bake_anim_use_nla_strips=False,
        bake_anim_use_all_actions=False,
    )


def _glb(part: str) -> None:
    bpy.ops.export_scene.gltf(
        filepath=part,
        export_format="GLB",
        use_selection=True,
        export_extras=True,
        export_animation_mode="SCENE",
    )


_FORMATS: Final[dict[str, Callable[[str], Any]]] = {".bvh": _bvh, ".fbx": _fbx, ".glb": _glb}


def _in_place(path: Path, write: Callable[[str], Any]) -> None:
    """Write a file beside its place, then put it there."""
    part = path.with_name(f"{path.stem}.part{path.suffix}")
    if part.is_dir():  # Blender 4.2 would move it away
        raise _not_written(path, f"the folder {part.name} is in its way")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_written(path, error.strerror or "") from None
    try:
        _written(path, lambda: write(str(part)))
        patiently(part.replace, path)
    except OSError as error:
        raise _not_written(path, error.strerror or "") from None
    finally:
        with suppress(OSError):
            part.unlink()


def _written(path: Path, write: Callable[[], Any]) -> None:
    """Call an operator that writes; what it says on its way is not for people."""
    try:
        with redirect_stdout(StringIO()):
            write()
    except OSError as error:
        raise _not_written(path, error.strerror or "") from None
    except AttributeError:
        raise _not_written(path, "its exporter is switched off in Blender") from None
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].removeprefix("Error: ").rstrip(".")
        raise _not_written(path, reason) from None


def _not_written(path: Path, reason: str) -> WriteError:
    return WriteError(f"{path} cannot be written ({reason}): make room, or name another place.")


@contextmanager
def _only(obj: bpy.types.Object, with_meshes: bool) -> Iterator[None]:
    """Select an armature, with the meshes that it moves, and nothing else; then as before."""
    layer = bpy.context.view_layer
    assert layer is not None
    active, selected = layer.objects.active, list(layer.objects.selected)
    moved = [o for o in layer.objects if o.type == "MESH" and o.find_armature() == obj]
    chosen = [obj, *moved] if with_meshes else [obj]
    hidden = [one for one in chosen if one.hide_get()]
    for one in selected:
        one.select_set(False)
    for one in chosen:
        one.hide_set(False)
        one.select_set(True)
    layer.objects.active = obj
    try:
        yield
    finally:
        for one in chosen:
            one.select_set(False)
        for one in hidden:
            one.hide_set(True)
        for one in selected:
            one.select_set(True)
        layer.objects.active = active


@contextmanager
def _frames(first: int, last: int) -> Iterator[None]:
    """Let the scene be these frames long; afterwards as before."""
    scene = current_scene()
    before = scene.frame_start, scene.frame_end, scene.frame_current, scene.frame_subframe
    scene.frame_start, scene.frame_end = first, last
    try:
        yield
    finally:
        scene.frame_start, scene.frame_end = before[:2]
        scene.frame_set(before[2], subframe=before[3])

"""The scene's time: frames a second, the current frame, time remapping."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import bpy

from ..core.translation import tr
from .access import TRANSFORM_PROPERTIES, current_scene, pose_bones, update_view_layer


def scene_fps() -> float:
    """Frames a second of the current scene, fractions included."""
    render = current_scene().render
    return float(render.fps / render.fps_base)


def current_frame() -> float:
    """The current frame, with its subframe."""
    scene = current_scene()
    return round(scene.frame_current + scene.frame_subframe, 3)


def played_time() -> float:
    """The time at which curves are played now; time remapping is counted in."""
    return current_frame() / _time_scale()


def show_frame(frame: float) -> None:
    """Go to where curves are played at ``frame``; time remapping is counted in."""
    set_frame(frame * _time_scale())


def set_frame(frame: float) -> None:
    """Set the scene's frame and subframe."""
    whole = math.floor(frame + 1e-6)
    current_scene().frame_set(whole, subframe=max(frame - whole, 0.0))


@contextmanager
def preserving_frame(obj: bpy.types.Object) -> Iterator[Callable[[float], None]]:
    """Give ``show_frame``; afterwards the current frame and all unkeyed transforms are as before.

    Args:
        obj: the armature object whose bones are preserved; so are all objects of the scene.
    """
    scene = current_scene()
    frame, subframe = scene.frame_current, scene.frame_subframe
    with preserving_transforms((*pose_bones(obj), *scene.objects)):
        try:
            yield show_frame
        finally:
            scene.frame_set(frame, subframe=subframe)


@contextmanager
def preserving_transforms(
    owners: Iterable[bpy.types.PoseBone | bpy.types.Object],
) -> Iterator[None]:
    """Keep transforms of bones or objects that are not keyed yet."""
    before = [(o, {n: tuple(getattr(o, n)) for n in TRANSFORM_PROPERTIES}) for o in owners]
    try:
        yield
    finally:
        for owner, values in before:
            for name, value in values.items():
                if tuple(getattr(owner, name)) != value:
                    setattr(owner, name, value)
        update_view_layer()


def time_remapping_note() -> str:
    """A sentence about time remapping where it is on, else ""."""
    scale = _time_scale()
    if scale == 1.0:
        return ""
    render = current_scene().render
    speed = (
        tr("{scale:.2f} x slower", scale=scale)
        if scale > 1
        else tr("{factor:.2f} x faster", factor=1 / scale)
    )
    return tr(
        "Time remapping is on ({old} to {new}): the take plays {speed} than it "
        "was made, and a key at frame 100 shows at frame {frame}. Set both "
        "numbers alike under Output > Format > Frame Rate.",
        old=render.frame_map_old,
        new=render.frame_map_new,
        speed=speed,
        frame=round(100 * scale),
    )


def _time_scale() -> float:
    """Shown frames for each frame of a curve."""
    render = current_scene().render
    return float(render.frame_map_new / render.frame_map_old)

"""The scene's time: frames a second, the frame in view, time remapping."""

from __future__ import annotations

import math

import bpy


def scene_fps() -> float:
    """Frames a second of the current scene, fractions included."""
    render = bpy.context.scene.render
    return float(render.fps / render.fps_base)


def current_frame() -> float:
    """The frame in view, with the part of a frame that the playhead stands beyond it."""
    scene = bpy.context.scene
    return round(scene.frame_current + scene.frame_subframe, 3)


def show_frame(frame: float) -> None:
    """Go to where curves are played at ``frame``; time remapping is counted in."""
    at = frame * _stretch()
    whole = math.floor(at + 1e-6)
    bpy.context.scene.frame_set(whole, subframe=max(at - whole, 0.0))


def remapping_note() -> str:
    """A sentence about time remapping where it is on, else ""."""
    stretch = _stretch()
    if stretch == 1.0:
        return ""
    render = bpy.context.scene.render
    way = f"{stretch:.2f} x slower" if stretch > 1 else f"{1 / stretch:.2f} x faster"
    return (
        f"Time remapping is on ({render.frame_map_old} to {render.frame_map_new}): the take plays "
        f"{way} than it was made, and what is keyed at frame 100 shows at frame "
        f"{round(100 * stretch)}; set both numbers alike under Output > Format > Frame Rate."
    )


def _stretch() -> float:
    """Shown frames for each frame of a curve."""
    render = bpy.context.scene.render
    return float(render.frame_map_new / render.frame_map_old)

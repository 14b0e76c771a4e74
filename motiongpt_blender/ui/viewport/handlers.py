"""Blender's draw handlers: added once, removed with the add-on, quiet about a repeated error.

Without windows nothing is drawn.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

import bpy

from ...operators.timeline import shows_signs
from ...properties import scene as scene_properties
from ...properties.scene import target
from . import ghosts, revisions, sketch, timeline, trails, way

log = logging.getLogger(__name__)

#: Errors that were told of already.
_told: set[str] = set()
_handles: list[tuple[Any, Any]] = []


def quietly(draw: Callable[[], None]) -> Callable[[], None]:
    """The same, but an error ends nothing: it is told once, and Blender goes on drawing."""

    @wraps(draw)
    def drawn() -> None:
        try:
            draw()
        except Exception as error:  # it would come at each redraw
            told = f"{draw.__name__}: {type(error).__name__}: {error}"
            if told not in _told:
                _told.add(told)
                log.exception("What MotionGPT draws over the editor is not complete.")

    return drawn


@quietly
def draw_in_view() -> None:
    """Ghosts, trails, the way and the motion that is being written, in a 3D view."""
    context = bpy.context
    space, scene = context.space_data, context.scene
    if not isinstance(space, bpy.types.SpaceView3D) or scene is None:
        return
    if not space.overlay.show_overlays or (obj := target(context)) is None:
        return
    if not obj.visible_in_viewport_get(space):
        return
    panel = scene_properties.of(scene)
    if panel.show_ghosts:
        ghosts.draw_ghosts(obj)
    if panel.show_trails:
        trails.draw_trails(obj)
    if panel.show_ways:
        way.draw_way(obj)
    sketch.draw_sketch(obj, figures=panel.show_ghosts, ways=panel.show_trails)


@quietly
def draw_in_timeline() -> None:
    """Signs of marked poses in a timeline or dope sheet."""
    context = bpy.context
    obj = target(context) if shows_signs(context) else None
    if obj is not None and context.region is not None:
        timeline.draw_signs(context.region, obj)


_PLACES: Final = (
    (bpy.types.SpaceView3D, draw_in_view, "POST_VIEW"),
    (bpy.types.SpaceDopeSheetEditor, draw_in_timeline, "POST_PIXEL"),
)


def has_windows() -> bool:
    """Whether there is anything to draw on."""
    return not bpy.app.background


def add() -> None:
    """Begin to draw, where there are windows."""
    _told.clear()
    revisions.add()
    if not has_windows():
        return
    for space, draw, when in _PLACES:
        _handles.append((space, space.draw_handler_add(draw, (), "WINDOW", when)))


def remove() -> None:
    """Draw no more, and free what is on the graphics card."""
    revisions.remove()
    if not _handles:
        return
    while _handles:
        space, handle = _handles.pop()
        space.draw_handler_remove(handle, "WINDOW")
    for part in (ghosts, trails, sketch, timeline, way):
        part.forget()

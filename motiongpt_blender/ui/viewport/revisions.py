"""Counts the changes of armatures and actions, so that what is drawn of them is made anew."""

from __future__ import annotations

from typing import Any

import bpy

from ...compat import session_id

#: Session id of a data-block -> how often Blender has told of a change.
_changes: dict[int, int] = {}
#: How often everything may have changed at once.
_everything = 0


def revision(block: bpy.types.ID) -> tuple[str, int, int, int]:
    """What is different as soon as an armature or an action may have changed, or is another one."""
    session = session_id(block)
    return block.name_full, session, _changes.get(session, 0), _everything


@bpy.app.handlers.persistent
def on_update(_scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    """Blender has evaluated the scene."""
    for update in depsgraph.updates:
        block = update.id.original if update.id is not None else None
        if block is not None and block.id_type in ("ACTION", "ARMATURE"):
            session = session_id(block)
            _changes[session] = _changes.get(session, 0) + 1


@bpy.app.handlers.persistent
def on_jump(*_: Any) -> None:
    """An undo, a redo or another file."""
    global _everything  # noqa: PLW0603 - one count for all that is drawn
    _everything += 1
    _changes.clear()


def add() -> None:
    """Begin to count."""
    handlers = bpy.app.handlers
    handlers.depsgraph_update_post.append(on_update)
    for jumps in (handlers.undo_post, handlers.redo_post, handlers.load_post):
        jumps.append(on_jump)


def remove() -> None:
    """Count no more."""
    handlers = bpy.app.handlers
    handlers.depsgraph_update_post.remove(on_update)
    for jumps in (handlers.undo_post, handlers.redo_post, handlers.load_post):
        jumps.remove(on_jump)

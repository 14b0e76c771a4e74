"""The one key of the add-on: dragging a marked pose on the timeline."""

from __future__ import annotations

from typing import Final

import bpy

#: Where a click on a sign may arrive: in a low timeline the signs reach into the ruler. The keys
#: of the dope sheet itself do not count near its lower edge.
_KEYMAPS: Final = ("Animation", "Time Scrub")

_items: list[tuple[bpy.types.KeyMap, bpy.types.KeyMapItem]] = []


def add() -> None:
    """Add it to the keys of add-ons, which can be changed; without windows there are none."""
    config = bpy.context.window_manager.keyconfigs.addon
    if config is None:
        return
    for name in _KEYMAPS:
        keymap = config.keymaps.new(name=name)
        item = keymap.keymap_items.new("motiongpt.move_pose", "LEFTMOUSE", "PRESS")
        _items.append((keymap, item))


def remove() -> None:
    """Take it out again."""
    while _items:
        keymap, item = _items.pop()
        keymap.keymap_items.remove(item)

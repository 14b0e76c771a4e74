"""The keys of the add-on: dragging a marked pose, and entries without a key for the animator."""

from __future__ import annotations

from typing import Final, Literal

import bpy

#: Where a click on a sign may arrive: in a low timeline the signs reach into the ruler. The keys
#: of the dope sheet itself do not count near its lower edge.
_DRAGGED_IN: Final = ("Animation", "Time Scrub")
#: Where the pie menu and Generate have an entry, which bears no key until the animator sets one.
_CALLED_IN: Final = ("Pose", "Object Mode")

_items: list[tuple[bpy.types.KeyMap, bpy.types.KeyMapItem]] = []


def add() -> None:
    """Add them to the keys of add-ons, which can be changed; without windows there are none."""
    config = bpy.context.window_manager.keyconfigs.addon
    if config is None:
        return
    for name in _DRAGGED_IN:
        _add(config.keymaps.new(name=name), "motiongpt.move_pose", "LEFTMOUSE")
    for name in _CALLED_IN:
        keymap = config.keymaps.new(name=name)
        _add(keymap, "motiongpt.generate", "NONE")
        _add(keymap, "wm.call_menu_pie", "NONE", name="MOTIONGPT_MT_pie")


def remove() -> None:
    """Take them out again."""
    while _items:
        keymap, item = _items.pop()
        keymap.keymap_items.remove(item)


def _add(
    keymap: bpy.types.KeyMap, operator: str, key: Literal["LEFTMOUSE", "NONE"], **properties: str
) -> None:
    item = keymap.keymap_items.new(operator, key, "PRESS")
    for name, value in properties.items():
        setattr(item.properties, name, value)
    _items.append((keymap, item))

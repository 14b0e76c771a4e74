"""What differs between Blender 4.2 and 5.2, each with its reason, and nothing else.

The only module that asks for Blender's version.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import bpy

#: Actions have slots and layers from 4.4 on; before, one action is one set of curves.
HAS_SLOTS: Final = bpy.app.version >= (4, 4, 0)

#: A pose bone carries its own selection from 5.0 on; before, its bone did.


def new_action(name: str, owner: Any) -> tuple[Any, Any]:
    """A new, empty action for ``owner``: (action, its slot or None before 4.4)."""
    action = bpy.data.actions.new(name)
    if not HAS_SLOTS:
        return action, None
    return action, action.slots.new(id_type=owner.id_type, name=owner.name)


def curves(action: Any, slot: Any) -> Any:
    """The collection of F-curves of an action (of its slot, from 4.4 on), made if absent."""
    if not HAS_SLOTS:
        return action.fcurves
    return _bag(action, slot).fcurves


def groups(action: Any, slot: Any) -> Any:
    """The collection of curve groups beside ``curves``."""
    if not HAS_SLOTS:
        return action.groups
    return _bag(action, slot).groups


def _bag(action: Any, slot: Any) -> Any:
    # A new action is empty: Blender makes neither a layer nor a strip by itself.
    layer = action.layers[0] if action.layers else action.layers.new("Layer")
    strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    return strip.channelbag(slot, ensure=True)


def all_curves(action: Any) -> Iterator[Any]:
    """Every F-curve of an action, of all its slots."""
    if not HAS_SLOTS:
        yield from action.fcurves
        return
    for layer in action.layers:
        for strip in layer.strips:
            for bag in strip.channelbags:
                yield from bag.fcurves


def slot_curves(action: Any, slot: Any) -> Iterator[Any]:
    """The curves that a slot of an action plays; changes nothing."""
    if not HAS_SLOTS:
        yield from action.fcurves
        return
    for layer in action.layers:
        for strip in layer.strips:
            for bag in strip.channelbags:
                if slot is not None and bag.slot_handle == slot.handle:
                    yield from bag.fcurves


def strip_slot(strip: Any) -> Any:
    """The slot that an NLA strip plays, or None."""
    return strip.action_slot if HAS_SLOTS else None


def only_slot(action: Any) -> Any:
    """The slot of an action that ``new_action`` made; None before 4.4."""
    return action.slots[0] if HAS_SLOTS else None


def active_slot(animation_data: Any) -> Any:
    """The slot that the owner's active action plays, or None."""
    return animation_data.action_slot if HAS_SLOTS else None


def slot_name(slot: Any) -> str:
    """What names a slot within its action; "" for none."""
    return str(slot.identifier) if slot is not None else ""


def named_slot(action: Any, name: str) -> Any:
    """The slot of an action that ``slot_name`` named, or None."""
    return action.slots.get(name) if HAS_SLOTS and name else None


def session_id(block: Any) -> int:
    """What tells a data-block apart while Blender runs, whatever its name; 0 if nothing does."""
    return int(getattr(block, "session_uid", 0))


def assign_action(animation_data: Any, action: Any, slot: Any) -> None:
    """Make an action the active one; from 4.4 on its slot does not follow by itself."""
    animation_data.action = action
    if HAS_SLOTS and action is not None and slot is not None:
        animation_data.action_slot = slot


def bind_strip(strip: Any, slot: Any) -> None:
    """Let an NLA strip play this slot; before 4.4 there is nothing to bind."""
    if HAS_SLOTS and slot is not None:
        strip.action_slot = slot

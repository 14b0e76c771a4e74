"""What differs between Blender 4.2 and 5.2, each with its reason, and nothing else.

The only module that asks for Blender's version.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, cast

import bpy

if TYPE_CHECKING:
    from bpy.types import (
        ID,
        Action,
        ActionChannelbag,
        ActionChannelbagFCurves,
        ActionChannelbagGroups,
        ActionKeyframeStrip,
        ActionSlot,
        AnimData,
        FCurve,
        NlaStrip,
        PoseBone,
    )

    #: The slot of an action; None before 4.4.
    Slot: TypeAlias = ActionSlot | None

    class _ActionBefore44(Protocol):
        """An action that is one set of curves."""

        fcurves: ActionChannelbagFCurves
        groups: ActionChannelbagGroups


#: Actions have slots and layers from 4.4 on; before, one action is one set of curves.
HAS_SLOTS: Final = bpy.app.version >= (4, 4, 0)
#: Blender's version, for people.
BLENDER: Final = bpy.app.version_string


def new_action(name: str, owner: ID) -> tuple[Action, Slot]:
    """A new, empty action for ``owner``: (action, its slot or None before 4.4)."""
    action = bpy.data.actions.new(name)
    if not HAS_SLOTS:
        return action, None
    return action, action.slots.new(id_type=owner.id_type, name=owner.name)


def curves(action: Action, slot: Slot) -> ActionChannelbagFCurves:
    """The collection of F-curves of an action (of its slot, from 4.4 on), made if absent."""
    if not HAS_SLOTS:
        return cast("_ActionBefore44", action).fcurves
    return _channelbag(action, slot).fcurves


def groups(action: Action, slot: Slot) -> ActionChannelbagGroups:
    """The collection of curve groups beside ``curves``."""
    if not HAS_SLOTS:
        return cast("_ActionBefore44", action).groups
    return _channelbag(action, slot).groups


def _channelbag(action: Action, slot: Slot) -> ActionChannelbag:
    assert slot is not None
    # A new action is empty: Blender makes neither a layer nor a strip by itself.
    layer = action.layers[0] if action.layers else action.layers.new("Layer")
    strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    bag = cast("ActionKeyframeStrip", strip).channelbag(slot, ensure=True)
    assert bag is not None
    return bag


def all_curves(action: Action) -> Iterator[FCurve]:
    """Every F-curve of an action, of all its slots."""
    if not HAS_SLOTS:
        yield from cast("_ActionBefore44", action).fcurves
        return
    for bag in _channelbags(action):
        yield from bag.fcurves


def slot_curves(action: Action, slot: Slot) -> Iterator[FCurve]:
    """The curves that a slot of an action plays; changes nothing."""
    if not HAS_SLOTS:
        yield from cast("_ActionBefore44", action).fcurves
        return
    for bag in _channelbags(action):
        if slot is not None and bag.slot_handle == slot.handle:
            yield from bag.fcurves


def _channelbags(action: Action) -> Iterator[ActionChannelbag]:
    for layer in action.layers:
        for strip in layer.strips:
            yield from cast("ActionKeyframeStrip", strip).channelbags


def strip_slot(strip: NlaStrip) -> Slot:
    """The slot that an NLA strip plays, or None."""
    return strip.action_slot if HAS_SLOTS else None


def only_slot(action: Action) -> Slot:
    """The slot of an action that ``new_action`` made; None before 4.4."""
    return action.slots[0] if HAS_SLOTS else None


def only_slot_of(action: Action, owner: ID) -> Slot:
    """The slot of an action that its owner plays, else its first one; None before 4.4."""
    data = getattr(owner, "animation_data", None)
    if data is not None and data.action == action and HAS_SLOTS and data.action_slot is not None:
        return data.action_slot
    return only_slot(action)


def ensure_slot(animation_data: AnimData, owner: ID) -> Slot:
    """The slot that the owner's active action plays, made and bound if absent; None before 4.4."""
    action = animation_data.action
    if HAS_SLOTS and action is not None and animation_data.action_slot is None:
        animation_data.action_slot = action.slots.new(id_type=owner.id_type, name=owner.name)
    return active_slot(animation_data)


def active_slot(animation_data: AnimData) -> Slot:
    """The slot that the owner's active action plays, or None."""
    return animation_data.action_slot if HAS_SLOTS else None


def heeds_muted_groups(animation_data: AnimData) -> bool:
    """Whether a muted group of curves is silent: from 4.4 on only where the NLA is evaluated."""
    return not HAS_SLOTS or (animation_data.use_nla and len(animation_data.nla_tracks) > 0)


def slot_name(slot: Slot) -> str:
    """What names a slot within its action; "" for none."""
    return str(slot.identifier) if slot is not None else ""


def named_slot(action: Action, name: str) -> Slot:
    """The slot of an action that ``slot_name`` named, or None."""
    return action.slots.get(name) if HAS_SLOTS and name else None


def session_id(block: ID) -> int:
    """What tells a data-block apart while Blender runs, whatever its name; 0 if nothing does."""
    return int(getattr(block, "session_uid", 0))


def assign_action(animation_data: AnimData, action: Action | None, slot: Slot) -> None:
    """Make an action the active one with this slot, or with none: Blender chooses one itself."""
    animation_data.action = action
    if HAS_SLOTS and action is not None:
        animation_data.action_slot = slot


def bind_strip(strip: NlaStrip, slot: Slot) -> None:
    """Let an NLA strip play this slot, or none: Blender chooses one itself, before 4.4 none."""
    if HAS_SLOTS:
        strip.action_slot = slot


def is_selected(bone: PoseBone) -> bool:
    """Whether a bone is selected in Pose Mode; before 5.0 the armature knows it, not the pose."""
    return _selectable(bone).select


def select(bone: PoseBone, on: bool) -> None:
    """Select a bone in Pose Mode, or not."""
    _selectable(bone).select = on


def _selectable(bone: PoseBone) -> Any:
    return bone if bpy.app.version >= (5, 0, 0) else bone.bone


def stored_values(owner: ID, name: str) -> dict[str, Any]:
    """What a file keeps of an add-on's property group, fields that are no more included.

    From 5.0 on such values lie apart from the custom properties.
    """
    apart = getattr(owner, "bl_system_properties_get", None)
    holder = owner if apart is None else apart()
    group = None if holder is None else holder.get(name)
    return {} if group is None else group.to_dict()


def import_fbx(path: str) -> None:
    """Import an FBX file; Blender's own importer is there from 4.5 on, an add-on's before."""
    if bpy.app.version >= (4, 5, 0):
        bpy.ops.wm.fbx_import(filepath=path)
    else:
        bpy.ops.import_scene.fbx(filepath=path)

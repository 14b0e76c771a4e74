"""What the operators act on, and what they return."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import bpy

from ..core.translation import msgid, tr
from ..properties import armature
from ..properties.scene import target

#: What an operator returns to Blender.
OperatorResult: TypeAlias = set[
    Literal["RUNNING_MODAL", "CANCELLED", "FINISHED", "PASS_THROUGH", "INTERFACE"]
]
NO_ARMATURE: Final = msgid("Choose an armature in the panel, or select one")


def required_target(context: bpy.types.Context) -> bpy.types.Object:
    """The armature in question, which ``poll`` has asked for."""
    obj = target(context)
    assert obj is not None
    return obj


def has_target(cls: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """Whether there is an armature; says so where there is none."""
    if target(context) is None:
        cls.poll_message_set(tr(NO_ARMATURE))
        return False
    return True


def has_active_pose(cls: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """Whether a marked pose is chosen; says what to do where there is none."""
    if not has_target(cls, context):
        return False
    if armature.of(required_target(context)).active_pose is None:
        cls.poll_message_set(tr("Mark a pose first"))
        return False
    return True


def has_active_block(cls: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """Whether a prompt block is chosen; says what to do where there is none."""
    if not has_target(cls, context):
        return False
    if armature.of(required_target(context)).sequence.active_block is None:
        cls.poll_message_set(tr("Add a prompt block first"))
        return False
    return True

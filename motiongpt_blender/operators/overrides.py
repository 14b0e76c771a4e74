"""What a library override gets of its own."""

from __future__ import annotations

import bpy

from ..properties import armature
from .targets import OperatorResult, has_target, required_target


class MOTIONGPT_OT_own_options(bpy.types.Operator):
    """Give this library override options of its own, kept in this file: as its library has them"""

    bl_idname = "motiongpt.own_options"
    bl_label = "Change Options in This File"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An armature is needed."""
        return has_target(cls, context)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Copy what the library has."""
        armature.editable_of(required_target(context))
        return {"FINISHED"}

"""Add Sample Character: something to animate at once."""

from __future__ import annotations

import bpy

from ..core.translation import tr
from ..scene.sample.character import add_sample_character
from .targets import OperatorResult


class MOTIONGPT_OT_add_sample_character(bpy.types.Operator):
    """Add a rigged mannequin to try prompts and poses on"""

    bl_idname = "motiongpt.add_sample_character"
    bl_label = "Add Sample Character"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """In object mode alone, as for everything that is added."""
        if context.mode != "OBJECT":
            cls.poll_message_set(tr("Switch to object mode first"))
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Add it and look at it."""
        result = self.execute(context)
        if context.area is not None and context.area.type == "VIEW_3D":
            window = next((r for r in context.area.regions if r.type == "WINDOW"), None)
            with context.temp_override(region=window):
                bpy.ops.view3d.view_selected()
        return result

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Add it."""
        add_sample_character(context)
        return {"FINISHED"}

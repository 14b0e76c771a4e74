"""The sub-panel "Retargeting": how motions are put on the armature."""

from typing import Any

import bpy

from .panels import _ArmaturePanel


class MOTIONGPT_PT_retargeting(_ArmaturePanel, bpy.types.Panel):
    """Root, pins, IK controls."""

    bl_label = "Retargeting"
    bl_idname = "MOTIONGPT_PT_retargeting"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_for(self, context: Any, layout: Any, obj: Any) -> None:
        """The armature's own options."""
        chosen = obj.motiongpt.retargeting
        layout.use_property_split = True
        layout.use_property_decorate = False
        row = layout.row()
        row.active = not chosen.in_place
        row.prop(chosen, "root")
        layout.prop(chosen, "in_place")
        column = layout.column(heading="Pin", align=True)
        column.prop(chosen, "pin_feet")
        column.prop(chosen, "pin_hands")
        layout.prop(chosen, "lock_feet")
        layout.prop(chosen, "floor")
        layout.prop(chosen, "reach")
        layout.prop(chosen, "ik_controls")
        layout.prop(chosen, "keys")
        if chosen.keys == "SPARSE":
            column = layout.column(align=True)
            column.prop(chosen, "degrees")
            column.prop(chosen, "millimetres")

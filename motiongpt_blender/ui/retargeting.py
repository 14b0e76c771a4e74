"""The sub-panel "Retargeting": how motions are put on the armature."""

from typing import Any

import bpy

from ..properties.scene import target
from .panels import _hint, _Panel


class MOTIONGPT_PT_retargeting(_Panel, bpy.types.Panel):
    """Root, pins, IK controls."""

    bl_label = "Retargeting"
    bl_idname = "MOTIONGPT_PT_retargeting"
    bl_parent_id = "MOTIONGPT_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Any) -> None:
        """The armature's own options."""
        layout, obj = self.layout, target(context)
        if obj is None:
            _hint(layout, "Choose or select an armature")
            return
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
        layout.prop(chosen, "plant_feet")
        layout.prop(chosen, "floor")
        layout.prop(chosen, "reach")
        layout.prop(chosen, "ik_controls")
        layout.prop(chosen, "keys")
        if chosen.keys == "SPARSE":
            column = layout.column(align=True)
            column.prop(chosen, "degrees")
            column.prop(chosen, "millimetres")

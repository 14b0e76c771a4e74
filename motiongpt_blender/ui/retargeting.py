"""The sub-panel "Retargeting": how motions are put on the armature."""

from __future__ import annotations

import bpy
from bpy.types import Context, Object, UILayout

from ..core.translation import tr
from ..properties import armature
from .base import ArmaturePanel


class MOTIONGPT_PT_retargeting(ArmaturePanel, bpy.types.Panel):
    """Root, pins, IK controls."""

    bl_label = "Retargeting"
    bl_idname = "MOTIONGPT_PT_retargeting"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_for(self, context: Context, layout: UILayout, obj: Object) -> None:
        """The armature's own options."""
        chosen = armature.of(obj).retargeting
        if armature.is_librarys(obj):
            layout.operator("motiongpt.own_options", icon="LIBRARY_DATA_OVERRIDE")
        layout.use_property_split = True
        layout.use_property_decorate = False
        row = layout.row()
        row.active = not chosen.in_place
        row.prop(chosen, "root")
        layout.prop(chosen, "in_place")
        column = layout.column(heading=tr("Pin"), align=True)
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

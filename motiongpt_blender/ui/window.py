"""The sub-panel "Timing": where in time a take goes, and whether it loops."""

from typing import Any

import bpy

from ..core.windows import WindowMode
from .panels import _Panel


class MOTIONGPT_PT_window(_Panel, bpy.types.Panel):
    """Where the take goes, range, loop."""

    bl_label = "Timing"
    bl_idname = "MOTIONGPT_PT_window"
    bl_parent_id = "MOTIONGPT_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Any) -> None:
        """The choices of ``MotionGPTWindow``."""
        layout, place = self.layout, context.scene.motiongpt.window
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(place, "mode")
        if place.mode == WindowMode.RANGE.value:
            column = layout.column(align=True)
            column.prop(place, "start")
            column.prop(place, "end")
            layout.operator("motiongpt.range_from_selection", icon="RESTRICT_SELECT_OFF")
        column = layout.column(heading="Loop", align=True)
        column.active = place.mode == WindowMode.FREE.value
        column.prop(place, "loop", text="Ends as It Begins")
        row = column.row()
        row.active = place.loop
        row.prop(place, "cyclic", text="Repeats for Ever")

"""The sub-panel "Timing": where in time a take goes, and whether it loops."""

from __future__ import annotations

import bpy
from bpy.types import Context

from ..core.timeline.frame_range import FrameRangeMode
from ..core.translation import tr
from ..properties import scene as scene_properties
from ..properties.frame_range import MODES, MotionGPTFrameRange
from .base import Panel, layout_of


def chosen_text(place: MotionGPTFrameRange) -> str:
    """The choice where it is not the default, or ""."""
    if place.mode != FrameRangeMode.FREE.value:
        return next(name for value, name, _ in MODES if value == place.mode)
    return "Loop" if place.loop else ""


class MOTIONGPT_PT_frame_range(Panel, bpy.types.Panel):
    """Frames of the take, and loop."""

    bl_label = "Timing"
    bl_idname = "MOTIONGPT_PT_frame_range"
    bl_parent_id = "MOTIONGPT_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header_preset(self, context: Context) -> None:
        """The choice, shown while the panel is closed."""
        if (chosen := chosen_text(scene_properties.of(context.scene).frame_range)) != "":
            layout_of(self).label(text=chosen)

    def draw(self, context: Context) -> None:
        """The choices of ``MotionGPTFrameRange``."""
        layout, place = layout_of(self), scene_properties.of(context.scene).frame_range
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(place, "mode")
        if place.mode == FrameRangeMode.RANGE.value:
            column = layout.column(align=True)
            column.prop(place, "start")
            column.prop(place, "end")
            layout.operator("motiongpt.range_from_selection", icon="RESTRICT_SELECT_OFF")
        column = layout.column(heading=tr("Loop"), align=True)
        column.active = place.mode == FrameRangeMode.FREE.value
        column.prop(place, "loop", text="Ends as It Begins")
        row = column.row()
        row.active = place.loop
        row.prop(place, "cyclic", text="Repeat Without End")

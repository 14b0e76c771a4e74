"""The sub-panel "Way": the curve or the waypoints that the next takes follow."""

from __future__ import annotations

import bpy
from bpy.types import Context, Object, UILayout

from ..core.translation import tr
from ..core.ways.gaits import speed_note, usual_speed
from ..core.ways.path import path_of
from ..core.ways.way import WayError
from ..operators import generation
from ..operators.way_reading import shown_way
from ..properties import armature
from ..properties import scene as scene_properties
from ..properties.way import MotionGPTWay, MotionGPTWaypoint, WayKind
from .base import ArmaturePanel, List, button, hint, layout_of, sentence


class MOTIONGPT_UL_waypoints(List, bpy.types.UIList):
    """Waypoints in their order."""

    def draw_row(
        self, context: Context, layout: UILayout, item: MotionGPTWaypoint, index: int
    ) -> None:
        """One waypoint: its object, whether it faces, its frame."""
        row = layout.row(align=True)
        if item.empty is None:
            row.label(text=tr("{number}: its object is gone", number=index + 1), icon="ERROR")
            return
        row.label(text=item.empty.name, icon="EMPTY_AXIS", translate=False)
        right = row.row(align=True)
        right.alignment = "RIGHT"
        if item.timed:
            right.label(text=tr("frame {frame}", frame=item.frame))
        if item.faces:
            right.label(icon="FORWARD")


class MOTIONGPT_PT_way(ArmaturePanel, bpy.types.Panel):
    """What the character follows."""

    bl_label = "Way"
    bl_idname = "MOTIONGPT_PT_way"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header_preset(self, context: Context) -> None:
        """Whether the way is shown in the view."""
        panel = scene_properties.of(context.scene)
        layout_of(self).prop(panel, "show_ways", text="", icon="CURVE_DATA")

    def draw_for(self, context: Context, layout: UILayout, obj: Object) -> None:
        """What is followed, and how long it takes."""
        way = armature.of(obj).way
        layout.row(align=True).prop(way, "kind", expand=True)
        if way.kind == WayKind.CURVE.value:
            row = layout.row(align=True)
            row.prop(way, "curve", text="")
            row.operator("motiongpt.new_way_curve", text="", icon="ADD")
        elif way.kind == WayKind.WAYPOINTS.value:
            _draw_waypoints(layout, way)
        if way.is_used:
            _draw_length(context, layout, obj)


def _draw_waypoints(layout: UILayout, way: MotionGPTWay) -> None:
    """Buttons first, so that a new row does not move them away from the mouse."""
    row = layout.row(align=True)
    row.operator("motiongpt.click_waypoints", text="Click Waypoints", icon="RESTRICT_SELECT_OFF")
    row.operator("motiongpt.add_waypoint", text="", icon="ADD")
    row = layout.row()
    row.template_list(
        "MOTIONGPT_UL_waypoints", "", way, "waypoints", way, "active", rows=3, maxrows=8
    )
    side = row.column(align=True)
    side.operator("motiongpt.remove_waypoint", text="", icon="REMOVE")
    button(side, "motiongpt.move_waypoint", "", "TRIA_UP", up=True)
    button(side, "motiongpt.move_waypoint", "", "TRIA_DOWN", up=False)
    if (point := way.active_waypoint) is not None:
        row = layout.row(align=True)
        row.prop(point, "empty", text="")
        row.prop(point, "faces", text="", icon="FORWARD")
        row.prop(point, "timed", text="", icon="TIME")
        if point.timed:
            row.prop(point, "frame", text="")


def _draw_length(context: Context, layout: UILayout, obj: Object) -> None:
    """How long the way is and takes, or what is wrong with it."""
    prompt = armature.of(obj).request.prompt
    try:
        way = shown_way(obj)
    except WayError as error:
        sentence(context, layout, str(error), "ERROR")
        return
    metres = path_of(way, usual_speed(prompt)).metres
    seconds = generation.length(context, obj)
    text = tr(
        "{metres:.1f} m in {seconds:.1f} s, {speed:.1f} m/s",
        metres=metres,
        seconds=seconds,
        speed=metres / max(seconds, 0.1),
    )
    if note := speed_note(prompt, metres, seconds):
        sentence(context, layout, note, "ERROR")
    else:
        hint(layout, text)

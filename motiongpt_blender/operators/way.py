"""Ways of a character: a new curve, waypoints by clicks in the view, their list."""

from __future__ import annotations

from typing import Final

import bpy
from bpy_extras import view3d_utils
from mathutils import Vector
from mathutils.geometry import intersect_line_plane

from ..core.translation import tr
from ..properties import armature
from ..properties.way import MotionGPTWay, WayKind
from ..scene.errors import RigError
from ..scene.pose.way import floor_height
from ..scene.pose.way_objects import (
    add_curve,
    add_waypoint,
    made_here,
    remove_waypoint,
    turn_waypoint,
)
from .targets import OperatorResult, has_target, required_target
from .way_reading import described

#: Pixels by which the mouse is dragged before it tells where the body faces.
_DRAGGED: Final = 12
#: Events that Blender gets while waypoints are clicked: the view is turned and moved by them.
_VIEW: Final = {"MIDDLEMOUSE", "WHEELUPMOUSE", "WHEELDOWNMOUSE", "WHEELINMOUSE", "WHEELOUTMOUSE",
                "MOUSEROTATE", "TRACKPADPAN", "TRACKPADZOOM", "NDOF_MOTION"}  # fmt: skip


class MOTIONGPT_OT_new_way_curve(bpy.types.Operator):
    """Add a curve that leads ahead from the character, to be shaped in Edit Mode"""

    bl_idname = "motiongpt.new_way_curve"
    bl_label = "MotionGPT: New Way Curve"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An armature is needed."""
        return has_target(cls, context)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Add the curve and follow it."""
        obj = required_target(context)
        try:
            curve = add_curve(obj, described(obj), tr("Way of {name}", name=obj.name))
        except RigError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        way = armature.editable_of(obj).way
        way.curve, way.kind = curve, WayKind.CURVE.value
        return {"FINISHED"}


class MOTIONGPT_OT_add_waypoint(bpy.types.Operator):
    """Add the selected objects as waypoints, in their order; without any, one at the 3D cursor"""

    bl_idname = "motiongpt.add_waypoint"
    bl_label = "MotionGPT: Add Waypoint"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An armature is needed."""
        return has_target(cls, context)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Append them to the list."""
        obj = required_target(context)
        way = armature.editable_of(obj).way
        known = {point.empty for point in way.waypoints}
        chosen = [found for found in made_here(context.selected_objects) if found not in known]
        empties = [found for found in chosen if found.type == "EMPTY"]
        try:
            rig = described(obj)
            if not empties:
                place = context.scene.cursor.location
                empties = [add_waypoint(obj, rig, place, None, _name(way))]
        except RigError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        for empty in empties:
            append(way, empty)
        return {"FINISHED"}


class MOTIONGPT_OT_click_waypoints(bpy.types.Operator):
    """Click on the floor to add waypoints; drag to say where the body faces. Enter ends, Esc undoes them"""  # noqa: E501 - Blender shows it as the tooltip

    bl_idname = "motiongpt.click_waypoints"
    bl_label = "MotionGPT: Click Waypoints"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An armature is needed."""
        return has_target(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Begin to listen to clicks."""
        obj = required_target(context)
        try:
            self._height = floor_height(obj, described(obj))
        except RigError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self._kind = armature.of(obj).way.kind
        self._added: list[str] = []
        self._pressed: tuple[int, int] | None = None
        context.workspace.status_text_set(
            tr("Click: waypoint   Drag: where the body faces   Enter: done   Esc: none of them")
        )
        context.window.cursor_modal_set("CROSSHAIR")
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """A press sets a waypoint, a drag turns it."""
        if event.type == "ESC" and event.value == "PRESS":
            self._forget(context)
            return self._end(context, {"CANCELLED"})
        if event.type in ("RET", "NUMPAD_ENTER", "RIGHTMOUSE") and event.value == "PRESS":
            return self._end(context, {"FINISHED"} if self._added else {"CANCELLED"})
        if event.type in _VIEW:
            return {"PASS_THROUGH"}
        if event.type == "LEFTMOUSE" and event.value == "PRESS":
            if _view_under(context, event) is None:
                return {"PASS_THROUGH"}  # a button of the panel, or another editor
            self._pressed = event.mouse_x, event.mouse_y
            self._add(context, event)
        elif event.type == "LEFTMOUSE" and event.value == "RELEASE":
            self._pressed = None
        elif event.type == "MOUSEMOVE" and self._pressed is not None:
            self._turn(context, event)
        return {"RUNNING_MODAL"}

    def _add(self, context: bpy.types.Context, event: bpy.types.Event) -> None:
        place = self._floor_under(context, event)
        if place is None:
            self.report({"WARNING"}, tr("There is no floor under the mouse: click lower."))
            return
        obj = required_target(context)
        way = armature.editable_of(obj).way
        empty = add_waypoint(obj, described(obj), place, None, _name(way))
        append(way, empty)
        self._added.append(empty.name)
        _redraw(context)

    def _turn(self, context: bpy.types.Context, event: bpy.types.Event) -> None:
        assert self._pressed is not None
        x, y = self._pressed
        if max(abs(event.mouse_x - x), abs(event.mouse_y - y)) < _DRAGGED or not self._added:
            return
        empty = bpy.data.objects.get(self._added[-1])
        place = self._floor_under(context, event)
        if empty is None or place is None or (place - empty.location).xy.length < 1e-3:
            return
        turn_waypoint(empty, place - empty.location)
        point = armature.editable_of(required_target(context)).way.waypoints[-1]
        point.faces = True
        _redraw(context)

    def _floor_under(self, context: bpy.types.Context, event: bpy.types.Event) -> Vector | None:
        """The place on the floor under the mouse."""
        found = _view_under(context, event)
        if found is None:
            return None
        region, view = found
        at = (event.mouse_x - region.x, event.mouse_y - region.y)
        origin = view3d_utils.region_2d_to_origin_3d(region, view, at)
        along = view3d_utils.region_2d_to_vector_3d(region, view, at)
        floor, up = Vector((0.0, 0.0, self._height)), Vector((0.0, 0.0, 1.0))
        place = intersect_line_plane(origin, origin + along, floor, up)
        if place is None or (view.is_perspective and (place - origin).dot(along) <= 0):
            return None
        return place

    def _forget(self, context: bpy.types.Context) -> None:
        """Remove the waypoints that were clicked."""
        way = armature.editable_of(required_target(context)).way
        for index in reversed(range(len(way.waypoints))):
            empty = way.waypoints[index].empty
            if empty is not None and empty.name in self._added:
                way.waypoints.remove(index)
                remove_waypoint(empty)
        way.active = max(0, min(way.active, len(way.waypoints) - 1))
        if self._added:
            way.kind = self._kind

    def _end(self, context: bpy.types.Context, result: OperatorResult) -> OperatorResult:
        context.workspace.status_text_set(None)
        context.window.cursor_modal_restore()
        _redraw(context)
        return result


class MOTIONGPT_OT_remove_waypoint(bpy.types.Operator):
    """Remove the waypoint from the list, and its empty where the add-on made it"""

    bl_idname = "motiongpt.remove_waypoint"
    bl_label = "MotionGPT: Remove Waypoint"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A waypoint must be chosen."""
        return _has_active(cls, context)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Remove the active one."""
        way = armature.editable_of(required_target(context)).way
        empty = way.waypoints[way.active].empty
        way.waypoints.remove(way.active)
        remove_waypoint(empty)
        way.active = max(0, min(way.active, len(way.waypoints) - 1))
        return {"FINISHED"}


class MOTIONGPT_OT_move_waypoint(bpy.types.Operator):
    """Swap the waypoint with the one before or after it"""

    bl_idname = "motiongpt.move_waypoint"
    bl_label = "MotionGPT: Move Waypoint"
    bl_options = {"REGISTER", "UNDO"}

    up: bpy.props.BoolProperty(name="Earlier")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A waypoint must be chosen."""
        return _has_active(cls, context)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Move the active one."""
        way = armature.editable_of(required_target(context)).way
        to = way.active + (-1 if self.up else 1)
        if not 0 <= to < len(way.waypoints):
            return {"CANCELLED"}
        way.waypoints.move(way.active, to)
        way.active = to
        return {"FINISHED"}


def append(way: MotionGPTWay, empty: bpy.types.Object) -> None:
    """Add an object as the last waypoint, and follow the waypoints."""
    way.waypoints.add().empty = empty
    way.active = len(way.waypoints) - 1
    way.kind = WayKind.WAYPOINTS.value


def _name(way: MotionGPTWay) -> str:
    return tr("Waypoint {number}", number=len(way.waypoints) + 1)


def _has_active(cls: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    if not has_target(cls, context):
        return False
    if armature.of(required_target(context)).way.active_waypoint is None:
        cls.poll_message_set(tr("Add a waypoint first"))
        return False
    return True


def _view_under(
    context: bpy.types.Context, event: bpy.types.Event
) -> tuple[bpy.types.Region, bpy.types.RegionView3D] | None:
    """The 3D view under the mouse; None over other editors, and over side bars and headers."""
    for area in context.window.screen.areas:
        space = area.spaces.active
        if area.type != "VIEW_3D" or not isinstance(space, bpy.types.SpaceView3D):
            continue
        under = [region for region in area.regions if _is_in(region, event)]
        if any(region.type != "WINDOW" for region in under):
            return None
        if under and space.region_3d is not None:
            return under[0], space.region_3d
    return None


def _is_in(region: bpy.types.Region, event: bpy.types.Event) -> bool:
    across = region.x <= event.mouse_x < region.x + region.width
    return across and region.y <= event.mouse_y < region.y + region.height and region.width > 1


def _redraw(context: bpy.types.Context) -> None:
    for area in context.window.screen.areas:
        if area.type == "VIEW_3D":
            area.tag_redraw()

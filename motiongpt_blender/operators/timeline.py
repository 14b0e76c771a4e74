"""Where marked poses stand on a timeline, and dragging them there."""

from __future__ import annotations

from typing import Any, Final

import bpy

from ..core.overlays.signs import Sign, sign_at, sign_height
from ..core.pose_constraints.marked_pose import PoseRole
from ..core.timeline.frame_range import frame_text
from ..core.translation import tr
from ..properties import armature
from ..properties import scene as scene_properties
from ..properties.armature import MotionGPTArmature
from ..properties.scene import target
from .targets import OperatorResult, has_target, required_target

#: Modes of the dope sheet that show the keys of objects.
_MODES: Final = ("TIMELINE", "DOPESHEET", "ACTION")


def signs_in(region: bpy.types.Region, group: MotionGPTArmature, scale: float) -> list[Sign]:
    """The sign of each marked pose in a region of the dope sheet, in the list's order."""
    view, height = region.view2d, sign_height(region.height, scale)
    return [
        Sign(
            PoseRole(pose.role),
            _pixels(view, pose.at),
            height,
            chosen=index == group.active,
        )
        for index, pose in enumerate(group.poses)
    ]


def _pixels(view: bpy.types.View2D, frame: float) -> float:
    """Pixels from a region's left edge to a frame."""
    place: Any = view.view_to_region(frame, 0.0, clip=False)  # the stubs know no tuple
    return float(place[0])


def shows_signs(context: bpy.types.Context) -> bool:
    """Whether the editor of a context shows the marked poses."""
    space = context.space_data
    return (
        isinstance(space, bpy.types.SpaceDopeSheetEditor)
        and space.mode in _MODES
        and scene_properties.of(context.scene).show_signs
    )


class MOTIONGPT_OT_move_pose(bpy.types.Operator):
    """Move a marked pose to another frame: drag its sign on the timeline"""

    bl_idname = "motiongpt.move_pose"
    bl_label = "MotionGPT: Move Marked Pose"
    bl_options = {"UNDO", "INTERNAL"}

    index: bpy.props.IntProperty(name="Pose", min=0, options={"HIDDEN"})
    frame: bpy.props.FloatProperty(name="Frame", step=100, precision=0)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A marked pose is needed, and one that belongs to this file."""
        if not has_target(cls, context):
            return False
        obj = required_target(context)
        if not armature.of(obj).poses:
            cls.poll_message_set(tr("Mark a pose first"))
            return False
        return obj.library is None

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Move the pose, and bring the list into time order."""
        group = armature.editable_of(required_target(context))
        if self.index >= len(group.poses):
            self.report(
                {"ERROR"}, tr("There is no marked pose number {number}.", number=self.index + 1)
            )
            return {"CANCELLED"}
        group.active = self.index
        group.move_pose(self.index, self.frame)
        group.sort_poses()
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Take hold of the sign under the mouse; without one the click is not ours."""
        obj = target(context)
        if obj is None or not shows_signs(context) or context.region.type != "WINDOW":
            return {"PASS_THROUGH"}
        scale = float(context.preferences.system.ui_scale)
        signs = signs_in(context.region, armature.of(obj), scale)
        found = sign_at(signs, event.mouse_region_x, event.mouse_region_y, scale)
        if found is None:
            return {"PASS_THROUGH"}
        group = armature.editable_of(obj)
        group.active = self.index = found
        self.frame = self._before = group.poses[found].at
        self._grabbed = _frame_under(context, event)
        context.window_manager.modal_handler_add(self)
        context.window.cursor_modal_set("MOVE_X")
        self._show(context)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Follow the mouse by whole frames until the button is released; Esc puts it back."""
        obj = target(context)
        if obj is None or self.index >= len(armature.of(obj).poses):
            return self._end(context, {"CANCELLED"})
        group = armature.of(obj)
        if event.type == "MOUSEMOVE":
            moved = round(_frame_under(context, event) - self._grabbed)
            self.frame = group.move_pose(self.index, self._before + moved)
            self._show(context)
        elif event.type in ("ESC", "RIGHTMOUSE"):
            group.move_pose(self.index, self._before)
            return self._end(context, {"CANCELLED"})
        elif event.type == "LEFTMOUSE" and event.value == "RELEASE":
            group.sort_poses()
            return self._end(context, {"FINISHED"})
        return {"RUNNING_MODAL"}

    def _show(self, context: bpy.types.Context) -> None:
        """Say the frame in the editor's header, and draw the sign where it is."""
        context.area.header_text_set(
            tr("Marked pose: frame {frame}   Esc: back", frame=frame_text(self.frame))
        )
        _redraw(context)

    def _end(self, context: bpy.types.Context, result: OperatorResult) -> OperatorResult:
        context.window.cursor_modal_restore()
        context.area.header_text_set(None)
        _redraw(context)
        return result


def _frame_under(context: bpy.types.Context, event: bpy.types.Event) -> float:
    """The frame under the mouse."""
    return context.region.view2d.region_to_view(event.mouse_region_x, 0.0)[0]


def _redraw(context: bpy.types.Context) -> None:
    """Draw timelines, and the side bar with the list, anew."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("DOPESHEET_EDITOR", "VIEW_3D"):
                area.tag_redraw()

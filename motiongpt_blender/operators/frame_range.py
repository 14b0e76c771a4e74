"""The frame range of a take, from what is selected."""

from __future__ import annotations

import bpy

from ..core.translation import tr
from ..properties import scene as scene_properties
from ..scene.action.played_curves import selected_frames
from .targets import OperatorResult, has_target, required_target


class MOTIONGPT_OT_range_from_selection(bpy.types.Operator):
    """Set the range to the selected keyframes, or else to the preview range or the scene range"""

    bl_idname = "motiongpt.range_from_selection"
    bl_label = "Range from Selection"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An armature is needed."""
        return has_target(cls, context)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Fill in both frames."""
        scene = context.scene
        frame_range = scene_properties.of(scene).frame_range
        chosen = selected_frames(required_target(context))
        if chosen is not None and chosen[0] < chosen[1]:
            source = tr("the selected keyframes")
        elif scene.use_preview_range:
            chosen = (scene.frame_preview_start, scene.frame_preview_end)
            source = tr("the preview range")
        else:
            chosen, source = (scene.frame_start, scene.frame_end), tr("the scene range")
        frame_range.start, frame_range.end = round(chosen[0]), round(chosen[1])
        self.report(
            {"INFO"},
            tr(
                "Frames {start} to {end}, {source}",
                start=frame_range.start,
                end=frame_range.end,
                source=source,
            ),
        )
        return {"FINISHED"}

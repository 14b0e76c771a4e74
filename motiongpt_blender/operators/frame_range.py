"""The frame range of a take, taken over from what is selected."""

from __future__ import annotations

from typing import Any

import bpy

from ..properties.scene import target
from ..scene.take.surroundings import selected_frames
from .poses import NO_ARMATURE


class MOTIONGPT_OT_range_from_selection(bpy.types.Operator):
    """Take the range from the selected keyframes, else from the preview range or the scene"""

    bl_idname = "motiongpt.range_from_selection"
    bl_label = "Range from Selection"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """An armature is needed."""
        if target(context) is None:
            cls.poll_message_set(NO_ARMATURE)
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        """Fill in both frames."""
        scene, place = context.scene, context.scene.motiongpt.frame_range
        chosen = selected_frames(target(context))
        if chosen is not None and chosen[0] < chosen[1]:
            said = "the selected keyframes"
        elif scene.use_preview_range:
            chosen, said = (scene.frame_preview_start, scene.frame_preview_end), "the preview range"
        else:
            chosen, said = (scene.frame_start, scene.frame_end), "the scene's range"
        place.start, place.end = round(chosen[0]), round(chosen[1])
        self.report({"INFO"}, f"Frames {place.start} to {place.end}, {said}")
        return {"FINISHED"}

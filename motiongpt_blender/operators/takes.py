"""Remove the last take of a character."""

from __future__ import annotations

import bpy

from ..scene.take.remove_take import find_take, remove_take
from . import session
from .targets import OperatorResult


class MOTIONGPT_OT_remove_take(bpy.types.Operator):
    """Remove this take. The animation before it comes back, everything else stays"""

    bl_idname = "motiongpt.remove_take"
    bl_label = "Remove Take"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A take that is there, nothing being written, and no NLA strip being edited."""
        reason = _why_not(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Remove it; an undo brings it back."""
        report = session.active_state(context).report
        assert report is not None
        remove_take(report.action_name, report.ids)
        self.report({"INFO"}, f"The take '{report.action_name}' was removed")
        return {"FINISHED"}


def _why_not(context: bpy.types.Context) -> str:
    """Why the last take cannot be removed now, or ""."""
    report = session.active_state(context).report
    if report is None:
        return "There is no take yet"
    if session.controller().pending is not None:
        return "A motion is being generated: wait or cancel it"
    found = find_take(report.action_name, report.ids)
    if found is None:
        return "The last take is gone already"
    data = found[0].animation_data
    if data is not None and data.use_tweak_mode:
        return "An NLA strip is in tweak mode: leave it with Tab in the NLA editor"
    return ""

"""The last take: taking it off again."""

from __future__ import annotations

from typing import Any

import bpy

from ..generate.state import SESSION
from ..scene.take.remove_take import find_take, take_back


class MOTIONGPT_OT_remove_take(bpy.types.Operator):
    """Remove this take; the animation before it comes back, everything else stays"""

    bl_idname = "motiongpt.remove_take"
    bl_label = "Remove Take"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """A take that is there, nothing being written, and no NLA strip being edited."""
        reason = _why_not()
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def execute(self, context: Any) -> set[str]:
        """Remove it; an undo brings it back."""
        assert SESSION.report is not None
        name = SESSION.report.action_name
        take_back(name, SESSION.report.ids)
        self.report({"INFO"}, f"The take '{name}' was removed.")
        return {"FINISHED"}


def _why_not() -> str:
    if SESSION.report is None:
        return "There is no take yet"
    if SESSION.job is not None or SESSION.writing is not None:
        return "A motion is being made: wait or cancel it"
    found = find_take(SESSION.report.action_name, SESSION.report.ids)
    if found is None:
        return "The last take is gone already"
    if found[0].animation_data.use_tweak_mode:
        return "An NLA strip is in tweak mode: leave it with Tab in the NLA editor"
    return ""

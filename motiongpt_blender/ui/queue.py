"""The takes under way of all characters: a line in the main panel, and a list behind it."""

from __future__ import annotations

import bpy
from bpy.types import Context, UILayout

from ..compat import session_id
from ..core.translation import tr
from ..generate.state import PendingTake, Phase, progress_text
from ..operators import session
from ..properties.scene import selected_armatures, target
from .base import button, hint, layout_of

#: How many names of those that wait are listed in a line.
NAMED = 3
#: Share of a row that is left of the button which opens the list.
QUEUE_SHARE = 0.82


class MOTIONGPT_PT_queue(bpy.types.Panel):
    """All takes under way, each with its cancel button. Opened by a button of the main panel."""

    bl_label = "Queue"
    bl_idname = "MOTIONGPT_PT_queue"
    bl_space_type = "VIEW_3D"
    bl_region_type = "HEADER"
    bl_ui_units_x = 14

    def draw(self, context: Context) -> None:
        """A row for each, in the order of the clicks."""
        layout, takes = layout_of(self), session.controller().under_way
        layout.label(text="Under way, and what waits")
        for take in takes:
            row = layout.row(align=True)
            draw_progress(row, take, f"{take.character.name}: ")
        if not takes:
            hint(layout, "Nothing is being generated")
        layout.operator("motiongpt.cancel_all", text="Cancel All", icon="X")


def draw_progress(row: UILayout, take: PendingTake, whose: str = "") -> None:
    """How far a take is, and its cancel button."""
    share = 1.0 if take.phase is Phase.WRITING else take.job.fraction
    row.progress(factor=share, text=f"{whose}{progress_text(take)}")
    cancel = row.row(align=True)
    cancel.enabled = take.phase is not Phase.WRITING
    button(cancel, "motiongpt.cancel", "", "X", job=take.job.request.job)


def draw_queue_button(row: UILayout) -> None:
    """The button that opens the list, with the number of takes under way."""
    count = len(session.controller().under_way)
    row.popover(MOTIONGPT_PT_queue.bl_idname, text=str(count or ""), icon="COLLAPSEMENU")


def draw_selected(context: Context, layout: UILayout) -> None:
    """Generate for all characters, where several are selected."""
    count = len(selected_armatures(context))
    if count > 1:
        text = tr("Generate for {count} Selected", count=count)
        layout.operator_menu_enum("motiongpt.generate_selected", "prompts", text=text)


def queue_text(context: Context) -> str:
    """Who has a take under way beside the character in the panel, or ""."""
    obj = target(context)
    own = session_id(obj) if obj is not None else None
    names = [
        take.character.name
        for take in session.controller().under_way
        if take.character.armature != own
    ]
    if not names:
        return ""
    listed = ", ".join(names[:NAMED])
    if len(names) > NAMED:
        return tr("Under way: {names} and {count} more", names=listed, count=len(names) - NAMED)
    return tr("Under way: {names}", names=listed)

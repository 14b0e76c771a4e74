"""The sub-panel "Last Take": its frames, how near the model came, its feet."""

from __future__ import annotations

import bpy
from bpy.types import Context

from ..core.feet.foot_locking import FootLockReport
from ..core.pose_constraints.reports import PoseReport
from ..core.timeline.frame_range import frame_text
from ..generate.state import CharacterState
from ..operators import session
from .base import Panel, hint, layout_of, sentence


class MOTIONGPT_PT_result(Panel, bpy.types.Panel):
    """The last take of the character."""

    bl_label = "Last Take"
    bl_idname = "MOTIONGPT_PT_result"
    bl_parent_id = "MOTIONGPT_PT_main"

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Only after a take, and while there is one."""
        state = session.active_state(context)
        return state.report is not None and not is_removed(state)

    def draw(self, context: Context) -> None:
        """Name, range, and how near the model came to each marked pose."""
        layout, state = layout_of(self), session.active_state(context)
        report = state.report
        if report is None:
            return
        column = layout.column(align=True)
        column.label(text=report.track_name, icon="NLA")
        row = column.row()
        row.label(
            text=f"Frames {frame_text(report.frame_start)} to {frame_text(report.frame_end)}",
            icon="TIME",
        )
        row.operator("motiongpt.remove_take", text="Remove", icon="TRASH")
        if report.keys:
            box = layout.box().column(align=True)
            box.label(text="The model alone, by frame:")
            for key in report.keys:
                row = box.row()
                row.label(text=f"{frame_text(key.frame)}:")
                body = f"{key.body_cm:.0f} cm, {key.body_degrees:.0f}°"
                place = f"place {key.position_cm:.0f} cm" if key.root_constrained else "place free"
                for distance in (f"body {body}", place):
                    cell = row.row()
                    cell.alignment = "RIGHT"
                    cell.label(text=distance)
            missed = [key for key in report.keys if key.fk_mismatch is not None]
            hint(box, f"The take meets {'the rest' if missed else 'them'} exactly")
            for key in missed:
                sentence(context, layout, missed_text(key), "INFO")
        if report.foot_lock is not None:
            sentence(context, layout, feet_text(report.foot_lock), "CON_FLOOR")
        for note in state.notes:
            sentence(context, layout, note, "INFO")


def is_removed(state: CharacterState) -> bool:
    """Whether the last take is gone again, as after an undo; a redo brings it back."""
    return state.report is not None and bpy.data.actions.get(state.report.action_name) is None


def missed_text(key: PoseReport) -> str:
    """What FK controls cannot reach of a pose, in one line; "" where they reach it all."""
    if (miss := key.fk_mismatch) is None:
        return ""
    return (
        f"Frame {frame_text(key.frame)}: FK controls cannot reach {miss.place_in_words} "
        f"exactly; '{miss.bone}' remains {miss.millimetres:.1f} mm and {miss.degrees:.2f}° away"
    )


def feet_text(foot_lock: FootLockReport) -> str:
    """What foot locking did to the feet, in one line."""
    if foot_lock == FootLockReport():
        return "No foot stands long enough to be locked"
    moved = f"Feet locked: moved {foot_lock.moved_cm:.0f} cm at most"
    lowered = f", hips {foot_lock.lowered_cm:.0f} cm lower" if foot_lock.lowered_cm >= 0.5 else ""
    slid = f"; {foot_lock.slid_cm:.0f} cm out of reach" if foot_lock.slid_cm >= 0.5 else ""
    return moved + lowered + slid

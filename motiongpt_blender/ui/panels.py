"""The tab "MotionGPT" in the 3D view's side bar."""

import textwrap
from typing import Any

import blf
import bpy

from .. import paths
from ..core.feet.foot_locking import FootLockReport
from ..core.pose_constraints.body_parts import BodyPart, is_whole_body
from ..core.pose_constraints.correction import PoseReport
from ..core.pose_constraints.marked_pose import PoseRole
from ..core.timeline.frame_range import FrameRangeMode, frame_text
from ..generate.state import SESSION, stage_text
from ..operators.poses import WHOLE_BODY
from ..preferences import chosen_pack
from ..properties.armature import PARTS
from ..properties.scene import target
from ..scene.action.recording import current_action
from .icons import icon

#: Parts of a pose as they stand under the list, one row a kind.
PARTS_BY_ROW = (
    (BodyPart.UPPER, BodyPart.LOWER, BodyPart.HIPS),
    (BodyPart.ARM_L, BodyPart.ARM_R),
    (BodyPart.HAND_L, BodyPart.HAND_R),
)
#: Pixels of the side bar's width that a sentence cannot use: tabs, margins, its icon.
MARGINS = 92


class _Panel:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "MotionGPT"


class _ArmaturePanel(_Panel):
    """A sub-panel about the chosen armature; it says so when there is none."""

    bl_parent_id = "MOTIONGPT_PT_main"

    def draw(self, context: Any) -> None:
        """The panel, or what is missing."""
        layout: Any = self.layout  # type: ignore[attr-defined] - the panel's own
        obj = target(context)
        if obj is None:
            _hint(layout, "Choose or select an armature")
            return
        self.draw_for(context, layout, obj)

    def draw_for(self, context: Any, layout: Any, obj: Any) -> None:
        """The panel for an armature."""
        raise NotImplementedError


class _List:
    """Rows of a list; Blender's long call in one place."""

    def draw_item(
        self,
        context: Any,
        layout: Any,
        data: Any,
        item: Any,
        icon_value: int,
        active_data: Any,
        active_property: str,
        index: int,
    ) -> None:
        """What Blender calls for each row."""
        self.draw_row(context, layout, item, index)

    def draw_row(self, context: Any, layout: Any, item: Any, index: int) -> None:
        """One row."""
        raise NotImplementedError


class MOTIONGPT_UL_poses(_List, bpy.types.UIList):
    """Marked poses in time order."""

    def draw_row(self, context: Any, layout: Any, item: Any, index: int) -> None:
        """One pose: role, frame."""
        row = layout.row(align=True)
        row.label(text=item.role.capitalize(), icon_value=icon(item.role.lower()))
        right = row.row()
        right.alignment = "RIGHT"
        right.active = item.frame == context.scene.frame_current
        part = "" if is_whole_body(item.bound) else "part of it, "
        right.label(text=f"{part}frame {frame_text(item.at)}")


class MOTIONGPT_PT_main(_Panel, bpy.types.Panel):
    """Armature, prompt, length, seed, Generate."""

    bl_label = "MotionGPT"
    bl_idname = "MOTIONGPT_PT_main"

    def draw_header(self, context: Any) -> None:
        """Our icon."""
        self.layout.label(icon_value=icon("motiongpt"))

    def draw(self, context: Any) -> None:
        """The wish and the button."""
        layout, request = self.layout, context.scene.motiongpt
        layout.use_property_split = True
        layout.use_property_decorate = False
        obj = target(context)
        layout.prop(request, "armature", text="Armature")
        if request.armature is None and obj is not None:
            _hint(layout, f"Uses the selected one, {obj.name}")
        column = layout.column()
        column.use_property_split = False
        column.prop(request, "prompt", text="", icon="SMALL_CAPS")
        if decided := _length_decided(request, obj):
            row = layout.row().split(factor=0.4)
            row.active = False
            name = row.row()
            name.alignment = "RIGHT"
            name.label(text="Length")
            row.label(text=decided)
        else:
            layout.prop(request, "seconds")
        layout.prop(request, "seed")
        layout.prop(request, "candidates")
        layout.prop(request, "guidance")
        layout.separator(factor=0.5)
        self._action(layout)
        pack = paths.pack_info(chosen_pack(context))
        if pack is not None and pack.non_commercial:
            _sentence(context, layout, licence_text(pack.licence), "ERROR")
        if SESSION.message and (SESSION.failed or not taken_back()):
            _sentence(context, layout, SESSION.message, "ERROR" if SESSION.failed else "CHECKMARK")

    def _action(self, layout: Any) -> None:
        job = SESSION.job
        row = layout.row(align=True)
        row.scale_y = 1.6
        if job is None and SESSION.writing is not None:
            row.progress(factor=1.0, text="Writing the keys")
            return
        if job is None:
            row.operator("motiongpt.generate", icon_value=icon("generate"))
            return
        row.progress(factor=job.fraction, text=stage_text(job))
        row.operator("motiongpt.cancel", text="", icon="X")


class MOTIONGPT_PT_poses(_ArmaturePanel, bpy.types.Panel):
    """The list of marked poses."""

    bl_label = "Marked Poses"
    bl_idname = "MOTIONGPT_PT_poses"

    def draw_for(self, context: Any, layout: Any, obj: Any) -> None:
        """Buttons, list, and what is chosen of it.

        The buttons stand first, so that no pose that comes pushes them from under the mouse.
        """
        group = obj.motiongpt
        layout.label(text="Mark this frame's pose as")
        row = layout.row(align=True)
        for role in PoseRole:
            name = role.value.capitalize()
            button = row.operator(
                "motiongpt.add_pose", text=name, icon_value=icon(role.value.lower())
            )
            button.role = role.value
        row = layout.row()
        row.template_list(
            "MOTIONGPT_UL_poses", "", group, "poses", group, "active", rows=3, maxrows=8
        )
        side = row.column(align=True)
        side.operator("motiongpt.remove_pose", text="", icon="REMOVE")
        side.operator("motiongpt.jump_to_pose", text="", icon="TIME")
        side.operator("motiongpt.show_pose", text="", icon="POSE_HLT")
        if 0 <= group.active < len(group.poses):
            self._binds(layout, group.poses[group.active])
            if (note := group.poses[group.active].note) != "":
                _sentence(context, layout, note, "INFO")

    def _binds(self, layout: Any, pose: Any) -> None:
        """What of the active pose counts."""
        layout.label(text=f"Frame {frame_text(pose.at)} binds")
        names = {value: name for value, name, *_ in PARTS}
        column = layout.column(align=True)
        bound, whole = pose.bound, is_whole_body(pose.bound)
        button = column.operator("motiongpt.bind_part", text="Whole Body", depress=whole)
        button.part = WHOLE_BODY
        for group in PARTS_BY_ROW:
            row = column.row(align=True)
            for part in group:
                lit = not whole and part in bound
                name = names[part.value]
                row.operator("motiongpt.bind_part", text=name, depress=lit).part = part.value


class MOTIONGPT_PT_result(_Panel, bpy.types.Panel):
    """What the last take is like."""

    bl_label = "Last Take"
    bl_idname = "MOTIONGPT_PT_result"
    bl_parent_id = "MOTIONGPT_PT_main"

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Only after a take, and while there is one."""
        return SESSION.report is not None and not taken_back()

    def draw(self, context: Any) -> None:
        """Name, range, and how near the model came to each marked pose."""
        layout, report = self.layout, SESSION.report
        if report is None:
            return
        column = layout.column(align=True)
        column.label(text=report.track_name, icon="NLA")  # its number at the end tells takes apart
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
                row.label(text=f"{frame_text(key.frame)}:")  # a word more is cut off
                body = f"{key.body_cm:.0f} cm, {key.body_degrees:.0f}°"
                place = f"place {key.position_cm:.0f} cm" if key.root_constrained else "place free"
                for distance in (f"body {body}", place):
                    cell = row.row()
                    cell.alignment = "RIGHT"
                    cell.label(text=distance)
            missed = [key for key in report.keys if key.fk_mismatch is not None]
            _hint(box, f"The take meets {'the rest' if missed else 'them'} exactly")
            for key in missed:
                _sentence(context, layout, missed_text(key), "INFO")
        if report.foot_lock is not None:
            _sentence(context, layout, feet_text(report.foot_lock), "CON_FLOOR")
        for note in SESSION.notes:
            _sentence(context, layout, note, "INFO")


class MOTIONGPT_PT_training_data(_ArmaturePanel, bpy.types.Panel):
    """The character's animation as a captioned clip."""

    bl_label = "Training Data"
    bl_idname = "MOTIONGPT_PT_training_data"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_for(self, context: Any, layout: Any, obj: Any) -> None:
        """What is exported, and the button."""
        action = current_action(obj)
        if action is None:
            _hint(layout, f"{obj.name} has no action")
        else:
            layout.label(text=action.name, icon="ACTION")
            _hint(layout, "The prompt is its caption")
        layout.operator("motiongpt.export_clip", icon="EXPORT")


def taken_back() -> bool:
    """Whether the last take is gone again, as after an undo; a redo brings it back."""
    report = SESSION.report
    return report is not None and bpy.data.actions.get(report.action_name) is None


def licence_text(licence: str) -> str:
    """A licence that forbids commercial use, with these words once."""
    says = "commercial" in licence.lower()
    return f"Licence: {licence}" if says else f"Not for commercial use: {licence}"


def missed_text(key: PoseReport) -> str:
    """What FK controls cannot show of a pose, in one line; "" where they show it all."""
    if (miss := key.fk_mismatch) is None:
        return ""
    return (
        f"Frame {frame_text(key.frame)}: FK controls cannot show {miss.where} to the last; "
        f"'{miss.bone}' stays {miss.millimetres:.1f} mm and {miss.degrees:.2f}° away"
    )


def feet_text(foot_lock: FootLockReport) -> str:
    """What planting did to the feet, in one line."""
    if foot_lock == FootLockReport():
        return "No foot stands long enough to be planted"
    moved = f"Feet planted: moved {foot_lock.moved_cm:.0f} cm at most"
    lowered = f", hips {foot_lock.lowered_cm:.0f} cm lower" if foot_lock.lowered_cm >= 0.5 else ""
    slid = f"; {foot_lock.slid_cm:.0f} cm out of reach" if foot_lock.slid_cm >= 0.5 else ""
    return moved + lowered + slid


def _length_decided(request: Any, obj: Any) -> str:
    """What decides the length instead of its field, or ""."""
    if request.frame_range.mode in (FrameRangeMode.RANGE.value, FrameRangeMode.BETWEEN.value):
        return "by Timing below"
    ends = obj is not None and any(p.role == PoseRole.END.value for p in obj.motiongpt.poses)
    return "up to the end pose" if ends else ""


def _hint(layout: Any, text: str) -> None:
    row = layout.row()
    row.active = False
    row.label(text=text)


def _sentence(context: Any, layout: Any, text: str, symbol: str) -> None:
    """A sentence, wrapped to the width of the side bar."""
    blf.size(0, context.preferences.ui_styles[0].widget.points * _scale(context))
    letter = blf.dimensions(0, text)[0] / max(len(text), 1)
    room = context.region.width - MARGINS * _scale(context)
    column = layout.column(align=True)
    column.scale_y = 0.85
    for k, line in enumerate(textwrap.wrap(text, max(16, int(room / max(letter, 1.0))))):
        column.label(text=line, icon=symbol if k == 0 else "BLANK1")


def _scale(context: Any) -> float:
    return context.preferences.system.ui_scale

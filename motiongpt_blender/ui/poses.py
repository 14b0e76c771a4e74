"""The sub-panel "Marked Poses": the list and what each pose constrains."""

from __future__ import annotations

from typing import Final

import bpy
from bpy.types import Context, Object, UILayout

from ..core.pose_constraints.body_parts import BodyPart, is_whole_body
from ..core.pose_constraints.marked_pose import PoseRole
from ..core.timeline.frame_range import frame_text
from ..core.translation import tr
from ..operators.poses import EVERY_PART
from ..properties import armature
from ..properties import scene as scene_properties
from ..properties.marked_pose import PARTS, MotionGPTPose
from ..properties.scene import target
from .base import ArmaturePanel, List, button, layout_of, sentence
from .icons import icon

#: Parts of a pose as they stand under the list, one row a kind.
PARTS_BY_ROW: Final = (
    (BodyPart.UPPER, BodyPart.LOWER, BodyPart.HIPS),
    (BodyPart.ARM_L, BodyPart.ARM_R),
    (BodyPart.HAND_L, BodyPart.HAND_R),
)
#: Name of each part on its button.
PART_NAMES: Final = {value: name for value, name, *_ in PARTS}


class MOTIONGPT_UL_poses(List, bpy.types.UIList):
    """Marked poses in time order."""

    def draw_row(self, context: Context, layout: UILayout, item: MotionGPTPose, index: int) -> None:
        """One pose: role, frame."""
        row = layout.row(align=True)
        row.label(text=item.role.capitalize(), icon_value=icon(item.role.lower()))
        right = row.row()
        right.alignment = "RIGHT"
        right.active = item.frame == context.scene.frame_current
        frame = frame_text(item.at)
        right.label(
            text=tr("frame {frame}", frame=frame)
            if is_whole_body(item.parts)
            else tr("part of it, frame {frame}", frame=frame)
        )


class MOTIONGPT_PT_poses(ArmaturePanel, bpy.types.Panel):
    """The list of marked poses."""

    bl_label = "Marked Poses"
    bl_idname = "MOTIONGPT_PT_poses"

    def draw_header_preset(self, context: Context) -> None:
        """Whether the poses are shown in the view and on the timeline."""
        row, panel = layout_of(self).row(align=True), scene_properties.of(context.scene)
        row.prop(panel, "show_ghosts", text="", icon="GHOST_ENABLED")
        row.prop(panel, "show_signs", text="", icon="TIME")

    def draw_for(self, context: Context, layout: UILayout, obj: Object) -> None:
        """Buttons, list, and the active pose.

        The buttons come first, so that a new row does not move them away from the mouse.
        """
        group = armature.of(obj)
        row = layout.row(align=True)
        for role in PoseRole:
            name = role.value.capitalize()
            symbol = icon(role.value.lower())
            button(row, "motiongpt.add_pose", name, icon_value=symbol, role=role.value)
        row = layout.row()
        row.template_list(
            "MOTIONGPT_UL_poses", "", group, "poses", group, "active", rows=2, maxrows=8
        )
        side = row.column(align=True)
        side.operator("motiongpt.remove_pose", text="", icon="REMOVE")
        side.operator("motiongpt.jump_to_pose", text="", icon="TIME")
        side.operator("motiongpt.show_pose", text="", icon="POSE_HLT")
        if (pose := group.active_pose) is not None:
            row = layout.row()
            row.prop(group, "active_frame")
            row.popover(MOTIONGPT_PT_pose_parts.bl_idname, text=parts_text(pose))
            if (note := pose.note) != "":
                sentence(context, layout, note, "INFO")


class MOTIONGPT_PT_pose_parts(bpy.types.Panel):
    """The body parts that the selected pose constrains. Opened by a button below the list."""

    bl_label = "Parts of the Pose"
    bl_idname = "MOTIONGPT_PT_pose_parts"
    bl_space_type = "VIEW_3D"
    bl_region_type = "HEADER"
    bl_ui_units_x = 13

    def draw(self, context: Context) -> None:
        """A button a part; it stays open, so that Shift-click adds parts."""
        layout, obj = layout_of(self), target(context)
        pose = armature.of(obj).active_pose if obj is not None else None
        if pose is None:
            return
        layout.label(text="The motion meets")
        column = layout.column(align=True)
        parts, whole = pose.parts, is_whole_body(pose.parts)
        button(column, "motiongpt.constrain_part", "Whole Body", depress=whole, part=EVERY_PART)
        for kind in PARTS_BY_ROW:
            row = column.row(align=True)
            for part in kind:
                lit = not whole and part in parts
                name = PART_NAMES[part.value]
                button(row, "motiongpt.constrain_part", name, depress=lit, part=part.value)


def parts_text(pose: MotionGPTPose) -> str:
    """What a pose constrains, as its button says it."""
    if is_whole_body(pose.parts):
        return tr("Whole Body")
    names = [tr(name) for value, name in PART_NAMES.items() if value in pose.parts]
    return names[0] if len(names) == 1 else tr("{count} Parts", count=len(names))

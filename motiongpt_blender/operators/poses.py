"""Operators on the list of marked poses."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import bpy
import numpy as np

from ..core.pose_constraints.body_parts import WHOLE_BODY, BodyPart, is_whole_body
from ..core.pose_constraints.fk_mismatch import mismatch_note
from ..core.pose_constraints.marked_pose import PoseRole
from ..core.pose_constraints.rig_pose import PoseError
from ..core.timeline.frame_range import frame_text
from ..core.translation import msgid, tr
from ..properties import armature
from ..properties.armature import MotionGPTArmature
from ..properties.marked_pose import PARTS, ROLES
from ..scene.errors import RigError
from ..scene.pose.capture import limbs_out_of_reach, out_of_reach_warning
from ..scene.pose.mark_pose import mark_pose
from ..scene.pose.show_pose import show_pose
from ..scene.rig.description import describe
from ..scene.rig.usability import check_usable
from ..scene.scene_time import current_frame
from .targets import OperatorResult, has_active_pose, has_target, required_target

#: The choice of all parts.
EVERY_PART: Final = "WHOLE"


class MOTIONGPT_OT_add_pose(bpy.types.Operator):
    """Mark the armature's pose at the current frame. The motion will meet it exactly"""

    bl_idname = "motiongpt.add_pose"
    bl_label = "MotionGPT: Mark Pose"
    bl_options = {"REGISTER", "UNDO"}

    role: bpy.props.EnumProperty(name="Role", items=ROLES, default=PoseRole.KEY.value)

    @classmethod
    def description(
        cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties
    ) -> str:
        """Tooltip by role."""
        what = tr(next(text for value, _, text in ROLES if value == properties.role))
        return tr("Mark the pose at the current frame. {what}", what=what)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An armature is needed."""
        return has_target(cls, context)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Read the pose and put it into the list."""
        return mark(self, required_target(context), PoseRole(self.role))


def mark(operator: bpy.types.Operator, obj: bpy.types.Object, role: PoseRole) -> OperatorResult:
    """Mark the pose that an armature shows now, at the current frame."""
    frame = current_frame()
    try:
        again, note = store_mark(obj, frame, role)
    except RigError as error:
        operator.report({"ERROR"}, str(error))
        return {"CANCELLED"}
    if note:  # on its own: Blender shows only the last report
        operator.report({"WARNING"}, note)
    else:
        said = msgid("Frame {frame} is again marked") if again else msgid("Frame {frame} is marked")
        operator.report({"INFO"}, tr(said, frame=frame_text(frame)))
    return {"FINISHED"}


def store_mark(obj: bpy.types.Object, frame: float, role: PoseRole) -> tuple[bool, str]:
    """Put the pose that an armature shows now into its list, as one of a frame.

    Returns:
        Whether it replaced another one, and what the animator should know of it, or "".

    Raises:
        RigError: when the pose cannot be read.
    """
    rig = describe(obj)
    marked = mark_pose(obj, rig, frame, role)
    group = armature.editable_of(obj)
    replaced = _replaced(group, frame, role)
    again = next((group.poses[k] for k in replaced if group.poses[k].at == frame), None)
    if again is not None:  # the same frame again: the same parts count
        marked = replace(marked, body_parts=again.parts or WHOLE_BODY)
    for index in reversed(replaced):
        group.poses.remove(index)
    entry = group.poses.add()
    entry.store(marked)
    group.active = len(group.poses) - 1
    group.sort_poses()
    note = out_of_reach_warning(frame, limbs_out_of_reach(obj, rig), rig) or mismatch_note(
        marked.worst_mismatch
    )
    return bool(replaced), note


def _replaced(group: MotionGPTArmature, frame: float, role: PoseRole) -> list[int]:
    """The poses that the new one replaces: at the same frame, and the only start or end."""
    single = role is not PoseRole.KEY
    return [
        index
        for index, pose in enumerate(group.poses)
        if pose.at == frame or (single and pose.role == role.value)
    ]


class MOTIONGPT_OT_remove_pose(bpy.types.Operator):
    """Remove the pose from the list. The animation stays as it is"""

    bl_idname = "motiongpt.remove_pose"
    bl_label = "MotionGPT: Remove Pose"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A marked pose is needed."""
        return has_active_pose(cls, context)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Remove the active one."""
        group = armature.editable_of(required_target(context))
        group.poses.remove(group.active)
        group.active = max(0, min(group.active, len(group.poses) - 1))
        return {"FINISHED"}


class MOTIONGPT_OT_constrain_part(bpy.types.Operator):
    """The motion meets only this part of the pose. Shift-click adds or removes a part"""

    bl_idname = "motiongpt.constrain_part"
    bl_label = "Constrain Part"
    bl_options = {"REGISTER", "UNDO"}

    part: bpy.props.EnumProperty(
        name="Part", items=((EVERY_PART, "Whole Body", "Everything", 0), *PARTS)
    )
    join: bpy.props.BoolProperty(name="Join", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A marked pose is needed."""
        return has_active_pose(cls, context)

    @classmethod
    def description(
        cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties
    ) -> str:
        """Tooltip by part."""
        if properties.part == EVERY_PART:
            return tr("The motion meets the whole pose")
        what = tr(next(text for value, _, text, _ in PARTS if value == properties.part))
        return tr(
            "The motion meets only this part: {what}. Shift-click adds or removes a part", what=what
        )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Shift joins."""
        self.join = event.shift
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Choose the parts of the active pose."""
        group = armature.editable_of(required_target(context))
        pose = group.active_pose
        assert pose is not None
        if self.part == EVERY_PART:
            chosen = WHOLE_BODY
        elif self.join and not is_whole_body(pose.parts):
            chosen = pose.parts ^ {BodyPart(self.part)}
        else:
            chosen = {BodyPart(self.part)}
        pose.body_parts = {part.value for part in chosen or WHOLE_BODY}
        return {"FINISHED"}


class MOTIONGPT_OT_jump_to_pose(bpy.types.Operator):
    """Go to the frame of the pose"""

    bl_idname = "motiongpt.jump_to_pose"
    bl_label = "MotionGPT: Jump to Pose"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A marked pose is needed."""
        return has_active_pose(cls, context)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Set the scene's frame."""
        group = armature.of(required_target(context))
        pose = group.active_pose
        assert pose is not None
        context.scene.frame_set(pose.frame, subframe=pose.subframe)
        return {"FINISHED"}


class MOTIONGPT_OT_show_pose(bpy.types.Operator):
    """Go to the frame of the pose and show it on the armature, to change it and mark it again"""

    bl_idname = "motiongpt.show_pose"
    bl_label = "MotionGPT: Show Pose"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A marked pose is needed."""
        return has_active_pose(cls, context)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Set the scene's frame and the bones; no key is made."""
        obj = required_target(context)
        entry = armature.of(obj).active_pose
        assert entry is not None
        try:
            marked = entry.load()
            check_usable(obj)
            show_pose(context.scene, obj, marked)
        except (PoseError, RigError) as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if marked.object_matrix is not None and not np.allclose(
            marked.object_matrix, np.array(obj.matrix_basis)
        ):
            self.report(
                {"WARNING"}, tr("{name} stands elsewhere since the pose was marked", name=obj.name)
            )
        return {"FINISHED"}

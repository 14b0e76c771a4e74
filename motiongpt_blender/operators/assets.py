"""Takes as assets, and poses of the pose library as marked poses."""

from __future__ import annotations

import bpy

from ..core.pose_constraints.marked_pose import PoseRole
from ..core.translation import tr
from ..properties.marked_pose import ROLES
from ..scene.errors import RigError
from ..scene.pose.pose_asset import posed_as
from ..scene.rig.usability import check_usable
from ..scene.take.provenance import mark_as_asset
from .poses import mark
from .takes import TAKE_GONE, TakeOperator, chosen_take
from .targets import OperatorResult, has_target, required_target


class MOTIONGPT_OT_take_as_asset(TakeOperator):
    """Make the action of this kept take an asset, with picture, tags, author and licence"""

    bl_idname = "motiongpt.take_as_asset"
    bl_label = "MotionGPT: Take as Asset"

    @classmethod
    def why_not(cls, context: bpy.types.Context) -> str:
        """A kept take must be chosen whose action is no asset yet."""
        if reason := super().why_not(context):
            return reason
        take = chosen_take(context)
        if take.action is None:
            return tr(TAKE_GONE)
        if not take.kept:
            return tr("Keep this take first")
        return tr("This take is an asset already") if take.action.asset_data is not None else ""

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Mark it."""
        take = chosen_take(context)
        mark_as_asset(take.action)
        self.tell(take.obj, tr("'{name}' is an asset of this file", name=take.name))
        return {"FINISHED"}


class MOTIONGPT_OT_mark_pose_asset(bpy.types.Operator):
    """Mark a pose of the pose library at the current frame. The character's own pose stays"""

    bl_idname = "motiongpt.mark_pose_asset"
    bl_label = "MotionGPT: Mark Pose Asset"
    bl_options = {"REGISTER", "UNDO"}

    action: bpy.props.StringProperty(
        name="Pose",
        description="Action of this file with the pose; when empty, the asset under the mouse",
        options={"SKIP_SAVE"},
    )
    role: bpy.props.EnumProperty(name="Role", items=ROLES, default=PoseRole.KEY.value)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An armature is needed."""
        return has_target(cls, context)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Show the pose, mark it as *Mark Pose* does, and put the character back."""
        obj, asset = required_target(context), getattr(context, "asset", None)
        try:
            check_usable(obj)
            if self.action or asset is None or asset.local_id is not None:
                name = self.action or (asset.local_id.name if asset is not None else "")
                return self._mark(obj, bpy.data.actions.get(name))
            with bpy.data.temp_data() as temp:
                with temp.libraries.load(asset.full_library_path) as (_, wanted):
                    wanted.actions = [asset.name]
                return self._mark(obj, wanted.actions[0])
        except RigError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}

    def _mark(self, obj: bpy.types.Object, action: bpy.types.Action | None) -> OperatorResult:
        if action is None:
            raise RigError(tr("Choose a pose of the pose library first."))
        with posed_as(obj, action):
            return mark(self, obj, PoseRole(self.role))

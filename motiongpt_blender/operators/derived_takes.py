"""Takes made of a kept take, beside it: mirrored, or with more or less energy. No model works."""

from __future__ import annotations

import bpy

from ..core.body.rotations import Array
from ..core.mirroring import mirror_motion, mirror_sentence
from ..core.reshape.energy import with_energy
from ..core.translation import tr
from ..properties.takes import MotionGPTTake
from ..scene.action.nla_tracks import playing_strip
from ..scene.pose.recording import ActionRange
from .copied_motion import REFUSED, copy_motion
from .reshape import why_not_played
from .takes import TakeOperator, chosen_take
from .targets import OperatorResult, required_target


class _DerivedTakeOperator(TakeOperator):
    """What both share: the take is read as it plays, and stays as it is."""

    #: Whether marked poses in its frames are met.
    through_poses = True

    @classmethod
    def why_not(cls, context: bpy.types.Context) -> str:
        """The take must be kept, and play."""
        reason = super().why_not(context)
        take = None if reason else chosen_take(context)
        if take is not None and take.shown:
            return tr("Keep the take first, then make another one of it")
        return reason or why_not_played(chosen_take(context))

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Read it frame by frame, and write the other one."""
        obj, take = required_target(context), chosen_take(context)
        try:
            report = copy_motion(
                context, obj, obj, _frames_of(take, self.name_of(take)), at_current=False,
                change=self.changed, through_poses=self.through_poses,
            )  # fmt: skip
        except REFUSED as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.tell(obj, tr("'{name}' is on a new NLA track", name=report.action_name))
        return {"FINISHED"}

    def name_of(self, take: MotionGPTTake) -> str:
        """The prompt of the new take."""
        return take.prompt or take.name

    def changed(self, joints: Array, fps: float) -> Array:
        """The motion (T, 22, 3) of the new take."""
        raise NotImplementedError


class MOTIONGPT_OT_mirror_take(_DerivedTakeOperator):
    """Make another take in which left and right are swapped. Marked poses, which are not mirrored, are not met"""  # noqa: E501

    bl_idname = "motiongpt.mirror_take"
    bl_label = "MotionGPT: Mirror Take"

    through_poses = False

    def name_of(self, take: MotionGPTTake) -> str:
        """The prompt, its sides swapped."""
        return mirror_sentence(super().name_of(take))

    def changed(self, joints: Array, fps: float) -> Array:
        """Reflected; it begins where the take begins."""
        return mirror_motion(joints)


class MOTIONGPT_OT_take_energy(_DerivedTakeOperator):
    """Make another take whose arms and back swing farther, or less far. Feet stay, and marked poses in its frames are met"""  # noqa: E501

    bl_idname = "motiongpt.take_energy"
    bl_label = "MotionGPT: Take Energy"

    energy: bpy.props.FloatProperty(
        name="Energy",
        description="1 is the take as it is, 0 without swing, 2 with twice as much",
        default=1.5,
        min=0.0,
        max=3.0,
        precision=2,
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask for the energy."""
        return context.window_manager.invoke_props_dialog(self)

    def changed(self, joints: Array, fps: float) -> Array:
        """Arms and back swing otherwise about their mean."""
        return with_energy(joints, fps, self.energy)


def _frames_of(take: MotionGPTTake, name: str) -> ActionRange:
    """The scene frames in which a take plays."""
    playing = take.played or take.action
    data = take.obj.animation_data
    found = playing_strip(data, playing) if data is not None else None
    if found is not None:
        return ActionRange(name, found[1].frame_start, found[1].frame_end)
    first, last = take.action.curve_frame_range
    return ActionRange(name, float(first), float(last))

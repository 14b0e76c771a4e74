"""Takes made of a kept take, beside it: mirrored, or in another style. No model works."""

from __future__ import annotations

import math

import bpy

from ..core.body.rotations import Array
from ..core.mirroring import mirror_motion, mirror_sentence
from ..core.reshape.take_style import TakeStyle, with_style
from ..core.translation import tr
from ..properties.placement import Placement
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


class MOTIONGPT_OT_take_style(_DerivedTakeOperator):
    """Make another take whose upper body swings more or less, whose back is bent or whose arms are wider. Feet stay, and marked poses in its frames are met"""  # noqa: E501

    bl_idname = "motiongpt.take_style"
    bl_label = "MotionGPT: Take Style"

    energy: bpy.props.FloatProperty(
        name="Energy",
        description="How far arms and back swing: 1 as in the take, 0 not at all, 2 twice as far",
        default=1.0,
        min=0.0,
        max=3.0,
        precision=2,
    )
    hunch: bpy.props.FloatProperty(
        name="Hunch",
        description="How far the back is bent forward",
        min=math.radians(-30),
        max=math.radians(60),
        subtype="ANGLE",
    )
    arms: bpy.props.FloatProperty(
        name="Wide Arms",
        description="How much farther from the body the upper arms are",
        min=math.radians(-30),
        max=math.radians(60),
        subtype="ANGLE",
    )
    as_layer: bpy.props.BoolProperty(
        name="As Additive Layer",
        description="Add the difference to the take on an NLA track, whose influence blends it in",
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask for the style."""
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Make it, and a layer of it where that is asked."""
        done = super().execute(context)
        if self.as_layer and done == {"FINISHED"}:
            chosen_take(context).place_at(Placement.LAYER)
        return done

    def changed(self, joints: Array, fps: float) -> Array:
        """The upper body in the style."""
        hunch, arms = math.degrees(self.hunch), math.degrees(self.arms)
        return with_style(joints, fps, TakeStyle(self.energy, hunch, arms))


def _frames_of(take: MotionGPTTake, name: str) -> ActionRange:
    """The scene frames in which a take plays."""
    playing = take.played or take.action
    data = take.obj.animation_data
    found = playing_strip(data, playing) if data is not None else None
    if found is not None:
        return ActionRange(name, found[1].frame_start, found[1].frame_end)
    first, last = take.action.curve_frame_range
    return ActionRange(name, float(first), float(last))

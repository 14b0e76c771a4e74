"""Takes reshaped without the model: fitted to a pose, and back to what they were."""

from __future__ import annotations

import bpy

from ..core.body.slices import run_to_end
from ..core.pose_constraints.fk_mismatch import mismatch_note
from ..core.timeline.frame_range import frame_text
from ..core.translation import tr
from ..properties import armature
from ..properties.takes import MotionGPTTake
from ..scene.action.nla_tracks import playing_strip
from ..scene.errors import RigError
from ..scene.rig.usability import check_usable
from ..scene.scene_time import current_frame, played_time
from ..scene.take.reshape import fit_take_slices
from ..scene.take.trails import StripTime
from .takes import TakeOperator, chosen_take
from .targets import OperatorResult, required_target


class _ReshapeOperator(TakeOperator):
    """What the operators on a take that plays share."""

    @classmethod
    def why_not(cls, context: bpy.types.Context) -> str:
        """The chosen take must play, with nothing over it."""
        return super().why_not(context) or _why_not_played(chosen_take(context))


class MOTIONGPT_OT_fit_take(_ReshapeOperator):
    """Bend this take through the pose that the character shows at this frame. It is met exactly and fades within Reach; feet are planted again"""  # noqa: E501

    bl_idname = "motiongpt.fit_take"
    bl_label = "MotionGPT: Fit Take to Pose"

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Fit it; Reset and undo bring it back."""
        obj, take = required_target(context), chosen_take(context)
        options = armature.of(obj).retargeting.options()
        ends_stay = not take.alone or take.frame_range.loop
        first = take.keep_original()
        try:
            check_usable(obj)
            fitted = run_to_end(
                fit_take_slices(obj, take.action, _time_of(take), options, ends_stay=ends_stay)
            )
        except RigError as error:
            if first:
                take.forget_original()
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        take.place_again()
        note = mismatch_note(fitted.mismatches[0] if fitted.mismatches else None)
        if note:
            self.report({"WARNING"}, note)
        else:
            text = tr("The take meets the pose at frame {frame}", frame=frame_text(current_frame()))
            self.report({"INFO"}, text)
        return {"FINISHED"}


class MOTIONGPT_OT_reset_take(TakeOperator):
    """Bring this take back as it was before it was reshaped, to the last key"""

    bl_idname = "motiongpt.reset_take"
    bl_label = "MotionGPT: Reset Take"

    @classmethod
    def why_not(cls, context: bpy.types.Context) -> str:
        """A take must be chosen that was reshaped."""
        return super().why_not(context) or why_not_reset(chosen_take(context))

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Reset it; an undo brings the reshaped one back."""
        take = chosen_take(context)
        take.reset()
        take.place_again()
        self.report({"INFO"}, tr("The take '{name}' is as it was generated", name=take.name))
        return {"FINISHED"}


def why_not_reset(take: MotionGPTTake) -> str:
    """Why a take cannot be reset, or ""."""
    return "" if take.original is not None else tr("This take was not reshaped")


def _why_not_played(take: MotionGPTTake) -> str:
    """Why the character does not show a take alone, or ""."""
    data = take.obj.animation_data
    if take.action is None or data is None or not take.on_rig:
        return tr("This take is not on the character: click it in the list, or Keep it")
    if data.action not in (None, take.action, take.played):
        return tr(
            "The active action '{action}' lies over the take: push it down or unlink it in the "
            "Action Editor",
            action=data.action.name,
        )
    return ""


def _time_of(take: MotionGPTTake) -> float:
    """The time of a take's action that is in view."""
    data = take.obj.animation_data
    playing = take.played or take.action
    found = playing_strip(data, playing) if data is not None else None
    if found is None:
        return played_time()
    strip = StripTime.of(found[1])
    return strip.action_start + (played_time() - strip.start) / (strip.scale or 1.0)

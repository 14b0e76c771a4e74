"""Takes reshaped: fitted to a pose, retimed, blended, in part anew, and back to what they were."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import bpy

from ..core.body.slices import run_to_end
from ..core.pose_constraints.fk_mismatch import mismatch_note
from ..core.rig.rig_options import RigOptions, RootTarget
from ..core.timeline.frame_range import FrameRangeMode, frame_text
from ..core.translation import tr
from ..generate.controller import REFUSED
from ..properties import armature
from ..properties import scene as scene_properties
from ..properties.placement import Placement
from ..properties.retargeting import ROOTS
from ..properties.scene import target
from ..properties.takes import MotionGPTTake
from ..scene.action.nla_tracks import playing_strip
from ..scene.errors import RigError
from ..scene.rig.usability import check_usable
from ..scene.scene_time import current_frame, played_time
from ..scene.take.merge import own_keys_in_the_way
from ..scene.take.reshape import fit_take_slices
from ..scene.take.retime_take import blend_take_slices, move_root_slices, retime_take_slices
from ..scene.take.trails import StripTime
from . import generation, session, waiting
from .takes import TakeOperator, chosen_take, next_seed
from .targets import OperatorResult, required_target

#: What stands beside the roots: nothing moves.
IN_PLACE = "IN_PLACE"


def _others(take: MotionGPTTake) -> list[tuple[int, MotionGPTTake]]:
    """The other takes of the same prompt, with their indices."""
    entries = armature.of(take.obj).takes.entries
    return [
        (k, other)
        for k, other in enumerate(entries)
        if other.prompt == take.prompt and other != take and other.action is not None
    ]


#: Blender reads the names of a list's items from Python for as long as it shows them.
_ITEMS: list[tuple[str, str, str]] = []


def _other_takes(
    _operator: bpy.types.Operator, context: bpy.types.Context | None
) -> list[tuple[str, str, str]]:
    """The takes to blend with, as items of a list."""
    obj = target(context) if context is not None else None
    take = armature.of(obj).takes.chosen_take if obj is not None else None
    found = _others(take) if take is not None else []
    _ITEMS[:] = [(str(k), f"{k + 1}: {other.name}", "") for k, other in found]
    return _ITEMS


class _ReshapeOperator(TakeOperator):
    """What the operators that change a take where it is share."""

    @classmethod
    def why_not(cls, context: bpy.types.Context) -> str:
        """The chosen take must play, with nothing over it."""
        return super().why_not(context) or why_not_played(chosen_take(context))

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Change it; Reset and undo bring it back."""
        obj, take = required_target(context), chosen_take(context)
        first = take.keep_original()
        try:
            check_usable(obj)
            note = self.change(obj, take, armature.of(obj).retargeting.options())
        except RigError as error:
            if first:
                take.forget_original()
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        take.place_again()
        self.tell(obj, note or self.done(take), warn=bool(note))
        return {"FINISHED"}

    def change(self, obj: bpy.types.Object, take: MotionGPTTake, options: RigOptions) -> str:
        """Change the take's action; what the animator should know of it, or ""."""
        raise NotImplementedError

    def done(self, take: MotionGPTTake) -> str:
        """What was done, in one line."""
        return tr("The take '{name}' is changed; Reset brings it back", name=take.name)


class MOTIONGPT_OT_fit_take(_ReshapeOperator):
    """Bend this take through the pose that the character shows at this frame. It is met exactly and fades within Reach; feet are planted again"""  # noqa: E501

    bl_idname = "motiongpt.fit_take"
    bl_label = "MotionGPT: Fit Take to Pose"

    def change(self, obj: bpy.types.Object, take: MotionGPTTake, options: RigOptions) -> str:
        """Fit it to the pose in view."""
        steps = fit_take_slices(
            obj, take.action, _time_of(take), options, ends_stay=_ends_stay(take)
        )
        mismatches = run_to_end(steps).mismatches
        return mismatch_note(mismatches[0] if mismatches else None)

    def done(self, take: MotionGPTTake) -> str:
        """Where it meets the pose."""
        return tr("The take meets the pose at frame {frame}", frame=frame_text(current_frame()))


class _WholeTakeOperator(_ReshapeOperator):
    """Those that change length or root: what plays a take in its stead is made anew."""

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Change it; in the active action or as a layer, it is off the rig meanwhile."""
        obj, take = required_target(context), chosen_take(context)
        if take.played is None:
            return super().execute(context)
        place, was_reshaped = Placement(take.placement), take.original is not None
        take.take_off()
        before = take.action.copy()
        assert before is not None  # of an action there is always a copy
        before.use_fake_user = False
        own = own_keys_in_the_way(obj, take.action)
        try:
            done = super().execute(context)
            more = own_keys_in_the_way(obj, take.action) - own if place is Placement.ACTION else 0
            if more > 0:
                _put_back(take, before)
                if not was_reshaped:
                    take.forget_original()
                self.report({"ERROR"}, _would_replace(more))
                return {"CANCELLED"}
            return done
        finally:
            take.place_at(place)
            if before.users == 0:
                bpy.data.actions.remove(before)


class MOTIONGPT_OT_take_speed(_WholeTakeOperator):
    """Play this take faster or slower. Feet that stand go on to stand in their places"""

    bl_idname = "motiongpt.take_speed"
    bl_label = "MotionGPT: Take Speed"

    speed: bpy.props.FloatProperty(
        name="Speed",
        description="Over the present speed: 2 is twice as fast",
        default=1.0,
        min=0.25,
        max=4.0,
        precision=2,
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask for the speed."""
        return context.window_manager.invoke_props_dialog(self)

    @classmethod
    def why_not(cls, context: bpy.types.Context) -> str:
        """The take must not have to meet animation at its end."""
        reason = super().why_not(context)
        if not reason and not chosen_take(context).alone and not chosen_take(context).holds:
            return tr("The take joins your animation at its end, so its length has to stay")
        return reason

    def change(self, obj: bpy.types.Object, take: MotionGPTTake, options: RigOptions) -> str:
        """Stretch it from its first frame on."""
        run_to_end(retime_take_slices(obj, take.action, self.speed, options))
        return ""


class MOTIONGPT_OT_take_root(_WholeTakeOperator):
    """Choose what moves over the floor in this take, or keep it in place"""

    bl_idname = "motiongpt.take_root"
    bl_label = "MotionGPT: Take Root"

    root: bpy.props.EnumProperty(
        name="Root",
        description="What moves over the floor",
        items=(*ROOTS, (IN_PLACE, "In Place", "Nothing moves over the floor")),
    )

    def change(self, obj: bpy.types.Object, take: MotionGPTTake, options: RigOptions) -> str:
        """Write its way over the floor anew."""
        in_place = self.root == IN_PLACE
        root = RootTarget.HIPS if in_place else RootTarget(self.root)
        loop = take.frame_range.loop
        run_to_end(move_root_slices(obj, take.action, root, options, in_place=in_place, loop=loop))
        return ""


class MOTIONGPT_OT_blend_takes(_ReshapeOperator):
    """Blend this take with another one of the same prompt; feet are planted again"""

    bl_idname = "motiongpt.blend_takes"
    bl_label = "MotionGPT: Blend Takes"

    other: bpy.props.EnumProperty(
        name="Other Take", description="The take to blend with", items=_other_takes
    )
    share: bpy.props.FloatProperty(
        name="Share",
        description="How much of the other take: 0 is this one, 1 is the other",
        default=0.5,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask for take and share."""
        return context.window_manager.invoke_props_dialog(self)

    @classmethod
    def why_not(cls, context: bpy.types.Context) -> str:
        """There must be another take of the same prompt."""
        reason = super().why_not(context)
        if not reason and not _others(chosen_take(context)):
            return tr("There is no other take of this prompt: press Generate or Vary")
        return reason

    def change(self, obj: bpy.types.Object, take: MotionGPTTake, options: RigOptions) -> str:
        """Blend it."""
        other = armature.of(obj).takes.entries[int(self.other)].action
        steps = blend_take_slices(
            obj, take.action, other, self.share, options, ends_stay=_ends_stay(take)
        )
        run_to_end(steps)
        return ""


class MOTIONGPT_OT_reroll_range(TakeOperator):
    """Generate a part of this take anew, joined to the rest. The new takes play over this one until you keep one"""  # noqa: E501

    bl_idname = "motiongpt.reroll_range"
    bl_label = "MotionGPT: Re-roll Range"
    # The undo step is pushed when the result arrives.
    bl_options = {"REGISTER"}

    first: bpy.props.IntProperty(name="From", description="First frame that is generated anew")
    last: bpy.props.IntProperty(name="To", description="Last frame that is generated anew")

    @classmethod
    def why_not(cls, context: bpy.types.Context) -> str:
        """The take must be kept, and play."""
        reason = super().why_not(context)
        take = None if reason else chosen_take(context)
        if take is not None and take.shown:
            return tr("Keep the take first, then re-roll a part of it")
        return reason or why_not_played(chosen_take(context))

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask for the frames: the preview range's, else the middle of the take."""
        scene, (first, last) = context.scene, chosen_take(context).action.frame_range
        quarter = 0.25 * (last - first)
        self.first, self.last = round(first + quarter), round(last - quarter)
        if scene.use_preview_range:
            self.first, self.last = scene.frame_preview_start, scene.frame_preview_end
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Ask for the take's prompt with another seed, over these frames alone."""
        obj, take = required_target(context), chosen_take(context)
        timing = scene_properties.of(context.scene).frame_range
        request = armature.of(obj).request
        wish = {"prompt": take.prompt, "seed": next_seed(take)}
        frames = {
            "mode": FrameRangeMode.RANGE.value,
            "loop": False,
            "start": self.first,
            "end": self.last,
        }
        try:
            with _lent(request, wish), _lent(timing, frames):
                generation.start(context, obj)
        except REFUSED as error:
            return session.refuse(self, obj, error)
        return waiting.finish(self, [obj])


@contextlib.contextmanager
def _lent(panel: bpy.types.PropertyGroup, values: Mapping[str, Any]) -> Iterator[None]:
    """Within it, a part of the panel has these values; then the animator's own come back."""
    own = {name: getattr(panel, name) for name in values}
    for name, value in values.items():
        setattr(panel, name, value)
    try:
        yield
    finally:
        for name, value in own.items():
            setattr(panel, name, value)


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
        text = tr("The take '{name}' is as it was generated", name=take.name)
        self.tell(take.obj, text)
        return {"FINISHED"}


def _put_back(take: MotionGPTTake, before: bpy.types.Action) -> None:
    """Give a take that does not play an earlier copy of its action."""
    changed, name = take.action, take.action.name
    take.action = before
    if changed.users == 0:
        bpy.data.actions.remove(changed)
    before.name = name


def _would_replace(frames: int) -> str:
    return tr(
        "The take would replace keys of yours at {frames} more frames: move them, or keep the take "
        "on an NLA track",
        frames=frames,
    )


def why_not_reset(take: MotionGPTTake) -> str:
    """Why a take cannot be reset, or ""."""
    return "" if take.original is not None else tr("This take was not reshaped")


def why_not_played(take: MotionGPTTake) -> str:
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


def _ends_stay(take: MotionGPTTake) -> bool:
    """Whether a take joins other animation, or closes a loop."""
    return not take.alone or take.frame_range.loop


def _time_of(take: MotionGPTTake) -> float:
    """The time of a take's action that is in view."""
    data = take.obj.animation_data
    playing = take.played or take.action
    found = playing_strip(data, playing) if data is not None else None
    if found is None:
        return played_time()
    strip = StripTime.of(found[1])
    return strip.action_start + (played_time() - strip.start) / (strip.scale or 1.0)

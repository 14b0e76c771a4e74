"""Takes of a character: keep, discard, remove, and ask for the same or another one again."""

from __future__ import annotations

import bpy

from ..core.timeline.frame_range import frame_text
from ..core.translation import msgid, tr
from ..generate.controller import REFUSED
from ..properties import armature
from ..properties import scene as scene_properties
from ..properties.placement import Placement
from ..properties.scene import target
from ..properties.takes import MotionGPTTake, MotionGPTTakes
from ..scene.action.shown_keys import select_keyed
from ..wire import LIMITS
from . import generation, session, waiting
from .targets import NO_ARMATURE, OperatorResult, has_target, required_target

NO_TAKE = msgid("There is no take yet: press Generate")
NO_KEYS = msgid(
    "This take is not in the active action: click it in the list, or select its strip in the NLA "
    "editor and press Tab"
)
TAKE_GONE = msgid("The action of this take was deleted: choose another take, or Use Again")


class TakeOperator(bpy.types.Operator):
    """What the operators on the chosen take share."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A take must be chosen, and nothing be under way."""
        reason = cls.why_not(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    @classmethod
    def why_not(cls, context: bpy.types.Context) -> str:
        """Why the operator cannot run now, or ""."""
        obj = target(context)
        if obj is None:
            return tr(NO_ARMATURE)
        take = _takes(context).chosen_take
        if take is None:
            return tr(NO_TAKE)
        if take.of_library:
            return tr("This take belongs to the linked file: change it there")
        return session.why_busy(obj)

    def tell(self, obj: bpy.types.Object, text: str, *, warn: bool = False) -> None:
        """Say in the status bar what was done; the panel's last message is of the past.

        The panel does not repeat it: a sentence of three lines would move the buttons below.
        """
        session.tell(obj, "")  # which draws the view anew, too
        self.report({"WARNING" if warn else "INFO"}, text)


class MOTIONGPT_OT_show_take(bpy.types.Operator):
    """Show this take on the character"""

    bl_idname = "motiongpt.show_take"
    bl_label = "Show Take"
    bl_options = {"UNDO", "INTERNAL"}

    index: bpy.props.IntProperty(name="Take", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An armature is needed."""
        return has_target(cls, context)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Choose it, which shows it."""
        takes = _takes(context)
        if not 0 <= self.index < len(takes.entries):
            return {"CANCELLED"}
        takes.active = self.index
        return {"FINISHED"}


class _KeepOperator(TakeOperator):
    """What keeping one take and keeping all share: keys of the animator's are asked about."""

    replace: bpy.props.BoolProperty(
        name="Replace My Keys",
        description="Replace keys of yours that lie where the take is",
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask before keys of the animator's are replaced."""
        if not (text := _keys_in_the_way(context)):
            return self.execute(context)
        self.replace = True
        return context.window_manager.invoke_confirm(
            self,
            None,
            title=tr("Replace your keys?"),
            message=text,
            confirm_text=tr("Replace"),
            icon="WARNING",
        )

    def refused(self, context: bpy.types.Context) -> bool:
        """Whether keys of the animator's are in the way; says so."""
        text = "" if self.replace else _keys_in_the_way(context)
        if text:
            self.report({"ERROR"}, text)
        return bool(text)


class MOTIONGPT_OT_keep_take(_KeepOperator):
    """Keep this take on the character. The other takes of the same Generate are removed"""

    bl_idname = "motiongpt.keep_take"
    bl_label = "MotionGPT: Keep Take"

    @classmethod
    def why_not(cls, context: bpy.types.Context) -> str:
        """A take must be chosen that is not on the character for good."""
        return super().why_not(context) or why_not_kept(
            chosen_take(context), _takes(context).destination
        )

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Keep it; an undo brings the others back."""
        if self.refused(context):
            return {"CANCELLED"}
        takes = _takes(context)
        name = chosen_take(context).name
        takes.keep(takes.chosen)
        self.tell(required_target(context), tr("The take '{name}' is kept", name=name))
        return {"FINISHED"}


class MOTIONGPT_OT_keep_all_takes(_KeepOperator):
    """Keep all takes of this Generate: this one on the character, the others in the list"""

    bl_idname = "motiongpt.keep_all_takes"
    bl_label = "MotionGPT: Keep All Takes"

    @classmethod
    def why_not(cls, context: bpy.types.Context) -> str:
        """A take must be chosen that waits for a choice, and is not gone."""
        if reason := super().why_not(context):
            return reason
        take = chosen_take(context)
        return tr(TAKE_GONE) if take.action is None else why_not_undecided(take)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Keep them."""
        if self.refused(context):
            return {"CANCELLED"}
        takes = _takes(context)
        takes.keep_all(takes.chosen)
        self.tell(required_target(context), tr("The takes are kept"))
        return {"FINISHED"}


class MOTIONGPT_OT_discard_takes(TakeOperator):
    """Remove the takes of this Generate that are not kept. The character is as it was before"""

    bl_idname = "motiongpt.discard_takes"
    bl_label = "MotionGPT: Discard Takes"

    @classmethod
    def why_not(cls, context: bpy.types.Context) -> str:
        """A take must be chosen that waits for a choice."""
        return super().why_not(context) or why_not_undecided(chosen_take(context))

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Remove them; an undo brings them back."""
        takes = _takes(context)
        takes.discard(takes.chosen)
        self.tell(required_target(context), tr("The takes are discarded"))
        return {"FINISHED"}


class MOTIONGPT_OT_select_keyed_bones(TakeOperator):
    """Select the bones that this take keys, so that the timeline shows its keys"""

    bl_idname = "motiongpt.select_keyed_bones"
    bl_label = "MotionGPT: Select Keyed Bones"

    @classmethod
    def why_not(cls, context: bpy.types.Context) -> str:
        """The take's keys must be in the active action."""
        if reason := super().why_not(context):
            return reason
        take = chosen_take(context)
        data = take.obj.animation_data
        active = data.action if data is not None else None
        if active is None or active not in (take.action, take.played):
            return tr(NO_KEYS)
        return tr("Leave Edit Mode first") if take.obj.mode == "EDIT" else ""

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Select them, and the armature, without which no key of it is shown."""
        take = chosen_take(context)
        if not take.obj.select_get() and not take.obj.hide_get():
            take.obj.select_set(True)
        count = select_keyed(take.obj, take.action)
        self.tell(take.obj, tr("{count} bones are selected", count=count))
        return {"FINISHED"}


class MOTIONGPT_OT_remove_take(TakeOperator):
    """Remove this take. The animation before it comes back, everything else stays"""

    bl_idname = "motiongpt.remove_take"
    bl_label = "MotionGPT: Remove Take"

    @classmethod
    def why_not(cls, context: bpy.types.Context) -> str:
        """No strip of the animator's own may be in tweak mode."""
        return super().why_not(context) or _why_tweaked(context)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Remove it; an undo brings it back."""
        takes = _takes(context)
        name = chosen_take(context).name
        takes.remove(takes.chosen)
        self.tell(required_target(context), tr("The take '{name}' was removed", name=name))
        return {"FINISHED"}


class MOTIONGPT_OT_use_take_again(TakeOperator):
    """Bring the prompt, the settings and the marked poses of this take back into the panel"""

    bl_idname = "motiongpt.use_take_again"
    bl_label = "MotionGPT: Use Take Again"

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Fill the panel in, and go to the frame where the take begins."""
        _fill_in_panel(context, chosen_take(context))
        text = tr("Prompt, settings and marked poses are back in the panel")
        self.tell(required_target(context), text)
        return {"FINISHED"}


class MOTIONGPT_OT_vary_take(generation.Requesting, TakeOperator):
    """Generate with the prompt, settings and marked poses of this take, and with another seed"""

    bl_idname = "motiongpt.vary_take"
    bl_label = "MotionGPT: Vary Take"
    # The undo step is pushed when the result arrives.
    bl_options = {"REGISTER"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Fill the panel in with the next seed, and generate."""
        obj = required_target(context)
        _fill_in_panel(context, chosen_take(context))
        request = armature.of(obj).request
        request.seed = next_seed(chosen_take(context))
        try:
            generation.start(context, obj)
        except REFUSED as error:
            return session.refuse(self, obj, error)
        return waiting.finish(self, [obj])


def next_seed(take: MotionGPTTake) -> int:
    """A seed that no take of the same prompt has."""
    entries = armature.of(take.obj).takes.entries
    used = {other.seed for other in entries if other.prompt == take.prompt}
    return (max(used) + 1) % int(LIMITS["seed"].high)


def why_not_undecided(take: MotionGPTTake) -> str:
    """Why there is nothing to decide about a take, or ""."""
    return tr("This take is kept already") if take.kept else ""


def why_not_kept(take: MotionGPTTake, destination: str) -> str:
    """Why a take cannot be put on the character for good, or ""."""
    if take.action is None:
        return tr(TAKE_GONE)
    if take.kept and take.on_rig and take.placement == destination:
        return tr("This take is on the character already")
    return ""


def _keys_in_the_way(context: bpy.types.Context) -> str:
    """What keeping the chosen take would replace of the animator's keys, or ""."""
    return why_keys_in_the_way(chosen_take(context), _takes(context).destination)


def why_keys_in_the_way(take: MotionGPTTake, destination: str) -> str:
    """What keeping a take would replace of the animator's keys, or ""."""
    if destination != Placement.ACTION or take.action is None:
        return ""
    obj, first_last = take.obj, take.action.curve_frame_range
    count = take.keys_in_the_way()
    if not count:
        return ""
    first, last = (frame_text(float(frame)) for frame in first_last)
    return tr(
        "The active action of '{armature}' has keys of yours at {count} frames from {first} to "
        "{last}: replace them, or keep the take on an NLA track or as a layer.",
        armature=obj.name,
        count=count,
        first=first,
        last=last,
    )


def _why_tweaked(context: bpy.types.Context) -> str:
    """Why an NLA strip that the animator edits is in the way, or ""."""
    data = required_target(context).animation_data
    if data is None or not data.use_tweak_mode or _takes(context).shown_take is not None:
        return ""
    return tr("An NLA strip is in tweak mode: leave it with Tab in the NLA editor")


def _takes(context: bpy.types.Context) -> MotionGPTTakes:
    """The takes of the armature in question."""
    return armature.of(required_target(context)).takes


def chosen_take(context: bpy.types.Context) -> MotionGPTTake:
    """The chosen take, which ``poll`` has asked for."""
    take = _takes(context).chosen_take
    assert take is not None
    return take


def _fill_in_panel(context: bpy.types.Context, take: MotionGPTTake) -> None:
    """Bring what a take was made with back into the panel, its marked poses too."""
    panel, group = scene_properties.of(context.scene), armature.of(take.obj)
    request = group.request
    request.prompt, request.seconds, request.seed = take.prompt, take.seconds, take.seed
    panel.candidates, panel.guidance = take.candidates, take.guidance
    panel.frame_range.set_timing(take.frame_range.timing())
    group.poses.clear()
    for pose in take.poses:
        group.poses.add().store(pose.load())
    group.active = 0
    if take.action is not None:
        context.scene.frame_set(round(take.action.frame_range[0]))

"""Generate and Cancel."""

from __future__ import annotations

import bpy

from .. import paths, preferences
from ..backend.process import Launch
from ..core.translation import tr
from ..generate.controller import REFUSED
from ..generate.job import make_launch
from ..generate.request import take_request
from ..properties import armature
from ..properties import scene as scene_properties
from ..properties.scene import target
from . import session
from .character import ArmatureCharacter
from .targets import NO_ARMATURE, OperatorResult, required_target


class MOTIONGPT_OT_generate(bpy.types.Operator):
    """Send the prompt and the marked poses to the model. Esc cancels"""

    bl_idname = "motiongpt.generate"
    bl_label = "MotionGPT: Generate"
    # The undo step is pushed when the result arrives: one step for the whole.
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An armature, and no request under way."""
        reason = why_not(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Send, then listen for Esc until the take has come."""
        if (result := self.execute(context)) != {"FINISHED"}:
            return result
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Esc cancels while the model works; every other event goes on to Blender."""
        pending = session.controller().pending
        if pending is None:
            return {"FINISHED", "PASS_THROUGH"}
        if event.type == "ESC" and event.value == "PRESS" and pending.slices is None:
            session.controller().cancel()
            return {"RUNNING_MODAL"}
        return {"PASS_THROUGH"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Prepare and send; a timer takes in the answer."""
        obj = required_target(context)
        try:
            start(context, obj)
        except REFUSED as error:
            return session.refuse(self, obj, error)
        return {"FINISHED"}


class MOTIONGPT_OT_cancel(bpy.types.Operator):
    """Stop generating. The scene stays as it is"""

    bl_idname = "motiongpt.cancel"
    bl_label = "MotionGPT: Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A request must be at the model's process."""
        pending = session.controller().pending
        generating = pending is not None and pending.slices is None
        if not generating:
            cls.poll_message_set(tr("Nothing is being generated"))
        return generating

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Ask the process to stop."""
        session.controller().cancel()
        return {"FINISHED"}


def why_not(context: bpy.types.Context) -> str:
    """Why nothing can be generated now, or ""."""
    return session.controller().why_busy() or ("" if target(context) else NO_ARMATURE)


def start(context: bpy.types.Context, obj: bpy.types.Object) -> None:
    """Send what the panel asks for; raises one of ``REFUSED``."""
    takes = armature.of(obj).takes
    shown = takes.index_shown
    takes.hide()  # it is no animation to continue or to join
    try:
        _send(context, obj)
    except REFUSED:
        if shown is not None:
            takes.show(shown)
        raise


def _send(context: bpy.types.Context, obj: bpy.types.Object) -> None:
    controller = session.controller()
    character = ArmatureCharacter.of(obj, context.scene)
    panel = scene_properties.of(context.scene)
    character.check_usable()
    request = take_request(
        character,
        panel.prompt,
        length(context),
        panel.sampling(),
        panel.frame_range.timing(),
        controller.blender.time().frame,
        panel.takes,
    )
    controller.start(character, request, chosen_launch(context))


def length(context: bpy.types.Context) -> float:
    """Seconds of a take whose length no pose and no frame range decides."""
    panel = scene_properties.of(context.scene)
    suggested = suggested_length(context)
    return panel.seconds if suggested is None or not panel.auto_length else suggested


def suggested_length(context: bpy.types.Context) -> float | None:
    """Seconds that suit the panel's prompt; None when the pack has no length model."""
    model = paths.length_model(preferences.chosen_pack(context))
    return model.seconds(scene_properties.of(context.scene).prompt) if model else None


def chosen_launch(context: bpy.types.Context) -> Launch:
    """How the preferences say that the model's process is started; raises GenerateError."""
    chosen = preferences.settings(context)
    return make_launch(chosen.python, chosen.pack, chosen.device, fake=chosen.fake)

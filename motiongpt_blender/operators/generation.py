"""Generate, for one character or for all that are selected, and Cancel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy

from .. import paths, preferences
from ..compat import session_id
from ..core.translation import tr
from ..generate.controller import REFUSED
from ..generate.request import take_request
from ..generate.state import PendingTake, Phase
from ..generate.take_request import Timing, seeds_apart
from ..properties import armature
from ..properties import scene as scene_properties
from ..properties.scene import selected_armatures, target
from ..wire import Sampling
from . import session, waiting
from .character import ArmatureCharacter
from .child_task import is_being_set_up
from .environment import is_set_up
from .launching import chosen_launch
from .prompt_history import remember
from .targets import NO_ARMATURE, OperatorResult, required_target
from .way_reading import way_seconds

if TYPE_CHECKING:
    _OperatorBase = bpy.types.Operator
else:
    _OperatorBase = object  # Blender registers classes with one base of its own

PROMPTS = (
    ("OWN", "Each with Its Own Prompt", "Each selected character with its own prompt and length"),
    ("SHARED", "All with This Prompt", "All selected characters with the prompt in the panel"),
)


class Requesting(_OperatorBase):
    """An operator that sends requests, and then listens for Esc until their takes have come."""

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Send, then listen."""
        if (result := self.execute(context)) != {"FINISHED"}:
            return result
        self._armatures = {session_id(obj) for obj in self.asked(context)}
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Esc cancels while the model works; every other event goes on to Blender."""
        takes = [
            take
            for take in session.controller().under_way
            if take.character.armature in self._armatures and not take.held
        ]
        if not takes:
            return {"FINISHED", "PASS_THROUGH"}
        generating = [take for take in takes if take.phase is Phase.GENERATING]
        if event.type == "ESC" and event.value == "PRESS" and generating:
            for take in reversed(generating):
                session.controller().cancel(take)
            return {"RUNNING_MODAL"}
        return {"PASS_THROUGH"}

    def asked(self, context: bpy.types.Context) -> Sequence[bpy.types.Object]:
        """The armatures that takes are asked for."""
        return [required_target(context)]


class MOTIONGPT_OT_generate(Requesting, bpy.types.Operator):
    """Send the prompt and the marked poses to the model. Esc cancels"""

    bl_idname = "motiongpt.generate"
    bl_label = "MotionGPT: Generate"
    # The undo step is pushed when the result arrives: one step for the whole.
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An armature, and no request of its own under way."""
        reason = why_not(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Prepare and send; a timer takes in the answer."""
        obj = required_target(context)
        try:
            start(context, obj)
        except REFUSED as error:
            return session.refuse(self, obj, error)
        return waiting.finish(self, [obj])


class MOTIONGPT_OT_generate_selected(Requesting, bpy.types.Operator):
    """Generate for every selected character, one after the other. Esc cancels them"""

    bl_idname = "motiongpt.generate_selected"
    bl_label = "MotionGPT: Generate for Selected"
    bl_options = {"REGISTER"}

    prompts: bpy.props.EnumProperty(
        name="Prompts", description="Which prompts are used", items=PROMPTS
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Two characters must be selected."""
        if len(selected_armatures(context)) < 2:
            cls.poll_message_set(tr("Select two characters or more"))
            return False
        return True

    def asked(self, context: bpy.types.Context) -> Sequence[bpy.types.Object]:
        """The selected armatures."""
        return selected_armatures(context)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Send a request for each; one that is refused keeps none of the others."""
        chosen = self.asked(context)
        requests = [armature.of(obj).request for obj in chosen]
        shown = target(context)
        if self.prompts == "SHARED" and shown is not None:
            for request in requests:
                request.copy_from(armature.of(shown).request)
        seeds = seeds_apart([(request.prompt, request.seed) for request in requests])
        refused: list[str] = []
        sent: list[bpy.types.Object] = []
        for obj, request, seed in zip(chosen, requests, seeds, strict=True):
            request.seed = seed
            try:
                start(context, obj)
                sent.append(obj)
            except REFUSED as error:
                session.tell_refused(obj, error)
                refused.append(f"{obj.name}: {error}")
        if refused:
            level = "ERROR" if len(refused) == len(chosen) else "WARNING"
            self.report({level}, " ".join(refused))
        return waiting.finish(self, sent) if sent else {"CANCELLED"}


class MOTIONGPT_OT_cancel(bpy.types.Operator):
    """Stop generating. The scene stays as it is"""

    bl_idname = "motiongpt.cancel"
    bl_label = "MotionGPT: Cancel"
    bl_options = {"INTERNAL"}

    job: bpy.props.StringProperty(
        name="Job",
        description="Which request is cancelled; when empty, that of the character in the panel, "
        "or else the one that the model works on",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A request must be under way that is not being written."""
        return _can_cancel(cls)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Ask the process to stop."""
        if (take := self._take(context)) is not None:
            session.controller().cancel(take)
        return {"FINISHED"}

    def _take(self, context: bpy.types.Context) -> PendingTake | None:
        controller, obj = session.controller(), target(context)
        if self.job:
            named = (t for t in controller.under_way if t.job.request.job == self.job)
            return next(named, None)
        own = controller.pending_of(session_id(obj)) if obj is not None else None
        return own or controller.pending


class MOTIONGPT_OT_cancel_all(bpy.types.Operator):
    """Cancel the requests of all characters. The scene stays as it is"""

    bl_idname = "motiongpt.cancel_all"
    bl_label = "MotionGPT: Cancel All"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A request must be under way that is not being written."""
        return _can_cancel(cls)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Ask the process to stop, and to begin with none of those that wait."""
        session.controller().cancel_all()
        return {"FINISHED"}


def _can_cancel(cls: type[bpy.types.Operator]) -> bool:
    """Whether a request is under way that is not being written; says so where none is."""
    found = any(take.phase is not Phase.WRITING for take in session.controller().under_way)
    if not found:
        cls.poll_message_set(tr("Nothing is being generated"))
    return found


def why_not(context: bpy.types.Context) -> str:
    """Why nothing can be generated now for the character in the panel, or ""."""
    obj = target(context)
    if obj is None:
        return tr(NO_ARMATURE)
    if is_being_set_up() and not is_set_up(context):
        return tr("The model is being set up: wait until that is done")
    return session.why_busy(obj)


@dataclass(frozen=True)
class Asked:
    """What is asked for of one character, from the panel or from a script.

    Attributes:
        prompt: unchecked.
        seconds: length that no pose and no frame range decides.
        sampling: how the model samples.
        timing: the frame range, and whether the take is a loop.
        takes: how many different ones are wanted.
    """

    prompt: str
    seconds: float
    sampling: Sampling
    timing: Timing
    takes: int


def start(context: bpy.types.Context, obj: bpy.types.Object) -> None:
    """Send what the panel asks for of a character; raises one of ``REFUSED``."""
    panel, asked = scene_properties.of(context.scene), armature.of(obj).request
    wanted = Asked(
        asked.prompt,
        length(context, obj),
        panel.sampling(asked.seed),
        panel.frame_range.timing(),
        panel.takes,
    )
    send(context, obj, wanted)
    remember(asked.prompt)


def send(context: bpy.types.Context, obj: bpy.types.Object, asked: Asked) -> None:
    """Send a request for a character; raises one of ``REFUSED``."""
    takes = armature.of(obj).takes
    shown = takes.index_shown
    takes.hide()  # it is no animation to continue or to join
    try:
        _send(context, obj, asked)
    except REFUSED:
        if shown is not None:
            takes.show(shown)
        raise


def _send(context: bpy.types.Context, obj: bpy.types.Object, asked: Asked) -> None:
    controller = session.controller()
    character = ArmatureCharacter.of(obj, context.scene)
    character.check_usable()
    request = take_request(
        character,
        asked.prompt,
        asked.seconds,
        asked.sampling,
        asked.timing,
        controller.blender.time().frame,
        asked.takes,
    )
    controller.start(character, request, chosen_launch(context))


def length(context: bpy.types.Context, obj: bpy.types.Object) -> float:
    """Seconds of a take whose length no pose and no frame range decides."""
    request = armature.of(obj).request
    suggested = suggested_length(context, obj)
    return request.seconds if suggested is None or not request.auto_length else suggested


def suggested_length(
    context: bpy.types.Context, obj: bpy.types.Object, prompt: str | None = None
) -> float | None:
    """Seconds that suit a character's way or a prompt; None when the pack has no length model.

    Args:
        context: Blender's.
        obj: the armature object.
        prompt: None: the one in the panel.
    """
    if (seconds := way_seconds(obj)) is not None:
        return seconds
    prompt = armature.of(obj).request.prompt if prompt is None else prompt
    model = paths.length_model(preferences.chosen_pack(context))
    return model.seconds(prompt) if model else None

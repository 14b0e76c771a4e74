"""Prompts to choose from: examples that suit the chosen pack, the last ones, the favourites."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import bpy

from .. import paths
from ..compat import session_id
from ..core.packs.known_captions import stems
from ..core.prompt_history import history_file, write_history
from ..core.translation import tr
from ..generate.job import GenerateError
from ..preferences import chosen_pack
from ..properties import armature
from ..properties.scene import target
from ..wire import Understood
from . import session
from .generation import chosen_launch
from .targets import OperatorResult, has_target, required_target

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Examples:
    """Captions of the pack that can stand in for a prompt.

    Attributes:
        why: one sentence, why they are shown.
        captions: a few of what the pack knows.
    """

    why: str
    captions: tuple[str, ...]


class MOTIONGPT_OT_use_prompt(bpy.types.Operator):
    """Use this sentence as the prompt"""

    bl_idname = "motiongpt.use_prompt"
    bl_label = "Use Prompt"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    prompt: bpy.props.StringProperty(name="Prompt", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An armature is needed."""
        return has_target(cls, context)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Set the character's prompt."""
        armature.of(required_target(context)).request.prompt = self.prompt
        return {"FINISHED"}


class MOTIONGPT_OT_favourite_prompt(bpy.types.Operator):
    """Make the prompt a favourite, or no favourite any more. All files and Blenders share them"""

    bl_idname = "motiongpt.favourite_prompt"
    bl_label = "MotionGPT: Favourite Prompt"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A prompt is needed."""
        if not has_target(cls, context):
            return False
        if not _prompt(context):
            cls.poll_message_set(tr("The prompt is empty"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Turn it over."""
        try:
            write_history(history_file(), paths.prompt_history().toggled(_prompt(context)))
        except OSError as error:
            text = tr("The favourites cannot be saved: {reason}", reason=error.strerror)
            self.report({"ERROR"}, text)
            return {"CANCELLED"}
        return {"FINISHED"}


def remember(prompt: str) -> None:
    """Put a prompt first among the last ones; where it cannot be saved, it is not remembered."""
    try:
        write_history(history_file(), paths.prompt_history().used(prompt.strip()))
    except OSError as error:
        _log.warning("The prompt is not remembered: %s", error)


def is_favourite(prompt: str) -> bool:
    """Whether a prompt is among the favourites."""
    return prompt.strip() in paths.prompt_history().favourites


def _prompt(context: bpy.types.Context) -> str:
    return armature.of(required_target(context)).request.prompt.strip()


def examples_for(context: bpy.types.Context) -> Examples | None:
    """How the prompt is understood, and examples where it is empty or nothing like it is known.

    Before the model's process has answered, its words are looked up in the pack's captions. None
    where there is nothing to say, and for packs that keep no captions.
    """
    known = paths.known_captions(chosen_pack(context))
    obj = target(context)
    if known is None or obj is None:
        return None
    prompt = armature.of(obj).request.prompt.strip()
    if not prompt:
        return Examples(tr("Write what the character does, for example:"), known.examples)
    answer = _answer(context, obj)
    if answer is not None and answer.examples:
        return Examples(
            tr("Nothing like this prompt is known. The pack knows, for example:"), answer.examples
        )
    if answer is not None and answer.notes:
        return Examples(" ".join(answer.notes), ())
    if not prompt.isascii() or stems(prompt) & known.stems:
        return None
    return Examples(
        tr("No word of this is in the pack's captions. It knows, for example:"), known.examples
    )


def _answer(context: bpy.types.Context, obj: bpy.types.Object) -> Understood | None:
    """How a character's prompt is understood, if the model's process has told it."""
    try:
        launch = chosen_launch(context)
    except GenerateError:  # the panel has a line for it
        return None
    if bpy.app.background:  # nobody types, and no timer runs
        return None
    prompt = armature.of(obj).request.prompt
    return session.current().questions.answer(session_id(obj), prompt, launch)

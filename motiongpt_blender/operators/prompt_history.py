"""The last prompts and the favourites: remembered, marked, asked for."""

from __future__ import annotations

import logging

import bpy

from .. import paths
from ..core.prompt_history import history_file, write_history
from ..core.translation import tr
from ..properties import armature
from .targets import OperatorResult, has_target, required_target

_log = logging.getLogger(__name__)


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

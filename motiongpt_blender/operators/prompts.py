"""Examples of prompts that suit the chosen pack."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from .. import paths
from ..core.packs.known_captions import stems
from ..core.translation import tr
from ..preferences import chosen_pack
from ..properties import armature
from ..properties.scene import target
from .targets import OperatorResult, has_target, required_target


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
    """Use this sentence, which the model pack knows, as the prompt"""

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


def examples_for(context: bpy.types.Context) -> Examples | None:
    """Examples where the prompt is empty, or where no caption of the pack has any of its words.

    None for other prompts, for those in other scripts, and for packs that keep no captions.
    """
    known = paths.known_captions(chosen_pack(context))
    obj = target(context)
    if known is None or obj is None:
        return None
    prompt = armature.of(obj).request.prompt.strip()
    if not prompt:
        return Examples(tr("Write what the character does, for example:"), known.examples)
    if not prompt.isascii() or stems(prompt) & known.stems:
        return None
    return Examples(
        tr("No word of this is in the pack's captions. It knows, for example:"), known.examples
    )

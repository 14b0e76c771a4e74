"""Examples of prompts that suit the chosen pack, and how a prompt is understood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import bpy

from .. import paths
from ..compat import session_id
from ..core.packs.known_captions import stems
from ..core.translation import tr
from ..generate.job import GenerateError
from ..preferences import chosen_pack
from ..properties import armature
from ..properties.scene import target
from ..wire import Understood
from . import session
from .launching import chosen_launch
from .targets import OperatorResult, has_target, required_target

#: Pixels of the wide field for the prompt.
WIDE: Final = 640


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


class MOTIONGPT_OT_edit_prompt(bpy.types.Operator):
    """Read and change the prompt in a wide field"""

    bl_idname = "motiongpt.edit_prompt"
    bl_label = "MotionGPT: Edit Prompt"
    bl_options = {"REGISTER", "UNDO"}

    prompt: bpy.props.StringProperty(
        name="Prompt",
        description="What the character does, in plain English: 'a person walks forward'",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An armature is needed."""
        return has_target(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Open the field, with the cursor in it."""
        self.prompt = armature.of(required_target(context)).request.prompt
        return context.window_manager.invoke_props_dialog(self, width=WIDE)

    def draw(self, context: bpy.types.Context) -> None:
        """The field alone."""
        assert self.layout is not None
        self.layout.activate_init = True
        self.layout.prop(self, "prompt", text="")

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Set the character's prompt."""
        armature.of(required_target(context)).request.prompt = self.prompt
        session.controller().blender.redraw()  # the dialog lay over the panel
        return {"FINISHED"}


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

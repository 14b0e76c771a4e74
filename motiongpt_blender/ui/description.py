"""The sub-panel "Describe": what the character does, in a sentence of the model."""

from __future__ import annotations

import bpy
from bpy.types import Context, Object, UILayout

from ..generate.state import stage_text
from ..operators import session
from ..operators.description import why_not_described
from ..scene.pose.recording import played_action
from .base import ArmaturePanel, button, sentence


class MOTIONGPT_PT_description(ArmaturePanel, bpy.types.Panel):
    """The active action in words, as a name and as the prompt."""

    bl_label = "Describe"
    bl_idname = "MOTIONGPT_PT_description"
    bl_parent_id = "MOTIONGPT_PT_model"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_for(self, context: Context, layout: UILayout, obj: Object) -> None:
        """The action, the button or its progress, the sentence and its uses."""
        action, job = played_action(obj), session.current().describer.job
        if action is not None:
            layout.label(text=action.name, icon="ACTION", translate=False)
        if job is None:
            layout.operator("motiongpt.describe", text="Describe", icon="SMALL_CAPS")
            if why := why_not_described(context):
                sentence(context, layout, why, "INFO")
        else:
            row = layout.row(align=True)
            row.progress(factor=job.fraction, text=stage_text(job))
            row.operator("motiongpt.cancel_description", text="", icon="X")
        text = session.state_of(obj).description
        if not text:
            return
        sentence(context, layout, text, "CHECKMARK")
        row = layout.row(align=True)
        row.operator("motiongpt.name_by_description", text="Use as Name")
        button(row, "motiongpt.use_prompt", "Use as Prompt", prompt=text)

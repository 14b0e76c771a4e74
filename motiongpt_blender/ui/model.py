"""The sub-panel "Model": how much it generates for a click, and how marked poses guide it."""

from __future__ import annotations

import bpy
from bpy.types import Context, Object, UILayout

from ..core.translation import tr
from ..properties import scene as scene_properties
from ..scene.pose.recording import current_action
from .base import ArmaturePanel, Panel, hint, layout_of


class MOTIONGPT_PT_model(Panel, bpy.types.Panel):
    """Takes, candidates, guidance; below them what else the model does and learns."""

    bl_label = "Model"
    bl_idname = "MOTIONGPT_PT_model"
    bl_parent_id = "MOTIONGPT_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        """The numbers of a request that are seldom changed."""
        layout, panel = layout_of(self), scene_properties.of(context.scene)
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(panel, "takes")
        layout.prop(panel, "candidates")
        layout.prop(panel, "guidance")


class MOTIONGPT_PT_training_data(ArmaturePanel, bpy.types.Panel):
    """The character's animation as a captioned clip."""

    bl_label = "Training Data"
    bl_idname = "MOTIONGPT_PT_training_data"
    bl_parent_id = "MOTIONGPT_PT_model"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_for(self, context: Context, layout: UILayout, obj: Object) -> None:
        """What is exported, and the button."""
        action = current_action(obj)
        if action is None:
            hint(layout, tr("{name} has no action", name=obj.name))
        else:
            layout.label(text=action.name, icon="ACTION")
            hint(layout, "The prompt is its caption")
        layout.operator("motiongpt.export_clip", icon="EXPORT")

"""The tab "MotionGPT" in the 3D view's side bar."""

from __future__ import annotations

from typing import Final

import bpy
from bpy.types import Context, Object, UILayout

from .. import paths
from ..compat import session_id
from ..core.pose_constraints.marked_pose import PoseRole
from ..core.timeline.frame_range import FrameRangeMode
from ..core.translation import tr
from ..generate.state import Phase, stage_text
from ..operators import generation, session
from ..operators.prompts import examples_for
from ..operators.targets import NO_ARMATURE
from ..preferences import chosen_pack
from ..properties import armature
from ..properties import scene as scene_properties
from ..properties.scene import MotionGPTScene, target
from ..scene.pose.recording import current_action
from .base import ArmaturePanel, Panel, button, hint, layout_of, sentence
from .icons import icon
from .readiness import obstacle, readiness_text
from .setup import draw_setup

#: Lines that a message has room for, so that it moves nothing when it comes.
MESSAGE_LINES: Final = 2


class MOTIONGPT_PT_main(Panel, bpy.types.Panel):
    """Armature, prompt, length, seed, Generate."""

    bl_label = "MotionGPT"
    bl_idname = "MOTIONGPT_PT_main"

    def draw_header(self, context: Context) -> None:
        """Our icon."""
        layout_of(self).label(icon_value=icon("motiongpt"))

    def draw_header_preset(self, context: Context) -> None:
        """Beside the title, what helps after a failure: there it moves nothing."""
        if session.shown_state(target(context)).failed:
            layout_of(self).operator("motiongpt.copy_report", text="", icon="COPYDOWN")

    def draw(self, context: Context) -> None:
        """The request and the button."""
        layout, request = layout_of(self), scene_properties.of(context.scene)
        layout.use_property_split = True
        layout.use_property_decorate = False
        draw_setup(context, layout)
        obj = target(context)
        layout.prop(request, "armature", text="Armature")
        if obj is None:
            layout.operator("motiongpt.add_sample_character", icon="ARMATURE_DATA")
        elif request.armature is None:
            hint(layout, tr("Uses the selected armature, {name}", name=obj.name))
        column = layout.column()
        column.use_property_split = False
        column.prop(request, "prompt", text="", icon="SMALL_CAPS")
        _draw_examples(context, column)
        _draw_length(context, layout, obj)
        layout.prop(request, "seed")
        layout.prop(request, "candidates")
        layout.prop(request, "guidance")
        layout.prop(request, "takes")
        layout.separator(factor=0.5)
        if why := obstacle(obj) if obj is not None else NO_ARMATURE:
            sentence(context, layout, why, "ERROR")
        elif obj is not None:
            hint(layout, readiness_text(context, obj))
        _draw_button(layout, obj, ready=not why)
        pack = paths.pack_info(chosen_pack(context))
        if pack is not None and pack.non_commercial:
            sentence(context, layout, licence_text(pack.licence), "ERROR")
        state = session.shown_state(obj)
        symbol = "ERROR" if state.failed else "CHECKMARK"
        sentence(context, layout, state.message, symbol, least=MESSAGE_LINES)


class MOTIONGPT_PT_training_data(ArmaturePanel, bpy.types.Panel):
    """The character's animation as a captioned clip."""

    bl_label = "Training Data"
    bl_idname = "MOTIONGPT_PT_training_data"
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


def _draw_examples(context: Context, layout: UILayout) -> None:
    """Prompts to click, where the one above says nothing that the pack knows."""
    found = examples_for(context)
    if found is None:
        return
    sentence(context, layout, found.why, "INFO")
    for caption in found.captions:
        button(layout, "motiongpt.use_prompt", caption, "SMALL_CAPS", prompt=caption)


def _draw_length(context: Context, layout: UILayout, obj: Object | None) -> None:
    """The length, or what decides it."""
    request = scene_properties.of(context.scene)
    if decided := _length_decided(request, obj):
        _length_text(layout, decided).active = False
        return
    suggested = generation.suggested_length(context)
    if suggested is None:
        layout.prop(request, "seconds")
        return
    row = layout.row(align=True)
    if request.auto_length:
        _length_text(row, tr("{seconds:.1f} s, suits the prompt", seconds=suggested))
    else:
        row.prop(request, "seconds")
    row.prop(request, "auto_length", text="", icon="AUTO")


def _length_text(layout: UILayout, text: str) -> UILayout:
    """A row that shows a length as text, aligned like a property."""
    row = layout.row().split(factor=0.4)
    name = row.row()
    name.alignment = "RIGHT"
    name.label(text="Length")
    row.label(text=text)
    return row


def _draw_button(layout: UILayout, obj: Object | None, *, ready: bool) -> None:
    """Generate, or the progress of the take under way."""
    take = session.controller().pending
    row = layout.row(align=True)
    row.scale_y = 1.6
    if take is None:
        row.enabled = ready
        row.operator("motiongpt.generate", text="Generate", icon_value=icon("generate"))
        return
    other = obj is None or session_id(obj) != take.character.armature
    whose = f"{take.character.name}: " if other else ""
    if take.phase is Phase.WRITING:
        row.progress(factor=1.0, text=f"{whose}Writing the keys")
        return
    row.progress(factor=take.job.fraction, text=f"{whose}{stage_text(take.job)}")
    row.operator("motiongpt.cancel", text="", icon="X")


def licence_text(licence: str) -> str:
    """A licence that forbids commercial use, in words."""
    says = "commercial" in licence.lower()
    return (
        tr("Licence: {licence}", licence=licence)
        if says
        else tr("Not for commercial use: {licence}", licence=licence)
    )


def _length_decided(request: MotionGPTScene, obj: Object | None) -> str:
    """What decides the length instead of its field, or ""."""
    if request.frame_range.mode in (FrameRangeMode.RANGE.value, FrameRangeMode.BETWEEN.value):
        return tr("set under Timing")
    ends = obj is not None and any(
        pose.role == PoseRole.END.value for pose in armature.of(obj).poses
    )
    return "to the end pose" if ends else ""

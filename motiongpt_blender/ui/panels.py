"""The tab "MotionGPT" in the 3D view's side bar."""

from __future__ import annotations

from typing import Final

import bpy
from bpy.types import Context, Object, UILayout

from .. import paths
from ..compat import session_id
from ..core.pose_constraints.marked_pose import PoseRole
from ..core.timeline.frame_range import FrameRangeMode
from ..core.translation import msgid, tr
from ..operators import generation, session
from ..operators.prompt_history import is_favourite
from ..operators.prompts import examples_for
from ..operators.targets import NO_ARMATURE
from ..preferences import chosen_pack
from ..properties import armature
from ..properties import scene as scene_properties
from ..properties.scene import MotionGPTScene, target
from .base import Panel, button, hint, layout_of, sentence
from .icons import icon
from .menus import draw_samples
from .news import draw_news
from .queue import QUEUE_SHARE, draw_progress, draw_queue_button, draw_selected, queue_text
from .readiness import obstacle, readiness_text
from .setup import draw_setup

#: Lines that a message has room for, so that it moves nothing when it comes.
MESSAGE_LINES: Final = 2
#: The same of the sentence that says how the prompt is understood.
READ_LINES: Final = 2


class MOTIONGPT_PT_main(Panel, bpy.types.Panel):
    """Armature, prompt, length, seed, Generate."""

    bl_label = "MotionGPT"
    bl_idname = "MOTIONGPT_PT_main"

    def draw_header(self, context: Context) -> None:
        """Our icon."""
        layout_of(self).label(icon_value=icon("motiongpt"))

    def draw_header_preset(self, context: Context) -> None:
        """Beside the title, what helps, more after a failure: there it moves nothing."""
        layout = layout_of(self)
        if session.shown_state(target(context)).failed:
            layout.operator("motiongpt.copy_report", text="", icon="COPYDOWN")
        layout.operator("motiongpt.documentation", text="", icon="HELP", emboss=False)

    def draw(self, context: Context) -> None:
        """The request and the button."""
        layout, panel = layout_of(self), scene_properties.of(context.scene)
        draw_news(context, layout)
        draw_setup(context, layout)
        obj = target(context)
        # Without a choice the selected armature counts: the empty field names it.
        used = obj.name if obj is not None else ""
        row = layout.split(factor=0.28)
        row.label(text="Armature")
        row.prop(panel, "armature", text="", placeholder=used)
        if obj is None:
            column = layout.column(align=True)
            draw_samples(column, msgid("Add Sample Character"), msgid("Add Sample with Takes"))
        else:
            _draw_request(context, layout, obj)
        if why := obstacle(obj) if obj is not None else tr(NO_ARMATURE):
            sentence(context, layout, why, "ERROR")
        elif obj is not None:
            hint(layout, queue_text(context) or readiness_text(context, obj))
        _draw_button(layout, obj, ready=not why)
        draw_selected(context, layout)
        pack = paths.pack_info(chosen_pack(context))
        if pack is not None and pack.non_commercial:
            sentence(context, layout, licence_text(pack.licence), "ERROR")
        state = session.shown_state(obj)
        symbol = "ERROR" if state.failed else "CHECKMARK"
        sentence(context, layout, state.message, symbol, least=MESSAGE_LINES)


def _draw_examples(context: Context, layout: UILayout) -> None:
    """How the prompt above is understood, or prompts to click where nothing like it is known."""
    found = examples_for(context)
    if found is None:
        # The lines are kept, so that nothing moves when it is told how the prompt is understood.
        sentence(context, layout, "", "INFO", least=READ_LINES)
        return
    sentence(context, layout, found.why, "INFO", least=READ_LINES)
    for caption in found.captions:
        button(layout, "motiongpt.use_prompt", caption, "SMALL_CAPS", prompt=caption)


def _draw_request(context: Context, layout: UILayout, obj: Object) -> None:
    """What is asked for of the character: prompt, length, seed."""
    request = armature.of(obj).request
    column = layout.column()
    row = column.row(align=True)
    row.prop(request, "prompt", text="", placeholder="Prompt")
    symbol = "SOLO_ON" if is_favourite(request.prompt) else "DOWNARROW_HLT"
    row.menu("MOTIONGPT_MT_prompts", text="", icon=symbol)
    _draw_examples(context, column)
    split = column.split(factor=0.5)
    _draw_length(context, split.row(align=True), obj)
    split.prop(request, "seed")


def _draw_length(context: Context, row: UILayout, obj: Object) -> None:
    """The length, or what decides it."""
    request = armature.of(obj).request
    if decided := _length_decided(scene_properties.of(context.scene), obj):
        row.active = False
        row.label(text=decided)
        return
    suggested = generation.suggested_length(context, obj)
    if suggested is not None and request.auto_length:
        row.label(text=tr("Length {seconds:.1f} s", seconds=suggested))
    else:
        row.prop(request, "seconds")
    if suggested is not None:
        row.prop(request, "auto_length", text="", icon="AUTO")


def _draw_button(layout: UILayout, obj: Object | None, *, ready: bool) -> None:
    """Generate, or the progress of the character's take; beside it the list of all."""
    take = session.controller().pending_of(session_id(obj)) if obj is not None else None
    split = layout.split(factor=QUEUE_SHARE, align=True)
    split.scale_y = 1.4
    row = split.row(align=True)
    if take is not None:
        draw_progress(row, take)
    else:
        row.enabled = ready
        row.operator("motiongpt.generate", text="Generate", icon_value=icon("generate"))
    draw_queue_button(split)


def licence_text(licence: str) -> str:
    """A licence that forbids commercial use, in words."""
    says = "commercial" in licence.lower()
    return (
        tr("Licence: {licence}", licence=licence)
        if says
        else tr("Not for commercial use: {licence}", licence=licence)
    )


def _length_decided(panel: MotionGPTScene, obj: Object) -> str:
    """What decides the length instead of its field, or ""."""
    if panel.frame_range.mode in (FrameRangeMode.RANGE.value, FrameRangeMode.BETWEEN.value):
        return tr("Length: see Timing")
    ends = any(pose.role == PoseRole.END.value for pose in armature.of(obj).poses)
    return tr("To the end pose") if ends else ""

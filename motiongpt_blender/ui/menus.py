"""The menu "MotionGPT" under Pose and Object, in which F3 finds what the panel does."""

from __future__ import annotations

from typing import Any, Final, cast

import bpy
from bpy.types import Context, UILayout

from .. import paths
from ..core.pose_constraints.marked_pose import PoseRole
from ..core.prompt_history import PromptHistory
from ..core.translation import msgid, tr
from ..operators.copied_motion import sources
from ..operators.prompt_history import is_favourite
from ..preferences import chosen_pack
from ..properties import armature
from ..properties import scene as scene_properties
from ..properties.scene import target
from ..scene.pose.recording import current_action
from .base import button, layout_of
from .icons import icon

#: Operators of the menu in groups, each with its text.
GROUPS: Final = (
    (
        ("motiongpt.show_pose", msgid("Show Marked Pose")),
        ("motiongpt.jump_to_pose", msgid("Jump to Marked Pose")),
        ("motiongpt.remove_pose", msgid("Remove Marked Pose")),
    ),
    (
        ("motiongpt.keep_take", msgid("Keep Take")),
        ("motiongpt.keep_all_takes", msgid("Keep All Takes")),
        ("motiongpt.discard_takes", msgid("Discard Takes")),
        ("motiongpt.remove_take", msgid("Remove Take")),
        ("motiongpt.select_keyed_bones", msgid("Select Keyed Bones")),
        ("motiongpt.use_take_again", msgid("Use Take Again")),
        ("motiongpt.vary_take", msgid("Vary Take")),
        ("motiongpt.take_as_asset", msgid("Take as Asset")),
        ("motiongpt.fit_take", msgid("Fit Take to Pose")),
        ("motiongpt.take_speed", msgid("Take Speed...")),
        ("motiongpt.blend_takes", msgid("Blend Takes...")),
        ("motiongpt.reroll_range", msgid("Re-roll Range of Take...")),
        ("motiongpt.mirror_take", msgid("Mirror Take")),
        ("motiongpt.take_style", msgid("Style of Take...")),
        ("motiongpt.reset_take", msgid("Reset Take")),
    ),
    (("motiongpt.describe", msgid("Describe")),),
    (
        ("motiongpt.generate_sequence", msgid("Generate All Blocks")),
        ("motiongpt.generate_block", msgid("Generate Block")),
    ),
    (
        ("motiongpt.unload_model", msgid("Unload Model")),
        ("motiongpt.documentation", msgid("Documentation")),
        ("motiongpt.copy_report", msgid("Copy Report")),
    ),
)


class MOTIONGPT_MT_main(bpy.types.Menu):
    """Generate, mark poses, choose takes."""

    bl_label = "MotionGPT"
    bl_idname = "MOTIONGPT_MT_main"

    def draw(self, context: Context | None) -> None:
        """One entry for each operator."""
        layout = layout_of(self)
        layout.operator_context = "INVOKE_DEFAULT"
        layout.operator("motiongpt.generate", text="Generate", icon_value=icon("generate"))
        layout.operator_menu_enum("motiongpt.generate_selected", "prompts")
        layout.menu("MOTIONGPT_MT_copy_motion")
        layout.operator("motiongpt.cancel", text="Cancel Generating", icon="X")
        layout.operator("motiongpt.cancel_all", text="Cancel All")
        layout.separator()
        for role in PoseRole:
            symbol, name = icon(role.value.lower()), tr(role.value.capitalize())
            text = tr("Mark Pose as {name}", name=name)
            button(layout, "motiongpt.add_pose", text, icon_value=symbol, role=role.value)
        for group in GROUPS:
            for name, text in group:
                layout.operator(name, text=text)
            if group is not GROUPS[-1]:
                layout.separator()


class MOTIONGPT_MT_copy_motion(bpy.types.Menu):
    """Armatures whose motion becomes a take of this character"""

    bl_label = "Copy Motion"
    bl_idname = "MOTIONGPT_MT_copy_motion"

    def draw(self, context: Context | None) -> None:
        """One entry for each armature that plays something."""
        layout = layout_of(self)
        obj = target(context) if context is not None else None
        found = sources(context, obj) if context is not None and obj is not None else []
        for source in found:
            action = current_action(source)
            text = f"{source.name}: {action.name}" if action is not None else source.name
            button(layout, "motiongpt.copy_motion", text, "ARMATURE_DATA", source=source.name)
        if not found:
            layout.label(text="No other armature of this scene plays an action", icon="INFO")
        layout.separator()
        layout.operator("motiongpt.copy_motion_from_file", text="From File...", icon="FILE")


class MOTIONGPT_MT_prompts(bpy.types.Menu):
    """The whole prompt, favourite prompts, the last ones, and examples of what the pack knows"""

    bl_label = "Prompts"
    bl_idname = "MOTIONGPT_MT_prompts"

    def draw(self, context: Context | None) -> None:
        """One entry for each; a click uses it."""
        layout, history = layout_of(self), paths.prompt_history()
        layout.operator_context = "INVOKE_DEFAULT"
        layout.operator("motiongpt.edit_prompt", text="Edit in a Wide Field...", icon="SMALL_CAPS")
        obj = target(context) if context is not None else None
        liked = obj is not None and is_favourite(armature.of(obj).request.prompt)
        text = msgid("No Favourite Any More") if liked else msgid("Make a Favourite")
        symbol = "SOLO_OFF" if liked else "SOLO_ON"
        layout.operator("motiongpt.favourite_prompt", text=text, icon=symbol)
        layout.separator()
        for prompt in history.favourites:
            button(layout, "motiongpt.use_prompt", prompt, "SOLO_ON", prompt=prompt)
        if history.favourites and history.others:
            layout.separator()
        for prompt in history.others:
            button(layout, "motiongpt.use_prompt", prompt, "BLANK1", prompt=prompt)
        known = paths.known_captions(chosen_pack(context)) if context is not None else None
        if known is not None:
            layout.separator()
            layout.label(text="Examples")
            for prompt in known.examples:
                button(layout, "motiongpt.use_prompt", prompt, "BLANK1", prompt=prompt)
        elif history == PromptHistory():
            layout.label(text="No prompt was used yet")


class MOTIONGPT_MT_pie(bpy.types.Menu):
    """The commands of a character as a pie. Give it a key in Preferences > Keymap"""

    bl_label = "MotionGPT"
    bl_idname = "MOTIONGPT_MT_pie"

    def draw(self, context: Context | None) -> None:
        """West, east, south, north, then the corners, as Blender fills a pie."""
        pie = layout_of(self).menu_pie()
        pie.operator("motiongpt.discard_takes", text="Discard", icon="X")
        pie.operator("motiongpt.keep_take", text="Keep", icon="CHECKMARK")
        pie.operator("motiongpt.vary_take", text="Vary", icon="FILE_REFRESH")
        pie.operator("motiongpt.generate", text="Generate", icon_value=icon("generate"))
        for role in (PoseRole.START, PoseRole.END, PoseRole.KEY):
            text = tr("Mark Pose as {name}", name=tr(role.value.capitalize()))
            symbol = icon(role.value.lower())
            button(pie, "motiongpt.add_pose", text, icon_value=symbol, role=role.value)
        pie.operator("motiongpt.cancel_all", text="Cancel All", icon="CANCEL")


def add() -> None:
    """Add the menu to those of Pose and Object, our switches and the sample character to others."""
    for menu in (bpy.types.VIEW3D_MT_pose, bpy.types.VIEW3D_MT_object):
        menu.append(cast("Any", _draw))
    bpy.types.VIEW3D_PT_overlay.append(cast("Any", _draw_overlays))
    _armatures().append(_draw_sample)
    _assets().append(_draw_pose_asset)


def remove() -> None:
    """Take all of it out again."""
    _assets().remove(_draw_pose_asset)
    _armatures().remove(_draw_sample)
    bpy.types.VIEW3D_PT_overlay.remove(cast("Any", _draw_overlays))
    for menu in (bpy.types.VIEW3D_MT_pose, bpy.types.VIEW3D_MT_object):
        menu.remove(cast("Any", _draw))


def draw_samples(layout: UILayout, alone: str, with_takes: str) -> None:
    """The sample character, alone and with poses and takes to try."""
    layout.operator("motiongpt.add_sample_character", text=alone, icon="USER")
    button(layout, "motiongpt.add_sample_character", with_takes, "ACTION", with_takes=True)


def _armatures() -> Any:
    return cast("Any", bpy.types.VIEW3D_MT_armature_add)


def _assets() -> Any:
    return cast("Any", bpy.types.ASSETBROWSER_MT_context_menu)


def _draw_pose_asset(menu: bpy.types.Menu, context: Context) -> None:
    asset = getattr(context, "asset", None)
    if asset is not None and asset.id_type == "ACTION":
        layout = layout_of(menu)
        layout.separator()
        layout.operator_menu_enum("motiongpt.mark_pose_asset", "role", text="Mark as Pose")


def _draw_sample(menu: bpy.types.Menu, _context: Context) -> None:
    layout = layout_of(menu)
    layout.operator_context = "INVOKE_REGION_WIN"
    draw_samples(layout, msgid("Sample Character"), msgid("Sample with Takes"))


def _draw(menu: bpy.types.Menu, _context: Context) -> None:
    layout = layout_of(menu)
    layout.separator()
    layout.menu("MOTIONGPT_MT_main", icon_value=icon("motiongpt"))


def _draw_overlays(popover: bpy.types.Panel, context: Context) -> None:
    """What we draw in the view, as Blender lists its own overlays."""
    layout, panel = layout_of(popover), scene_properties.of(context.scene)
    layout.label(text="MotionGPT")
    row = layout.row(align=True)
    row.prop(panel, "show_ghosts")
    row.prop(panel, "show_trails")

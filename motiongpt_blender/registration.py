"""Everything that the add-on registers, in one explicit order.

It is removed in reverse order, so that disabling the add-on leaves nothing behind.
"""

from __future__ import annotations

from typing import Any, Final

import bpy

from . import preferences, translations
from .command_line import command
from .operators import (
    assets,
    bases,
    child_task,
    copied_motion,
    derived_takes,
    description,
    environment,
    frame_range,
    generation,
    manual,
    news,
    overrides,
    packs,
    poses,
    prompt_history,
    prompts,
    report,
    reshape,
    sample,
    sequence,
    session,
    setup,
    takes,
    timeline,
    training_data,
    way,
)
from .operators import bone_map as bone_operators
from .properties import armature, bone_map, marked_pose, retargeting, scene
from .properties import frame_range as frame_range_properties
from .properties import overrides as override_properties
from .properties import request as request_properties
from .properties import sequence as sequence_properties
from .properties import takes as take_properties
from .properties import way as way_properties
from .properties.request import OVERRIDABLE
from .scene.kept import PROPERTY
from .ui import bone_map as bone_panel
from .ui import description as description_panel
from .ui import frame_range as frame_range_panel
from .ui import icons, keymap, menus, panels
from .ui import model as model_panel
from .ui import news as news_panel
from .ui import packs as packs_menu
from .ui import poses as pose_panel
from .ui import queue as queue_panel
from .ui import retargeting as retargeting_panel
from .ui import sequence as sequence_panel
from .ui import takes as take_panels
from .ui import way as way_panel
from .ui.viewport import handlers

CLASSES: Final = (
    preferences.MotionGPTPreferences,
    bone_map.MotionGPTBone,
    bone_map.MotionGPTBoneMap,
    retargeting.MotionGPTRetargeting,
    marked_pose.MotionGPTPose,
    request_properties.MotionGPTRequest,
    sequence_properties.MotionGPTBlock,
    sequence_properties.MotionGPTSequence,
    frame_range_properties.MotionGPTFrameRange,
    take_properties.MotionGPTTake,
    take_properties.MotionGPTTakes,
    way_properties.MotionGPTWaypoint,
    way_properties.MotionGPTWay,
    armature.MotionGPTArmature,
    override_properties.MotionGPTOverride,
    scene.MotionGPTScene,
    poses.MOTIONGPT_OT_add_pose,
    poses.MOTIONGPT_OT_remove_pose,
    poses.MOTIONGPT_OT_jump_to_pose,
    poses.MOTIONGPT_OT_show_pose,
    poses.MOTIONGPT_OT_constrain_part,
    timeline.MOTIONGPT_OT_move_pose,
    way.MOTIONGPT_OT_new_way_curve,
    way.MOTIONGPT_OT_add_waypoint,
    way.MOTIONGPT_OT_click_waypoints,
    way.MOTIONGPT_OT_remove_waypoint,
    way.MOTIONGPT_OT_move_waypoint,
    generation.MOTIONGPT_OT_generate,
    generation.MOTIONGPT_OT_generate_selected,
    generation.MOTIONGPT_OT_cancel,
    generation.MOTIONGPT_OT_cancel_all,
    prompts.MOTIONGPT_OT_use_prompt,
    prompt_history.MOTIONGPT_OT_favourite_prompt,
    prompts.MOTIONGPT_OT_edit_prompt,
    sample.MOTIONGPT_OT_add_sample_character,
    takes.MOTIONGPT_OT_keep_take,
    takes.MOTIONGPT_OT_keep_all_takes,
    takes.MOTIONGPT_OT_discard_takes,
    takes.MOTIONGPT_OT_select_keyed_bones,
    takes.MOTIONGPT_OT_remove_take,
    takes.MOTIONGPT_OT_use_take_again,
    takes.MOTIONGPT_OT_vary_take,
    takes.MOTIONGPT_OT_show_take,
    assets.MOTIONGPT_OT_take_as_asset,
    assets.MOTIONGPT_OT_mark_pose_asset,
    reshape.MOTIONGPT_OT_fit_take,
    reshape.MOTIONGPT_OT_take_speed,
    reshape.MOTIONGPT_OT_take_root,
    reshape.MOTIONGPT_OT_blend_takes,
    reshape.MOTIONGPT_OT_reroll_range,
    reshape.MOTIONGPT_OT_reset_take,
    sequence.MOTIONGPT_OT_add_block,
    sequence.MOTIONGPT_OT_remove_block,
    sequence.MOTIONGPT_OT_move_block,
    sequence.MOTIONGPT_OT_generate_sequence,
    sequence.MOTIONGPT_OT_generate_block,
    frame_range.MOTIONGPT_OT_range_from_selection,
    overrides.MOTIONGPT_OT_own_options,
    setup.MOTIONGPT_OT_check_backend,
    setup.MOTIONGPT_OT_unload_model,
    report.MOTIONGPT_OT_copy_report,
    manual.MOTIONGPT_OT_documentation,
    environment.MOTIONGPT_OT_set_up,
    environment.MOTIONGPT_OT_remove_environment,
    child_task.MOTIONGPT_OT_stop_task,
    news.MOTIONGPT_OT_dismiss_news,
    bases.MOTIONGPT_OT_fetch_base,
    bases.MOTIONGPT_OT_remove_base,
    packs.MOTIONGPT_OT_choose_pack,
    packs.MOTIONGPT_OT_install_pack,
    packs.MOTIONGPT_OT_remove_pack,
    packs_menu.MOTIONGPT_MT_packs,
    packs_menu.MOTIONGPT_FH_pack,
    training_data.MOTIONGPT_OT_export_clip,
    copied_motion.MOTIONGPT_OT_copy_motion,
    copied_motion.MOTIONGPT_OT_copy_motion_from_file,
    derived_takes.MOTIONGPT_OT_mirror_take,
    derived_takes.MOTIONGPT_OT_take_style,
    description.MOTIONGPT_OT_describe,
    description.MOTIONGPT_OT_cancel_description,
    description.MOTIONGPT_OT_name_by_description,
    bone_operators.MOTIONGPT_OT_find_bones,
    bone_operators.MOTIONGPT_OT_forget_bones,
    bone_operators.MOTIONGPT_OT_bone_from_selected,
    bone_operators.MOTIONGPT_OT_clear_bone,
    bone_operators.MOTIONGPT_OT_add_bone,
    bone_operators.MOTIONGPT_OT_mirror_bones,
    bone_operators.MOTIONGPT_OT_save_bones,
    bone_operators.MOTIONGPT_OT_load_bones,
    pose_panel.MOTIONGPT_UL_poses,
    way_panel.MOTIONGPT_UL_waypoints,
    bone_panel.MOTIONGPT_UL_bones,
    sequence_panel.MOTIONGPT_UL_blocks,
    take_panels.MOTIONGPT_UL_takes,
    take_panels.MOTIONGPT_MT_reshape,
    menus.MOTIONGPT_MT_main,
    menus.MOTIONGPT_MT_copy_motion,
    menus.MOTIONGPT_MT_prompts,
    menus.MOTIONGPT_MT_pie,
    news_panel.MOTIONGPT_PT_news,
    panels.MOTIONGPT_PT_main,
    queue_panel.MOTIONGPT_PT_queue,
    pose_panel.MOTIONGPT_PT_poses,
    pose_panel.MOTIONGPT_PT_pose_parts,
    way_panel.MOTIONGPT_PT_way,
    take_panels.MOTIONGPT_PT_takes,
    frame_range_panel.MOTIONGPT_PT_frame_range,
    sequence_panel.MOTIONGPT_PT_sequence,
    retargeting_panel.MOTIONGPT_PT_retargeting,
    bone_panel.MOTIONGPT_PT_bones,
    model_panel.MOTIONGPT_PT_model,
    description_panel.MOTIONGPT_PT_description,
    model_panel.MOTIONGPT_PT_training_data,
    take_panels.MOTIONGPT_PT_report,
)


#: Blender's commands of the add-on, while it is enabled.
_commands: list[Any] = []


def register() -> None:
    """Add classes, properties and icons, and begin a session."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    kept = bpy.props.PointerProperty(type=armature.MotionGPTArmature, override=OVERRIDABLE)
    setattr(bpy.types.Object, PROPERTY, kept)
    setattr(bpy.types.Scene, PROPERTY, bpy.props.PointerProperty(type=scene.MotionGPTScene))
    translations.add()
    icons.load()
    menus.add()
    keymap.add()
    handlers.add()
    session.start()
    environment.look_again(bpy.context)
    news.begin(bpy.context)
    _commands.append(command.register())


def unregister() -> None:
    """Remove all of it, last first. A running job is cancelled and the process ended."""
    while _commands:
        command.unregister(_commands.pop())
    session.stop()
    handlers.remove()
    keymap.remove()
    menus.remove()
    icons.unload()
    translations.remove()
    delattr(bpy.types.Scene, PROPERTY)
    delattr(bpy.types.Object, PROPERTY)
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)

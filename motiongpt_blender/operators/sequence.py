"""Prompt blocks on the timeline: their list, and generating all of them or one."""

from __future__ import annotations

from collections.abc import Sequence

import bpy

from ..generate.sequence import SEQUENCE_REFUSED, start_sequence
from ..properties import armature
from ..properties import scene as scene_properties
from ..properties.sequence import MotionGPTSequence
from ..scene.rig.usability import check_usable
from ..scene.scene_time import scene_fps
from . import generation, session, waiting
from .character import ArmatureCharacter
from .launching import chosen_launch
from .targets import OperatorResult, has_active_block, has_target, required_target


class MOTIONGPT_OT_add_block(bpy.types.Operator):
    """Add a prompt block after the last one, or at the current frame"""

    bl_idname = "motiongpt.add_block"
    bl_label = "Add Block"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An armature is needed."""
        return has_target(cls, context)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Append one with the prompt, length and seed of the panel."""
        obj, group = required_target(context), _sequence(context)
        request = armature.of(obj).request
        ends = [block.end for block in group.blocks]
        block = group.blocks.add()
        block.prompt, block.seed = request.prompt, request.seed
        block.start = max(ends) if ends else context.scene.frame_current
        block.end = block.start + max(round(generation.length(context, obj) * scene_fps()), 1)
        group.active = len(group.blocks) - 1
        return {"FINISHED"}


class MOTIONGPT_OT_remove_block(bpy.types.Operator):
    """Remove the block from the list. The animation that was generated stays"""

    bl_idname = "motiongpt.remove_block"
    bl_label = "Remove Block"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A block must be chosen."""
        return has_active_block(cls, context)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Remove the active one."""
        group = _sequence(context)
        group.blocks.remove(group.active)
        group.active = max(0, min(group.active, len(group.blocks) - 1))
        return {"FINISHED"}


class MOTIONGPT_OT_move_block(bpy.types.Operator):
    """Swap the block with the one before or after it. Each keeps its length"""

    bl_idname = "motiongpt.move_block"
    bl_label = "Move Block"
    bl_options = {"REGISTER", "UNDO"}

    up: bpy.props.BoolProperty(name="Earlier")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A block must be chosen."""
        return has_active_block(cls, context)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Swap two neighbours in the list and in time."""
        group = _sequence(context)
        index, other = group.active, group.active + (-1 if self.up else 1)
        if not 0 <= other < len(group.blocks):
            return {"CANCELLED"}
        first, second = group.blocks[min(index, other)], group.blocks[max(index, other)]
        start, end, gap = first.start, second.end, second.start - first.end
        first.start, first.end = end - (first.end - first.start), end
        second.start, second.end = start, first.start - gap
        group.blocks.move(index, other)
        group.active = other
        return {"FINISHED"}


class MOTIONGPT_OT_generate_sequence(generation.Requesting, bpy.types.Operator):
    """Generate all blocks in a row. Each continues from the one before it. Esc cancels"""

    bl_idname = "motiongpt.generate_sequence"
    bl_label = "MotionGPT: Generate All"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Nothing may be under way."""
        if (reason := generation.why_not(context)) != "":
            cls.poll_message_set(reason)
        return reason == ""

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Send the first piece. The others follow by themselves."""
        count = len(_sequence(context).blocks)
        return _generate(self, context, range(count))


class MOTIONGPT_OT_generate_block(generation.Requesting, bpy.types.Operator):
    """Generate this block again. It joins the blocks beside it"""

    bl_idname = "motiongpt.generate_block"
    bl_label = "MotionGPT: Generate Block"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A block, and nothing under way."""
        if (reason := generation.why_not(context)) != "":
            cls.poll_message_set(reason)
            return False
        return has_active_block(cls, context)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Send its first piece."""
        return _generate(self, context, [_sequence(context).active])


def _sequence(context: bpy.types.Context) -> MotionGPTSequence:
    """The sequence of the armature in question."""
    return armature.editable_of(required_target(context)).sequence


def _generate(
    operator: bpy.types.Operator, context: bpy.types.Context, chosen: Sequence[int]
) -> OperatorResult:
    """Make the chosen blocks."""
    obj = required_target(context)
    armature.of(obj).takes.hide()  # it is no animation to join
    try:
        check_usable(obj)
        start_sequence(
            session.controller(),
            ArmatureCharacter.of(obj, context.scene),
            armature.of(obj).sequence.plan(),
            chosen,
            chosen_launch(context),
            scene_properties.of(context.scene).sampling(armature.of(obj).request.seed),
        )
    except SEQUENCE_REFUSED as error:
        return session.refuse(operator, obj, error)
    return waiting.finish(operator, [obj])

"""The sub-panel "Sequence": prompt blocks on the timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.types import Context, Object, UILayout

from ..core.translation import tr
from ..generate.sequence import TRACK, hidden_note
from ..operators import session
from ..operators.character import ArmatureCharacter
from ..properties import armature
from ..properties import scene as scene_properties
from ..properties.sequence import MotionGPTBlock
from ..scene.action.nla import has_strips
from ..scene.kept import owner_of
from ..scene.scene_time import scene_fps
from .base import ArmaturePanel, List, button, hint, sentence

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import IconItems


class MOTIONGPT_UL_blocks(List, bpy.types.UIList):
    """Blocks in the order of their list."""

    def draw_row(
        self, context: Context, layout: UILayout, item: MotionGPTBlock, index: int
    ) -> None:
        """One block: its icon, its prompt, its frames."""
        row = layout.row(align=True)
        row.label(text=item.prompt, icon=_symbol(owner_of(item), item, index))
        right = row.row()
        right.alignment = "RIGHT"
        right.active = item.start <= context.scene.frame_current < item.end
        right.label(text=f"{item.start} - {item.end}")


class MOTIONGPT_PT_sequence(ArmaturePanel, bpy.types.Panel):
    """The list and its buttons."""

    bl_label = "Sequence"
    bl_idname = "MOTIONGPT_PT_sequence"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_for(self, context: Context, layout: UILayout, obj: Object) -> None:
        """List, the chosen block, Generate."""
        group = armature.of(obj).sequence
        row = layout.row()
        row.template_list(
            "MOTIONGPT_UL_blocks", "", group, "blocks", group, "active", rows=4, maxrows=10
        )
        side = row.column(align=True)
        side.operator("motiongpt.add_block", text="", icon="ADD")
        side.operator("motiongpt.remove_block", text="", icon="REMOVE")
        side.separator()
        button(side, "motiongpt.move_block", "", "TRIA_UP", up=True)
        button(side, "motiongpt.move_block", "", "TRIA_DOWN", up=False)
        block = group.active_block
        if block is None:
            sentence(
                context, layout, tr("Add a block with the prompt above: press the plus"), "INFO"
            )
            return
        self._block(layout, block)
        if scene_properties.of(context.scene).frame_range.loop:
            hint(layout, "Blocks do not loop: Loop applies to single takes")
        if (hidden := hidden_note(ArmatureCharacter.of(obj, context.scene))) != "":
            sentence(context, layout, hidden, "INFO")
        if (run := session.state_of(obj).sequence) is not None:
            hint(layout, run.progress)
        row = layout.row(align=True)
        row.scale_y = 1.3
        row.operator("motiongpt.generate_sequence", text="Generate All")
        row.operator("motiongpt.generate_block", text="Generate Block")

    def _block(self, layout: UILayout, block: MotionGPTBlock) -> None:
        layout.prop(block, "prompt", text="", icon="SMALL_CAPS")  # in the list it is cut off
        column = layout.column(align=True)
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(block, "start")
        column.prop(block, "end")
        column.prop(block, "seed")
        seconds = (block.end - block.start) / scene_fps()
        hint(column, tr("{seconds:.1f} s; marked poses in these frames count", seconds=seconds))


def _symbol(obj: Object, block: MotionGPTBlock, index: int) -> IconItems:
    """The icon of a block: under way, generated, or neither."""
    run = session.state_of(obj).sequence
    if run is not None and run.piece.block == index:
        return "RENDER_ANIMATION"
    generated = has_strips(obj, TRACK, block.start, block.end)
    return "CHECKMARK" if generated else "BLANK1"

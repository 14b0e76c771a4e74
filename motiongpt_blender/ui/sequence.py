"""The sub-panel "Sequence": prompt blocks on the timeline."""

from typing import Any

import bpy

from ..generate.state import SESSION
from ..operators.sequence import TRACK, hidden_note
from ..properties.sequence import active_block
from ..scene.action.nla import has_strips
from ..scene.scene_time import scene_fps
from .panels import _ArmaturePanel, _hint, _List, _sentence


class MOTIONGPT_UL_blocks(_List, bpy.types.UIList):
    """Blocks in the order of their list."""

    def draw_row(self, context: Any, layout: Any, item: Any, index: int) -> None:
        """One block: whether it is made, its prompt, its frames."""
        row = layout.row(align=True)
        row.label(text=item.prompt, icon=_symbol(item.id_data, item, index))
        right = row.row()
        right.alignment = "RIGHT"
        right.active = item.start <= context.scene.frame_current < item.end
        right.label(text=f"{item.start} - {item.end}")


class MOTIONGPT_PT_sequence(_ArmaturePanel, bpy.types.Panel):
    """The list and its buttons."""

    bl_label = "Sequence"
    bl_idname = "MOTIONGPT_PT_sequence"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_for(self, context: Any, layout: Any, obj: Any) -> None:
        """List, the chosen block, Generate."""
        group = obj.motiongpt.sequence
        row = layout.row()
        row.template_list(
            "MOTIONGPT_UL_blocks", "", group, "blocks", group, "active", rows=4, maxrows=10
        )
        side = row.column(align=True)
        side.operator("motiongpt.add_block", text="", icon="ADD")
        side.operator("motiongpt.remove_block", text="", icon="REMOVE")
        side.separator()
        side.operator("motiongpt.move_block", text="", icon="TRIA_UP").up = True
        side.operator("motiongpt.move_block", text="", icon="TRIA_DOWN").up = False
        block = active_block(group)
        if block is None:
            _sentence(context, layout, "The plus adds a block with the prompt above", "INFO")
            return
        self._block(layout, block)
        if context.scene.motiongpt.frame_range.loop:
            _hint(layout, "Blocks do not loop: Loop is for single takes")
        if (hidden := hidden_note(obj.name)) != "":
            _sentence(context, layout, hidden.strip(), "INFO")
        if SESSION.run is not None:
            _hint(layout, _progress())
        row = layout.row(align=True)
        row.scale_y = 1.3
        row.operator("motiongpt.generate_sequence")
        row.operator("motiongpt.generate_block")

    def _block(self, layout: Any, block: Any) -> None:
        layout.prop(block, "prompt", text="", icon="SMALL_CAPS")  # in the list it is cut off
        column = layout.column(align=True)
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(block, "start")
        column.prop(block, "end")
        column.prop(block, "seed")
        seconds = (block.end - block.start) / scene_fps()
        _hint(column, f"{seconds:.1f} s; marked poses in these frames count")


def _symbol(obj: Any, block: Any, index: int) -> str:
    """Being made, made, or not yet."""
    run = SESSION.run
    if run is not None and run.armature == obj.name and run.pieces[run.done].block == index:
        return "RENDER_ANIMATION"
    made = has_strips(obj, TRACK, block.start, block.end)
    return "CHECKMARK" if made else "BLANK1"


def _progress() -> str:
    run = SESSION.run
    assert run is not None
    return (
        f"Making block {run.pieces[run.done].block + 1}; part {run.done + 1} of {len(run.pieces)}"
    )

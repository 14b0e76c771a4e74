"""What the panel shows while the model is not set up: what is missing, Set Up, its progress."""

from __future__ import annotations

from bpy.types import Context, UILayout

from ..backend.setup.setup_task import Phase
from ..operators import session
from ..operators.environment import is_set_up
from .base import sentence


def draw_setup(context: Context, layout: UILayout) -> None:
    """Draw it; nothing once the model is set up."""
    task = session.current().setup
    if task is not None and task.progress.phase is Phase.RUNNING:
        progress = task.progress
        row = layout.row(align=True)
        row.progress(factor=progress.fraction, text=f"Set-up: {progress.fraction:.0%}")
        row.operator("motiongpt.stop_set_up", text="", icon="X")
        sentence(context, layout, progress.text, "INFO")
        return
    if is_set_up(context):
        return
    box = layout.box()
    sentence(context, box, "The language model is not set up on this computer yet.", "INFO")
    row = box.row()
    row.scale_y = 1.4
    row.operator("motiongpt.set_up", icon="IMPORT")
    if task is not None:
        symbol = "ERROR" if task.progress.phase is Phase.FAILED else "INFO"
        sentence(context, box, task.progress.text, symbol)

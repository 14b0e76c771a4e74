"""What the panel shows while the model cannot run: what is missing, the button, its progress."""

from __future__ import annotations

from bpy.types import Context, UILayout

from .. import paths
from ..backend.child_task import FETCH, SET_UP, ChildTask, Phase, Wording
from ..core.packs.fetched_bases import NamedBase, bases_folder
from ..core.packs.memory_need import MemoryNeed
from ..core.time_left import time_left_text
from ..core.translation import tr
from ..operators import session
from ..operators.child_task import OFFLINE, may_download
from ..operators.environment import is_set_up
from ..preferences import chosen_pack
from .base import sentence


def draw_setup(context: Context, layout: UILayout) -> None:
    """Draw it; nothing once the model is set up and has what the chosen pack needs."""
    task = session.current().task
    if task is not None and task.progress.phase is Phase.RUNNING:
        _draw_progress(context, layout, task)
    elif not is_set_up(context):
        text = tr("The language model is not set up on this computer yet.")
        _draw_missing(context, layout.box(), text, "motiongpt.set_up", SET_UP)
    elif (base := paths.missing_base(chosen_pack(context))) is not None:
        _draw_missing(context, layout.box(), missing_text(base), "motiongpt.fetch_base", FETCH)
    elif (need := memory_shortage(context)) is not None:
        sentence(context, layout, tr("The chosen pack: {need}.", need=need), "ERROR")


def memory_shortage(context: Context) -> MemoryNeed | None:
    """The chosen pack's need where it does not fit; None also for one that is loaded already."""
    if not session.current().pump.is_unloaded:
        return None
    need = paths.memory_need(chosen_pack(context))
    return None if need.fits else need


def missing_text(base: NamedBase) -> str:
    """What is missing, how large it is and where it goes."""
    return tr(
        "The pack builds on {base} by {owner}, which is not on this computer "
        "yet: {size}, once, into {folder}.",
        base=base.name,
        owner=base.owner,
        size=paths.download_text(base),
        folder=bases_folder(),
    )


def _draw_progress(context: Context, layout: UILayout, task: ChildTask) -> None:
    progress = task.progress
    row = layout.row(align=True)
    text = f"{progress.stage or tr(task.wording.name)}: {progress.fraction:.0%}"
    if left := time_left_text(task.seconds_left):
        text = f"{text}, {left}"
    row.progress(factor=progress.fraction, text=text)
    row.operator("motiongpt.stop_task", text="", icon="X")
    sentence(context, layout, tr(progress.text), "INFO")


def _draw_missing(
    context: Context, box: UILayout, text: str, operator: str, wording: Wording
) -> None:
    sentence(context, box, text, "INFO", boxed=True)
    row = box.row()
    row.scale_y = 1.4
    row.operator(operator, icon="IMPORT")
    if not may_download():
        sentence(context, box, f"{tr(OFFLINE)}.", "ERROR", boxed=True)
    task = session.current().task
    if task is not None and task.wording is wording and task.progress.phase is not Phase.DONE:
        symbol = "ERROR" if task.progress.phase is Phase.FAILED else "INFO"
        sentence(context, box, task.progress.text, symbol, boxed=True)

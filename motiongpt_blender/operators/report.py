"""Copy Report: what helpers need to know of a problem, on the clipboard."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import bpy

from .. import paths, preferences
from ..backend.log_file import last_lines
from ..compat import BLENDER
from ..core.problem_report import problem_report
from ..core.translation import tr
from . import session
from .targets import OperatorResult


class MOTIONGPT_OT_copy_report(bpy.types.Operator):
    """Copy versions, device, pack and the last lines of the log, without personal paths"""

    bl_idname = "motiongpt.copy_report"
    bl_label = "Copy Report"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Put it on the clipboard."""
        context.window_manager.clipboard = report_text(context)
        self.report(
            {"INFO"}, tr("The report is on the clipboard: paste it where you ask for help.")
        )
        return {"FINISHED"}


def report_text(context: bpy.types.Context) -> str:
    """The report."""
    chosen = preferences.settings(context)
    info = paths.pack_info(chosen.pack)
    hello = session.current().pump.hello
    facts = {
        "Blender": BLENDER,
        "System": f"{platform.system()} {platform.release()} {platform.machine()}",
        "Add-on": paths.version(),
        "Model process": f"{hello.backend} {hello.version}" if hello else "not running",
        "Set up": "no" if chosen.python is None else "yes",
        "Device": chosen.device,
        "Pack": info.name if info else "not readable",
        "Memory": str(paths.memory_need(chosen.pack)),
        "Message": session.active_state(context).message or "none",
    }
    folders = {"add-on": paths.ROOT, "python": Path(sys.prefix), "home": Path.home()}
    if chosen.python is not None:
        folders["environment"] = chosen.python.parent.parent
    return problem_report(facts, last_lines(), folders)

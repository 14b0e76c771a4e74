"""What's New: shown after an upgrade, until it is dismissed."""

from __future__ import annotations

import bpy

from .. import paths
from ..preferences import entry
from .targets import OperatorResult


class MOTIONGPT_OT_dismiss_news(bpy.types.Operator):
    """Do not show again what is new in this version"""

    bl_idname = "motiongpt.dismiss_news"
    bl_label = "Dismiss"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Note that this version was seen."""
        see(context)
        return {"FINISHED"}


def begin(context: bpy.types.Context) -> None:
    """Called when the add-on is enabled: to whom all is new, nothing is told."""
    kept = entry(context)
    if kept is not None and not kept.seen_version:
        see(context)


def is_new(context: bpy.types.Context) -> bool:
    """Whether this version has not been seen yet, and tells of something."""
    seen = getattr(entry(context), "seen_version", "")
    return bool(seen) and seen != paths.version() and bool(paths.news())


def see(context: bpy.types.Context) -> None:
    """Note that this version was seen."""
    if (kept := entry(context)) is not None:
        kept.seen_version = paths.version()
        context.preferences.is_dirty = True

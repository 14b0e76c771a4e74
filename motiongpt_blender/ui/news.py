"""What's New after an upgrade: a line in the main panel, and the entries behind it."""

from __future__ import annotations

from typing import Final

import bpy
from bpy.types import Context, UILayout

from .. import paths
from ..core.translation import tr
from ..operators.news import is_new
from .base import layout_of, sentence

#: Width of the list, in units of 20 pixels.
WIDTH: Final = 26
#: The most entries that are shown; the changelog has all.
MOST: Final = 12


class MOTIONGPT_PT_news(bpy.types.Panel):
    """The changelog's entries of this version. Opened by a button of the main panel."""

    bl_label = "What's New"
    bl_idname = "MOTIONGPT_PT_news"
    bl_space_type = "VIEW_3D"
    bl_region_type = "HEADER"
    bl_ui_units_x = WIDTH

    def draw(self, context: Context) -> None:
        """The first entries, in the changelog's English."""
        layout = layout_of(self)
        layout.label(text=tr("New in {version}", version=paths.version()))
        for line in paths.news()[:MOST]:
            sentence(context, layout, line, "DOT", units=WIDTH)


def draw_news(context: Context, layout: UILayout) -> None:
    """The line that says that the add-on was updated, until it is dismissed."""
    if not is_new(context):
        return
    row = layout.box().row(align=True)
    text = tr("New in {version}", version=paths.version())
    row.popover(MOTIONGPT_PT_news.bl_idname, text=text, icon="INFO")
    row.operator("motiongpt.dismiss_news", text="", icon="X")

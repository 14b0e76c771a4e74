"""What the panels share: their place, lists, hints and wrapped sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import blf
import bpy
from bpy.types import Context, Object, UILayout

from ..core.text_lines import wrapped
from ..properties.scene import target
from ..scene.errors import RigError

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import IconItems

    _PanelBase, _ListBase = bpy.types.Panel, bpy.types.UIList
else:
    _PanelBase = _ListBase = object  # Blender registers classes with one base of its own

#: Pixels of the side bar's width that a sentence cannot use: tabs, margins, its icon.
MARGINS: Final = 92
#: What a box takes in addition.
BOX: Final = 16

#: Pixels of a unit of Blender's layouts.
UNIT: Final = 20
#: Pixels that a line has at least.
LEAST_ROOM: Final = 100.0
#: The tab of the side bar.
CATEGORY: Final = "MotionGPT"


class Panel(_PanelBase):
    """A panel in the tab "MotionGPT" of the side bar."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = CATEGORY


class ArmaturePanel(Panel):
    """A sub-panel about the chosen armature. Says so where there is none."""

    bl_parent_id = "MOTIONGPT_PT_main"

    def draw(self, context: Context) -> None:
        """The panel, or what is missing."""
        layout, obj = layout_of(self), target(context)
        if obj is None:
            hint(layout, "Choose or select an armature")
            return
        try:
            self.draw_for(context, layout, obj)
        except RigError as error:
            sentence(context, layout, str(error), "ERROR")

    def draw_for(self, context: Context, layout: UILayout, obj: Object) -> None:
        """The panel for an armature."""
        raise NotImplementedError


class List(_ListBase):
    """A list that draws its rows with ``draw_row``."""

    def draw_item(
        self,
        context: Context | None,
        layout: UILayout,
        data: Any,
        item: Any,
        icon: int | None,
        active_data: Any,
        active_property: str | None,
        index: int | None = 0,
        flt_flag: int | None = 0,
    ) -> None:
        """Called by Blender for each row."""
        assert context is not None and index is not None
        self.draw_row(context, layout, item, index)

    def draw_row(self, context: Context, layout: UILayout, item: Any, index: int) -> None:
        """One row."""
        raise NotImplementedError


def layout_of(owner: bpy.types.Panel | bpy.types.Menu | bpy.types.AddonPreferences) -> UILayout:
    """The layout of what is being drawn."""
    assert owner.layout is not None
    return owner.layout


def button(
    layout: UILayout,
    operator: str,
    text: str,
    symbol: IconItems = "NONE",
    *,
    icon_value: int = 0,
    depress: bool = False,
    **properties: object,
) -> None:
    """The button of an operator that is called with these properties."""
    called = layout.operator(
        operator, text=text, icon=symbol, icon_value=icon_value, depress=depress
    )
    for name, value in properties.items():
        setattr(called, name, value)


def hint(layout: UILayout, text: str) -> None:
    """A line in grey."""
    row = layout.row()
    row.active = False
    row.label(text=text)


def sentence(
    context: Context,
    layout: UILayout,
    text: str,
    symbol: IconItems,
    least: int = 1,
    *,
    boxed: bool = False,
    units: int = 0,
) -> None:
    """A sentence, wrapped to the width of the side bar, on ``least`` lines or more.

    In a popover the width is so many ``units``, as in ``bl_ui_units_x``.
    """
    blf.size(0, context.preferences.ui_styles[0].widget.points * _scale(context))
    width = UNIT * units * _scale(context) or context.region.width
    room = width - (MARGINS + BOX * boxed) * _scale(context)
    column = layout.column(align=True)
    column.scale_y = 0.85
    lines = wrapped(text, max(room, LEAST_ROOM), lambda part: blf.dimensions(0, part)[0])
    for k, line in enumerate([*lines, *[""] * (least - len(lines))]):
        column.label(text=line, icon=symbol if k == 0 and text else "BLANK1")


def _scale(context: Context) -> float:
    return context.preferences.system.ui_scale

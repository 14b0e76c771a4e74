"""The sub-panels "Takes" and "Report": the list, what to do with a take, and how it was made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import bpy
from bpy.types import Context, Object, UILayout

from ..core.feet.foot_locking import FootLockReport
from ..core.pose_constraints.reports import PoseReport
from ..core.timeline.frame_range import frame_text
from ..core.translation import tr
from ..generate.take_request import MOST_TAKES
from ..properties import armature
from ..properties import scene as scene_properties
from ..properties.scene import target
from ..properties.takes import MotionGPTTake, MotionGPTTakes
from ..scene.take.picture import picture_of
from ..scene.take.report import ApplyReport
from .base import ArmaturePanel, List, button, hint, layout_of, sentence

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import IconItems

#: Rows of the list, whether there are takes or not: a take that arrives moves nothing.
ROWS: Final = 3
#: Size of a take's picture, in heights of a button.
PICTURE_SCALE: Final = 2.6


class MOTIONGPT_UL_takes(List, bpy.types.UIList):
    """Takes in the order in which they were made. A click shows one on the character."""

    only_favourites: bpy.props.BoolProperty(name="Favourites", description="List favourites only")

    def draw_row(self, context: Context, layout: UILayout, item: MotionGPTTake, index: int) -> None:
        """One take: where it is, its number, its name, whether it is a favourite."""
        row = layout.row(align=True)
        row.label(text="", icon=take_icon(item))
        split = row.split(factor=0.14)
        split.label(text=f"{index + 1}")
        name = split.row()
        name.active = item.action is not None
        name.prop(item, "name", text="", emboss=False)
        symbol = "SOLO_ON" if item.favourite else "SOLO_OFF"
        row.prop(item, "favourite", text="", icon=symbol, emboss=False)

    def draw_filter(self, context: Context | None, layout: UILayout) -> None:
        """A search field, and favourites only."""
        row = layout.row(align=True)
        row.prop(self, "filter_name", text="")
        row.prop(self, "only_favourites", text="", icon="SOLO_ON")

    def filter_items(
        self, context: Context | None, data: object, property: str | None
    ) -> tuple[Any, Any]:
        """Show the takes whose name or prompt has the search text in it."""
        wanted, flag = self.filter_name.casefold(), self.bitflag_filter_item
        if not wanted and not self.only_favourites:
            return [], []  # all of them, however many
        takes = getattr(data, property or "")
        shown = [
            flag
            if wanted in f"{take.name}\n{take.prompt}".casefold()
            and (take.favourite or not self.only_favourites)
            else 0
            for take in takes
        ]
        return shown, []


class MOTIONGPT_PT_takes(ArmaturePanel, bpy.types.Panel):
    """The list of takes and what to do with the chosen one."""

    bl_label = "Takes"
    bl_idname = "MOTIONGPT_PT_takes"

    def draw_header_preset(self, context: Context) -> None:
        """Takes of other motion, bones for the chosen take's keys, whether its trails are shown."""
        panel, row = scene_properties.of(context.scene), layout_of(self).row(align=True)
        row.menu("MOTIONGPT_MT_copy_motion", text="", icon="PASTEDOWN")
        row.operator("motiongpt.select_keyed_bones", text="", icon="KEYFRAME")
        row.prop(panel, "show_trails", text="", icon="ANIM")

    def draw_for(self, context: Context, layout: UILayout, obj: Object) -> None:
        """List and buttons, as high without a take as with one."""
        takes = armature.of(obj).takes
        row = layout.row()
        row.template_list(
            "MOTIONGPT_UL_takes", "", takes, "entries", takes, "active", rows=ROWS, maxrows=ROWS
        )
        side = row.column(align=True)
        side.operator("motiongpt.remove_take", text="", icon="REMOVE")
        side.operator("motiongpt.use_take_again", text="", icon="LOOP_BACK")
        side.operator("motiongpt.vary_take", text="", icon="FILE_REFRESH")
        side.operator("motiongpt.take_as_asset", text="", icon="ASSET_MANAGER")
        _draw_pictures(layout, takes)
        row = layout.row(align=True)
        row.operator("motiongpt.keep_take", text=tr("Keep"), icon="CHECKMARK")
        row.prop(takes, "destination", text="", icon_only=True)
        row.operator("motiongpt.keep_all_takes", text="Keep All")
        row.operator("motiongpt.discard_takes", text="Discard", icon="X")
        row = layout.row(align=True)
        row.operator("motiongpt.fit_take", text="Fit", icon="POSE_HLT")
        reach = row.row(align=True)
        reach.scale_x = 1.5  # the word and the time beside it
        reach.prop(armature.of(obj).retargeting, "reach", text="Reach")
        row.menu("MOTIONGPT_MT_reshape", text="", icon="DOWNARROW_HLT")
        row.operator("motiongpt.reset_take", text="", icon="RECOVER_LAST")


class MOTIONGPT_MT_reshape(bpy.types.Menu):
    """Change the chosen take as a whole, or generate a part of it anew."""

    bl_label = "Reshape"
    bl_idname = "MOTIONGPT_MT_reshape"

    def draw(self, context: Context | None) -> None:
        """One entry for each operator."""
        layout = layout_of(self)
        layout.operator_context = "INVOKE_DEFAULT"
        layout.operator("motiongpt.take_speed", text="Speed...", icon="TIME")
        layout.operator("motiongpt.blend_takes", text="Blend...", icon="UV_SYNC_SELECT")
        layout.operator("motiongpt.reroll_range", text="Re-roll Range...", icon="FILE_REFRESH")
        layout.separator()
        layout.label(text="Another take of this one")
        layout.operator("motiongpt.mirror_take", text="Mirror", icon="MOD_MIRROR")
        layout.operator("motiongpt.take_style", text="Style...", icon="FORCE_TURBULENCE")
        layout.separator()
        layout.label(text="What moves over the floor")
        layout.operator_enum("motiongpt.take_root", "root")


class MOTIONGPT_PT_report(ArmaturePanel, bpy.types.Panel):
    """How the chosen take was made. The last panel, so that what it says moves nothing."""

    bl_label = "Report"
    bl_idname = "MOTIONGPT_PT_report"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        """A take that has a report."""
        obj = target(context)
        take = armature.of(obj).takes.chosen_take if obj is not None else None
        return take is not None and take.report is not None

    def draw_header_preset(self, context: Context) -> None:
        """How many notes there are, shown while the panel is closed."""
        obj = target(context)
        take = armature.of(obj).takes.chosen_take if obj is not None else None
        report = take.report if take is not None else None
        if report is not None and report.notes:
            count = len(report.notes)
            text = tr("1 note") if count == 1 else tr("{count} notes", count=count)
            layout_of(self).label(text=text, icon="INFO")

    def draw_for(self, context: Context, layout: UILayout, obj: Object) -> None:
        """Prompt, frames, and how near the model came to each marked pose."""
        take = armature.of(obj).takes.chosen_take
        report = take.report if take is not None else None
        if take is None or report is None:
            return
        sentence(
            context,
            layout,
            tr("{prompt}, seed {seed}", prompt=take.prompt, seed=take.seed),
            "SMALL_CAPS",
        )
        start, end = frame_text(report.frame_start), frame_text(report.frame_end)
        layout.label(text=tr("Frames {start} to {end}", start=start, end=end), icon="TIME")
        if report.keys:
            _draw_distances(context, layout, report)
        if report.foot_lock is not None:
            sentence(context, layout, feet_text(report.foot_lock), "CON_FLOOR")
        for note in report.notes:
            sentence(context, layout, note, "INFO")


def _draw_pictures(layout: UILayout, takes: MotionGPTTakes) -> None:
    """The takes of one Generate as pictures, each over a button that shows it; or room for them."""
    chosen, row = takes.chosen_take, layout.row(align=True)
    batch = _batch_around(takes) if chosen is not None else range(0)
    for index in batch[:MOST_TAKES]:
        take = takes.entries[index]
        column = row.column(align=True)
        column.template_icon(picture_of(take.action), scale=PICTURE_SCALE)
        on = take.shown or (take == chosen and take.on_rig)
        button(column, "motiongpt.show_take", str(index + 1), depress=on, index=index)
    for _ in range(MOST_TAKES - len(batch)):
        column = row.column(align=True)
        column.template_icon(0, scale=PICTURE_SCALE)
        column.label(text="")


def _batch_around(takes: MotionGPTTakes) -> range:
    """The indices of the takes that came with the chosen one; they lie side by side."""
    first, entries = takes.chosen, takes.entries
    last, batch = first, entries[first].batch
    while batch and first > 0 and entries[first - 1].batch == batch:
        first -= 1
    while batch and last < len(entries) - 1 and entries[last + 1].batch == batch:
        last += 1
    return range(first, last + 1)


def take_icon(take: MotionGPTTake) -> IconItems:
    """Where a take is: gone, on show, on the character, kept in the list, or undecided."""
    if take.action is None:
        return "ERROR"
    if take.shown:
        return "HIDE_OFF"
    if take.on_rig:
        return "CHECKMARK"
    return "FAKE_USER_ON" if take.kept else "BLANK1"


def _draw_distances(context: Context, layout: UILayout, report: ApplyReport) -> None:
    """How far the model's motion was from each marked pose before the correction."""
    box = layout.box().column(align=True)
    box.label(text="The model alone, by frame:")
    for key in report.keys:
        row = box.row()
        row.label(text=f"{frame_text(key.frame)}:")
        body = tr("body {cm:.0f} cm, {degrees:.0f}°", cm=key.body_cm, degrees=key.body_degrees)
        place = (
            tr("place {cm:.0f} cm", cm=key.position_cm)
            if key.root_constrained
            else tr("place free")
        )
        for distance in (body, place):
            cell = row.row()
            cell.alignment = "RIGHT"
            cell.label(text=distance)
    missed = [key for key in report.keys if key.fk_mismatch is not None]
    hint(box, "The take meets the rest exactly" if missed else "The take meets them exactly")
    for key in missed:
        sentence(context, layout, missed_text(key), "INFO")


def missed_text(key: PoseReport) -> str:
    """What FK controls cannot reach of a pose, in one line; "" where they reach it all."""
    if (miss := key.fk_mismatch) is None:
        return ""
    return tr(
        "Frame {frame}: FK controls cannot reach {place} exactly; '{bone}' "
        "remains {millimetres:.1f} mm and {degrees:.2f}° away",
        frame=frame_text(key.frame),
        place=miss.place_in_words,
        bone=miss.bone,
        millimetres=miss.millimetres,
        degrees=miss.degrees,
    )


def feet_text(foot_lock: FootLockReport) -> str:
    """What foot locking did to the feet, in one line."""
    if foot_lock == FootLockReport():
        return tr("No foot stands long enough to be locked")
    moved = tr("Feet locked: moved {cm:.0f} cm at most", cm=foot_lock.moved_cm)
    if foot_lock.lowered_cm >= 0.5:
        moved += tr(", hips {cm:.0f} cm lower", cm=foot_lock.lowered_cm)
    if foot_lock.slid_cm >= 0.5:
        moved += tr("; {cm:.0f} cm out of reach", cm=foot_lock.slid_cm)
    return moved

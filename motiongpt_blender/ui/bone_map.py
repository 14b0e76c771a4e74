"""The sub-panel "Bones": which bone turns which part, how sure that is, and why not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import bpy
from bpy.types import Context, Object, UILayout

from ..core.rig.bone_maps import CHAINS, REQUIRED, BoneMap, Part, Source, missing
from ..core.translation import msgid, tr
from ..operators.bone_map import used_twice
from ..properties import armature
from ..properties.bone_map import MotionGPTBone
from ..properties.scene import target
from ..scene.access import armature_of
from ..scene.kept import owner_of
from ..scene.rig.bones import bones_of, cached_bone_map, edited_bone_map
from .base import ArmaturePanel, List, button, hint, sentence

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import IconItems

#: Least confidence of an entry that needs no second look.
SURE: Final = 0.6
_SOURCES: Final = {
    Source.NAME: msgid("by name"),
    Source.STRUCTURE: msgid("by shape"),
    Source.USER: msgid("by you"),
}


class MOTIONGPT_UL_bones(List, bpy.types.UIList):
    """Parts of the body and their bones."""

    def draw_row(self, context: Context, layout: UILayout, item: MotionGPTBone, index: int) -> None:
        """One part: how sure, name, bone."""
        rows = armature.of(owner_of(item)).bone_map.rows
        part = Part(item.part)
        name = tr(part.base.removeprefix("upper_").capitalize())
        row = layout.split(factor=0.54)
        row.label(text=f"{name} {part.side.upper()}", icon=_symbol(item, target(context)))
        right = row.row()
        right.active = bool(item.bone)
        right.label(text=short_name(item.bone, [r.bone for r in rows]) or tr("no bone"))


def short_name(name: str, others: Sequence[str]) -> str:
    """A bone's name without the prefix that most names share, as the row is narrow."""
    begins = re.match(r"[^:_ ]+[:_ ]+(?=.)", name)
    if begins is None:
        return name
    alike = sum(other.startswith(begins[0]) for other in others)
    return name[begins.end() :] if 2 * alike > sum(map(bool, others)) else name


def _symbol(item: MotionGPTBone, obj: Object | None) -> IconItems:
    """The icon that says how sure a row is."""
    if item.bone and obj is not None and item.bone not in armature_of(obj).bones:
        return "ERROR"
    if not item.bone:
        return "ERROR" if Part(item.part) in REQUIRED else "REMOVE"
    if item.source == Source.USER.value:
        return "USER"
    return "CHECKMARK" if item.confidence >= SURE else "QUESTION"


class MOTIONGPT_PT_bones(ArmaturePanel, bpy.types.Panel):
    """The map of the armature's bones."""

    bl_label = "Bones"
    bl_idname = "MOTIONGPT_PT_bones"
    bl_parent_id = "MOTIONGPT_PT_retargeting"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_for(self, context: Context, layout: UILayout, obj: Object) -> None:
        """What is found, or the rows to change."""
        edited = (
            edited_bone_map(obj, bones_of(armature_of(obj)))
            if len(armature.of(obj).bone_map.rows)
            else None
        )
        self._summary(context, layout, edited or cached_bone_map(obj), edited is not None)
        if edited is None:
            layout.operator("motiongpt.find_bones", text="Show and Change", icon="BONE_DATA")
            row = layout.row(align=True)
            row.operator("motiongpt.load_bones", text="Load", icon="FILEBROWSER")
            row.operator("motiongpt.save_bones", text="Save", icon="FILE_TICK")
            return
        self._rows(layout, obj)
        self._active(context, layout, obj)
        self._buttons(layout)

    def _summary(self, context: Context, layout: UILayout, bone_map: BoneMap, made: bool) -> None:
        lacking = missing(bone_map)
        parts = len({b.part for b in bone_map.bones})
        row = layout.row()
        row.label(text=bone_map.label, icon="ERROR" if lacking else "ARMATURE_DATA")
        right = row.row()
        right.alignment = "RIGHT"
        right.label(
            text=tr(
                "{parts} of {total}, {sure}", parts=parts, total=len(Part), sure=_how_sure(bone_map)
            )
        )
        if lacking:
            words = ", ".join(tr(p.words) for p in lacking)
            sentence(context, layout, tr("No bone for {part}", part=words), "BLANK1")
        elif not made:
            hint(layout, "Found automatically")

    def _rows(self, layout: UILayout, obj: Object) -> None:
        kept = armature.of(obj).bone_map
        row = layout.row()
        row.template_list(
            "MOTIONGPT_UL_bones", "", kept, "rows", kept, "active", rows=8, maxrows=14
        )
        side = row.column(align=True)
        side.operator("motiongpt.bone_from_selected", text="", icon="EYEDROPPER")
        button(side, "motiongpt.mirror_bones", "", "MOD_MIRROR", what="ACTIVE")
        side.operator("motiongpt.clear_bone", text="", icon="X")
        active = kept.rows[min(kept.active, len(kept.rows) - 1)]
        if Part(active.part) in CHAINS:
            side.separator()
            side.operator("motiongpt.add_bone", text="", icon="ADD")

    def _active(self, context: Context, layout: UILayout, obj: Object) -> None:
        kept = armature.of(obj).bone_map
        row = kept.rows[min(max(kept.active, 0), len(kept.rows) - 1)]
        box = layout.box().column()
        box.prop_search(row, "bone", armature_of(obj), "bones", text="", icon="BONE_DATA")
        if row.bone and row.bone not in armature_of(obj).bones:
            sentence(
                context,
                box,
                tr("'{bone}' is no longer there: choose another", bone=row.bone),
                "ERROR",
            )
        elif row.bone in used_twice(obj):
            sentence(
                context,
                box,
                tr("'{bone}' is chosen for two parts: clear one", bone=row.bone),
                "ERROR",
            )
        elif row.bone:
            words = tr(Part(row.part).words.capitalize())
            source = tr(_SOURCES[Source(row.source)])
            if row.source != Source.USER.value:
                percent = round(100 * row.confidence)
                source = tr("{source}, {percent} % sure", source=source, percent=percent)
            hint(box, f"{words}: {source}")
        if row.note:
            sentence(context, box, row.note, "INFO")

    def _buttons(self, layout: UILayout) -> None:
        row = layout.row(align=True)
        for what, text in (("LEFT", msgid("Left to Right")), ("RIGHT", msgid("Right to Left"))):
            button(row, "motiongpt.mirror_bones", text, "MOD_MIRROR", what=what)
        row = layout.row(align=True)
        row.operator("motiongpt.load_bones", text="Load", icon="FILEBROWSER")
        row.operator("motiongpt.save_bones", text="Save", icon="FILE_TICK")
        row = layout.row(align=True)
        row.operator("motiongpt.find_bones", icon="VIEWZOOM")
        row.operator("motiongpt.forget_bones", text="Automatic", icon="LOOP_BACK")


def _how_sure(bone_map: BoneMap) -> str:
    sure = bone_map.confidence
    if sure >= 0.8:
        return tr("sure")
    return tr("fairly sure") if sure >= SURE else tr("unsure")

"""The map of bones that an animator made or changed, kept on the armature object."""

from __future__ import annotations

from collections.abc import Iterable

import bpy

from ..core.rig.bone_maps import MappedBone, Part, Source
from ..core.translation import tr

PARTS = tuple((part.value, part.words.capitalize(), "") for part in Part)
SOURCES = (
    (Source.NAME.value, "Name", "Found by its name"),
    (Source.STRUCTURE.value, "Shape", "Found by the shape of the skeleton"),
    (Source.USER.value, "You", "Chosen by you"),
)


def _chosen(self: MotionGPTBone, _context: bpy.types.Context) -> None:
    """A bone was chosen by hand: the row is sure, whatever it held before."""
    self.body, self.raw = self.bone, False
    self.source, self.confidence = Source.USER.value, 1.0 if self.bone else 0.0
    self.note = "" if self.bone else tr("You cleared it.")


class MotionGPTBone(bpy.types.PropertyGroup):
    """One row: a part of the body and the bone that turns it."""

    part: bpy.props.EnumProperty(name="Part", items=PARTS)
    bone: bpy.props.StringProperty(
        name="Bone",
        description="The bone that turns this part of the body",
        update=_chosen,
    )
    body: bpy.props.StringProperty(options={"HIDDEN"})
    raw: bpy.props.BoolProperty(options={"HIDDEN"})
    confidence: bpy.props.FloatProperty(min=0.0, max=1.0)
    source: bpy.props.EnumProperty(items=SOURCES)
    note: bpy.props.StringProperty(override={"LIBRARY_OVERRIDABLE"})

    def store(self, row: MappedBone) -> None:
        """Fill in all fields."""
        self.part, self.bone = row.part.value, row.control
        self.body, self.raw = row.body, row.raw
        self.confidence, self.source, self.note = row.confidence, row.source.value, row.note

    def load(self) -> MappedBone:
        """The row that is stored."""
        return MappedBone(
            part=Part(self.part),
            control=self.bone,
            body=self.body or self.bone,
            raw=self.raw,
            confidence=self.confidence,
            source=Source(self.source),
            note=self.note,
        )


class MotionGPTBoneMap(bpy.types.PropertyGroup):
    """All rows of one armature. Without rows the bones are detected each time."""

    rows: bpy.props.CollectionProperty(type=MotionGPTBone)
    active: bpy.props.IntProperty(name="Active row")
    family: bpy.props.StringProperty(override={"LIBRARY_OVERRIDABLE"})

    def store(self, family: str, rows: Iterable[MappedBone]) -> None:
        """Replace all rows; the active part stays the active one."""
        active = self.rows[self.active].part if 0 <= self.active < len(self.rows) else ""
        self.rows.clear()
        self.family = family
        for row in rows:
            self.rows.add().store(row)
        at = [k for k, row in enumerate(self.rows) if row.part == active]
        self.active = at[0] if at else 0

    def load(self) -> tuple[MappedBone, ...]:
        """All rows."""
        return tuple(row.load() for row in self.rows)

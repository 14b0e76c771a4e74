"""Operators on an armature's bone map: detect, change, mirror, save and load."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..core.rig.bone_maps import (
    CHAINS,
    Bones,
    MappedBone,
    MappingError,
    Part,
    chosen,
    from_preset,
    map_of_rows,
    mirrored_bone,
    rows_of,
    to_preset,
)
from ..core.translation import tr
from ..properties import armature
from ..properties.bone_map import MotionGPTBone, MotionGPTBoneMap
from ..properties.scene import target
from ..scene.access import armature_of
from ..scene.errors import RigError
from ..scene.rig.bones import bones_of, cached_bone_map, detect_bone_map, edited_bone_map
from ..scene.rig.usability import check_usable
from .targets import NO_ARMATURE, OperatorResult, required_target

if TYPE_CHECKING:
    _Operator = bpy.types.Operator
else:
    _Operator = object  # Blender registers classes with one base of its own

PRESETS = "presets/motiongpt_bones"


def _why_not(context: bpy.types.Context, *, needs_map: bool) -> str:
    """Why the bone map cannot be changed, or ""."""
    obj = target(context)
    if obj is None:
        return tr(NO_ARMATURE)
    try:
        check_usable(obj)
    except RigError as error:
        return str(error)
    if needs_map and not len(armature.of(obj).bone_map.rows):
        return tr("Press Show and Change first")
    return ""


class _MapOperator(_Operator):
    """An operator on the bone map of an armature that may be changed."""

    bl_options = {"REGISTER", "UNDO"}
    needs_map = True

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An armature of this file, with a map where one is needed."""
        reason = _why_not(context, needs_map=cls.needs_map)
        if reason:
            cls.poll_message_set(reason)
        return not reason


def _pairs(obj: bpy.types.Object) -> list[tuple[str, str]]:
    """Left and right bones of parts that have both, as stored and as detected."""
    bone = {row.part: row.bone for row in armature.of(obj).bone_map.rows}
    found = {b.part.value: b.control for b in cached_bone_map(obj).bones}
    left = [p for p in Part if p.side == "l"]
    return [(d.get(p.value, ""), d.get(p.mirrored.value, "")) for d in (bone, found) for p in left]


def _active(kept: MotionGPTBoneMap) -> MotionGPTBone:
    """The active row."""
    return kept.rows[min(max(kept.active, 0), len(kept.rows) - 1)]


class MOTIONGPT_OT_find_bones(_MapOperator, bpy.types.Operator):
    """Find the bones by their names and the shape of the skeleton, and list them"""

    bl_idname = "motiongpt.find_bones"
    bl_label = "Find Bones"
    needs_map = False

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Fill the rows with what is found now."""
        obj = required_target(context)
        found = detect_bone_map(obj)
        armature.editable_of(obj).bone_map.store(found.family, rows_of(found))
        lacking = [tr(f.part.words) for f in found.failures if f.required]
        if lacking:
            self.report(
                {"WARNING"},
                tr("No bone was found for {parts}: choose them", parts=", ".join(lacking)),
            )
        else:
            self.report(
                {"INFO"}, tr("{label}: {count} bones", label=found.label, count=len(found.bones))
            )
        return {"FINISHED"}


class MOTIONGPT_OT_forget_bones(_MapOperator, bpy.types.Operator):
    """Delete the list. The bones are found automatically again"""

    bl_idname = "motiongpt.forget_bones"
    bl_label = "Back to Automatic"

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Remove all rows."""
        armature.editable_of(required_target(context)).bone_map.store("", ())
        return {"FINISHED"}


class MOTIONGPT_OT_bone_from_selected(_MapOperator, bpy.types.Operator):
    """Assign the active bone to the active row"""

    bl_idname = "motiongpt.bone_from_selected"
    bl_label = "Use Selected Bone"

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Set the row."""
        obj = required_target(context)
        bone = armature_of(obj).bones.active
        if bone is None:
            self.report(
                {"ERROR"},
                tr("No bone of '{name}' is active: click one in Pose Mode.", name=obj.name),
            )
            return {"CANCELLED"}
        _active(armature.editable_of(obj).bone_map).bone = bone.name
        return {"FINISHED"}


class MOTIONGPT_OT_clear_bone(_MapOperator, bpy.types.Operator):
    """Leave this part of the body without a bone"""

    bl_idname = "motiongpt.clear_bone"
    bl_label = "Clear Bone"

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Empty the row; of a chain's rows all but the last one go."""
        kept = armature.editable_of(required_target(context)).bone_map
        row = _active(kept)
        if sum(r.part == row.part for r in kept.rows) > 1:
            kept.rows.remove(kept.active)
            kept.active = min(kept.active, len(kept.rows) - 1)
        else:
            row.bone = ""
        return {"FINISHED"}


class MOTIONGPT_OT_add_bone(_MapOperator, bpy.types.Operator):
    """Add a bone to the spine or the neck, above the active one"""

    bl_idname = "motiongpt.add_bone"
    bl_label = "Add Bone to Chain"

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Insert an empty row below the active one."""
        kept = armature.editable_of(required_target(context)).bone_map
        part = Part(_active(kept).part)
        if part not in CHAINS:
            self.report(
                {"ERROR"},
                tr("The {part} is one bone: only spine and neck have more.", part=tr(part.words)),
            )
            return {"CANCELLED"}
        kept.rows.add().store(replace(chosen(part, ""), note=tr("No bone is chosen.")))
        kept.active += 1
        kept.rows.move(len(kept.rows) - 1, kept.active)
        return {"FINISHED"}


class MOTIONGPT_OT_mirror_bones(_MapOperator, bpy.types.Operator):
    """Assign the mirrored bones to the other side of the body, by name or by position"""

    bl_idname = "motiongpt.mirror_bones"
    bl_label = "Mirror Bones"

    what: bpy.props.EnumProperty(
        name="What",
        items=(
            ("ACTIVE", "Active row", "The part opposite to the active row"),
            ("LEFT", "Left to right", "All parts of the right side"),
            ("RIGHT", "Right to left", "All parts of the left side"),
        ),
        default="ACTIVE",
    )

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Set the rows of the other side."""
        obj = required_target(context)
        kept, bones = armature.editable_of(obj).bone_map, bones_of(armature_of(obj))
        if self.what == "ACTIVE":
            rows = [_active(kept)]
        else:
            rows = [r for r in kept.rows if Part(r.part).side == self.what[0].lower()]
        if not Part(rows[0].part).side:
            words = tr(Part(rows[0].part).words)
            self.report(
                {"ERROR"}, tr("The {part} has no other side: choose a row of a limb.", part=words)
            )
            return {"CANCELLED"}
        pairs = _pairs(obj)
        wanted = {r.part: mirrored_bone(bones, r.bone, pairs) or "" for r in rows}
        lost = [r.bone for r in rows if r.bone and not wanted[r.part]]
        if lost:
            listed = ", ".join(f"'{n}'" for n in lost)
            self.report(
                {"ERROR"},
                tr("No bone is named as, or lies, opposite to {listed}: choose it.", listed=listed),
            )
            return {"CANCELLED"}
        begun = {r.part: (r.body, r.raw) for r in rows}
        for row in kept.rows:
            other = Part(row.part).mirrored.value
            if other in wanted:
                row.bone = wanted[other]
                body, row.raw = begun[other]
                row.body = mirrored_bone(bones, body, pairs) or row.bone
        return {"FINISHED"}


class _PresetFile(_Operator):
    """The file of a preset."""

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})

    def _ask(self, context: bpy.types.Context, name: str) -> OperatorResult:
        folder = bpy.utils.user_resource("SCRIPTS", path=PRESETS, create=True)
        self.filepath = str(Path(folder) / name)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def _path(self) -> Path:
        path = Path(bpy.path.abspath(self.filepath))
        return path if path.suffix == ".json" else path.with_name(f"{path.name}.json")


class MOTIONGPT_OT_save_bones(_MapOperator, _PresetFile, bpy.types.Operator):
    """Save the bone map as a preset for other characters with this rig"""

    bl_idname = "motiongpt.save_bones"
    bl_label = "Save Bone Map"
    bl_options = {"REGISTER"}
    needs_map = False

    check_existing: bpy.props.BoolProperty(default=True, options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask for the file, named after the armature."""
        return self._ask(context, f"{bpy.path.clean_name(required_target(context).name)}.json")

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Write the file."""
        obj, path = required_target(context), self._path()
        bone_map = edited_bone_map(obj, bones_of(armature_of(obj))) or cached_bone_map(obj)
        try:
            path.write_text(to_preset(bone_map), encoding="utf-8")
        except OSError as error:
            self.report(
                {"ERROR"},
                tr("'{path}' cannot be written: {reason}.", path=path, reason=error.strerror),
            )
            return {"CANCELLED"}
        self.report(
            {"INFO"}, tr("{name}: {count} bones", name=path.name, count=len(bone_map.bones))
        )
        return {"FINISHED"}


class MOTIONGPT_OT_load_bones(_MapOperator, _PresetFile, bpy.types.Operator):
    """Load a bone map from a preset"""

    bl_idname = "motiongpt.load_bones"
    bl_label = "Load Bone Map"
    needs_map = False

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask for the file."""
        return self._ask(context, "")

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Read the file and fill the rows."""
        obj, path = required_target(context), self._path()
        bones = bones_of(armature_of(obj))
        try:
            family, rows = from_preset(path.read_text("utf-8"), bones)
        except OSError as error:
            self.report(
                {"ERROR"},
                tr("'{path}' cannot be read: {reason}.", path=path, reason=error.strerror),
            )
            return {"CANCELLED"}
        except (MappingError, UnicodeDecodeError) as error:
            reason = error if isinstance(error, MappingError) else tr("it is not a text file.")
            self.report(
                {"ERROR"}, tr("'{name}' is not loaded: {reason}", name=path.name, reason=reason)
            )
            return {"CANCELLED"}
        armature.editable_of(obj).bone_map.store(family, _all_parts(bones, rows, family))
        found = sum(bool(r.control) for r in rows)
        self.report(
            {"INFO"},
            tr("{name}: {found} of {count} bones", name=path.name, found=found, count=len(rows)),
        )
        return {"FINISHED"}


def _all_parts(bones: Bones, rows: tuple[MappedBone, ...], family: str) -> tuple[MappedBone, ...]:
    """The rows of a preset, and an empty one for each part that it leaves out."""
    return rows_of(map_of_rows(bones, rows, family))


def used_twice(obj: bpy.types.Object) -> set[str]:
    """Bones that the stored map assigns to more than one part."""
    names = [r.control for r in armature.of(obj).bone_map.load() if r.control]
    return {n for n in names if names.count(n) > 1}

"""The add-on's preferences: which Python runs the model, on what, and which pack."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from . import paths
from .backend.locations import find_python

DEVICES = (
    ("auto", "Automatic", "The GPU where there is one, else the CPU"),
    ("cpu", "CPU", "Works everywhere"),
    ("cuda", "CUDA / ROCm", "An NVIDIA or AMD GPU"),
    ("mps", "Metal", "The GPU of an Apple computer"),
)


class MotionGPTPreferences(bpy.types.AddonPreferences):
    """Shown in Blender's preferences under the add-on."""

    bl_idname = paths.addon_id()

    python: bpy.props.StringProperty(
        name="Python",
        description="Python of the environment that runs the model; empty: found by itself",
        subtype="FILE_PATH",
    )
    device: bpy.props.EnumProperty(name="Device", items=DEVICES, default="auto")
    pack: bpy.props.StringProperty(
        name="Model pack",
        description="Folder of a model pack; empty: the one that came with the add-on",
        subtype="DIR_PATH",
    )
    fake: bpy.props.BoolProperty(
        name="Fake model (interface tests)",
        description="Draw a walk cycle and use no model at all; for tests of the interface",
        options={"HIDDEN"},
    )

    def draw(self, context: bpy.types.Context) -> None:
        """The preferences' page."""
        layout = self.layout
        layout.use_property_split = True
        column = layout.column()
        column.prop(self, "python")
        found = settings(context)
        note = column.row()
        if found.python is None:
            note.label(text="No backend yet: run 'python build.py demo' once", icon="ERROR")
        else:
            note.label(text=f"Uses {found.python}", icon="CHECKMARK")
        column.separator()
        column.prop(self, "device")
        column.prop(self, "pack")
        column.label(text=paths.pack_title(found.pack), icon="PACKAGE")
        column.separator()
        column.operator("motiongpt.check_backend", icon="FILE_REFRESH")


@dataclass(frozen=True)
class Settings:
    """The preferences as values, with what was left empty found."""

    python: Path | None
    device: str
    pack: Path
    fake: bool


def settings(context: Any) -> Settings:
    """The preferences in force; the defaults where the add-on has none (bpy as a module)."""
    entry = context.preferences.addons.get(paths.addon_id())
    chosen = entry.preferences if entry is not None else None
    python = getattr(chosen, "python", "")
    pack = getattr(chosen, "pack", "")
    absolute = bpy.path.abspath
    return Settings(
        python=Path(absolute(python)) if python else find_python(paths.ROOT),
        device=getattr(chosen, "device", "auto"),
        pack=Path(absolute(pack)) if pack else paths.PACKS / "starter",
        fake=bool(getattr(chosen, "fake", False)),
    )

"""The add-on's preferences: the Python that runs the model, its device and its pack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import bpy

from . import paths
from .backend.locations import default_environment, find_python
from .core.translation import tr

DEVICES = (
    ("auto", "Automatic", "The GPU where there is one, else the CPU"),
    ("cpu", "CPU", "Works everywhere"),
    ("cuda", "CUDA / ROCm", "An NVIDIA or AMD GPU"),
    ("mps", "Metal", "The GPU of an Apple computer"),
)


#: Minutes without a request after which the model is unloaded.
IDLE_MINUTES = 10


class MotionGPTPreferences(bpy.types.AddonPreferences):
    """Shown in Blender's preferences under the add-on."""

    bl_idname = paths.addon_id()

    python: bpy.props.StringProperty(
        name="Python",
        description="Python of the environment that runs the model. When empty, it is found "
        "automatically",
        subtype="FILE_PATH",
    )
    environment: bpy.props.StringProperty(
        name="Environment",
        description="Folder in which Set Up makes the environment that runs the model. When empty, "
        "a folder of your user account, for all Blender versions",
        subtype="DIR_PATH",
    )
    base_python: bpy.props.StringProperty(
        name="Made by",
        description="Python 3.11 to 3.13 with which Set Up makes the environment. When empty, "
        "Blender's own, or one that is found",
        subtype="FILE_PATH",
    )
    device: bpy.props.EnumProperty(name="Device", items=DEVICES, default="auto")
    idle_minutes: bpy.props.IntProperty(
        name="Unload After (minutes)",
        description="Minutes without a request after which the model gives its memory back. The "
        "next request loads it again. 0 keeps it",
        default=IDLE_MINUTES,
        min=0,
        soft_max=120,
    )
    pack: bpy.props.StringProperty(
        name="Model pack",
        description="Folder of a model pack. When empty, the one that came with the add-on",
        subtype="DIR_PATH",
    )
    seen_version: bpy.props.StringProperty(options={"HIDDEN"})
    fake: bpy.props.BoolProperty(
        name="Fake model (interface tests)",
        description="Generate a walk cycle without a model, to test the interface",
        options={"HIDDEN"},
    )

    def draw(self, context: bpy.types.Context) -> None:
        """The preferences' page."""
        layout = self.layout
        assert layout is not None
        layout.use_property_split = True
        column = layout.column()
        column.prop(self, "python")
        found = settings(context)
        note = column.row()
        if found.python is None:
            note.label(text="Not set up yet", icon="ERROR")
        elif not found.python.is_file():
            note.label(text=tr("There is no Python at {python}", python=found.python), icon="ERROR")
        else:
            note.label(text=tr("Uses {python}", python=found.python), icon="CHECKMARK")
        column.prop(self, "environment")
        column.prop(self, "base_python")
        row = column.row()
        row.operator("motiongpt.set_up", icon="IMPORT")
        row.operator("motiongpt.remove_environment", icon="TRASH")
        column.separator()
        column.prop(self, "device")
        column.prop(self, "idle_minutes")
        column.operator("motiongpt.unload_model", icon="X")
        _draw_pack(column, self, found.pack)
        column.separator()
        row = column.row()
        row.operator("motiongpt.check_backend", icon="FILE_REFRESH")
        row.operator("motiongpt.copy_report", icon="COPYDOWN")
        row.operator("motiongpt.documentation", icon="HELP")


def _draw_pack(column: bpy.types.UILayout, owner: MotionGPTPreferences, folder: Path) -> None:
    """The chosen pack, its licence and the operators on packs."""
    info = paths.pack_info(folder)
    row = column.row(align=True)
    split = row.split(factor=0.4)  # as Blender splits its own rows
    name = split.row()
    name.alignment = "RIGHT"
    name.label(text="Model Pack")
    text = info.title_and_version if info else folder.name
    split.menu("MOTIONGPT_MT_packs", text=text, icon="PACKAGE")
    row.operator("motiongpt.install_pack", text="", icon="IMPORT")
    row.operator("motiongpt.remove_pack", text="", icon="TRASH")
    column.prop(owner, "pack", text="Own Folder")
    if info is None:
        column.label(text=tr("There is no readable pack in {folder}", folder=folder), icon="ERROR")
        return
    symbol = "ERROR" if info.non_commercial else "CHECKMARK"
    column.label(text=tr("Licence: {licence}", licence=info.licence), icon=symbol)
    need = paths.memory_need(folder)
    column.label(text=str(need), icon="MEMORY" if need.fits else "ERROR")
    if (base := paths.missing_base(folder)) is not None:
        size = paths.download_text(base)
        column.label(
            text=tr("Needs {base}, {size}, which is not here", base=base.id, size=size),
            icon="ERROR",
        )
        column.operator("motiongpt.fetch_base", icon="IMPORT")
    for fetched in paths.fetched_bases():
        row = column.row()
        row.label(text=f"{fetched.id}, {fetched.bytes / 1e6:.0f} MB", icon="CHECKMARK")
        removal: Any = row.operator("motiongpt.remove_base", text="", icon="TRASH")
        removal.base_id = fetched.id


@dataclass(frozen=True)
class Settings:
    """The preferences as values; empty fields are filled in."""

    python: Path | None
    device: str
    pack: Path
    fake: bool


def environment_folder(context: bpy.types.Context) -> Path:
    """Where Set Up makes the environment."""
    named = getattr(entry(context), "environment", "")
    return Path(bpy.path.abspath(named)) if named else default_environment()


def entry(context: bpy.types.Context) -> MotionGPTPreferences | None:
    """The add-on's preferences as Blender keeps them, or None (bpy as a module)."""
    found = context.preferences.addons.get(paths.addon_id())
    return cast("MotionGPTPreferences", found.preferences) if found is not None else None


#: What a script uses in place of the preferences' values; see ``instead``.
_instead: dict[str, Any] = {}


@contextmanager
def instead(**values: Any) -> Iterator[None]:
    """Within it, some of the ``Settings`` are these; None leaves one as it is."""
    before = dict(_instead)
    _instead.update({name: value for name, value in values.items() if value is not None})
    try:
        yield
    finally:
        _instead.clear()
        _instead.update(before)


def chosen_pack(context: bpy.types.Context) -> Path:
    """Folder of the chosen pack; reads no file, as panels ask at every redraw."""
    if "pack" in _instead:
        return _instead["pack"]
    pack = getattr(entry(context), "pack", "")
    return Path(bpy.path.abspath(pack)) if pack else paths.DEFAULT_PACK


def settings(context: bpy.types.Context) -> Settings:
    """The preferences; the defaults where the add-on has none (bpy as a module)."""
    chosen = entry(context)
    python = getattr(chosen, "python", "")
    found = Settings(
        python=Path(bpy.path.abspath(python)) if python else find_python(paths.ROOT),
        device=getattr(chosen, "device", "auto"),
        pack=chosen_pack(context),
        fake=bool(getattr(chosen, "fake", False)),
    )
    return replace(found, **_instead)


def idle_seconds() -> float:
    """Seconds without a request after which the model is unloaded; 0 keeps it."""
    return 60.0 * getattr(entry(bpy.context), "idle_minutes", IDLE_MINUTES)

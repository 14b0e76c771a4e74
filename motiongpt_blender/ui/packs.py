"""Model packs: the list in the preferences, and the archive that is dropped onto a window."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.types import Context, UILayout

from .. import paths
from ..core.packs.archives import SUFFIX
from ..core.packs.manifest import packs_in, user_packs
from .base import button, hint, layout_of


class MOTIONGPT_MT_packs(bpy.types.Menu):
    """Packs that came with the add-on and packs that were installed"""

    bl_idname = "MOTIONGPT_MT_packs"
    bl_label = "Model Pack"

    def draw(self, context: Context | None) -> None:
        """One line a pack, the default first."""
        layout = layout_of(self)
        layout.label(text="With the add-on")
        for folder in paths.shipped_packs():
            own = "" if folder == paths.DEFAULT_PACK else str(folder)
            _line(layout, folder, own)
        if installed := packs_in(user_packs()):
            layout.separator()
            layout.label(text="Installed")
            for folder in installed:
                _line(layout, folder, str(folder))


class MOTIONGPT_FH_pack(bpy.types.FileHandler):
    """A pack's archive that is dropped onto a window. A .zip is an extension there, to Blender"""

    bl_idname = "MOTIONGPT_FH_pack"
    bl_label = "MotionGPT Model Pack"
    bl_import_operator = "motiongpt.install_pack"
    bl_file_extensions = SUFFIX

    @classmethod
    def poll_drop(cls, context: Context | None) -> bool:
        """Everywhere: nothing else takes such a file."""
        return context is not None and context.area is not None


def _line(layout: UILayout, folder: Path, value: str) -> None:
    need = paths.memory_need(folder)
    row = layout.row()
    row.enabled = need.fits
    text = paths.pack_title(folder)
    button(row, "motiongpt.choose_pack", text, "PACKAGE", folder=value)
    if not need.fits:
        hint(layout, f"    {need}")

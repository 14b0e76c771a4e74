"""The list of model packs in the preferences."""

from typing import Any

import bpy

from .. import paths
from ..core.packs.manifest import packs_in, user_packs


class MOTIONGPT_MT_packs(bpy.types.Menu):
    """Packs that came with the add-on and packs that were installed"""

    bl_idname = "MOTIONGPT_MT_packs"
    bl_label = "Model Pack"

    def draw(self, _context: Any) -> None:
        """One line a pack, the default first."""
        layout = self.layout
        layout.label(text="With the add-on")
        for folder in paths.shipped_packs():
            own = "" if folder == paths.DEFAULT_PACK else str(folder)
            _line(layout, folder, own)
        if installed := packs_in(user_packs()):
            layout.separator()
            layout.label(text="Installed")
            for folder in installed:
                _line(layout, folder, str(folder))


def _line(layout: Any, folder: Any, value: str) -> None:
    row = layout.operator("motiongpt.choose_pack", text=paths.pack_title(folder), icon="PACKAGE")
    row.folder = value

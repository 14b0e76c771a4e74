"""The add-on's own icons."""

from __future__ import annotations

import bpy.utils.previews

from .. import paths

_previews: bpy.utils.previews.ImagePreviewCollection | None = None


def load() -> None:
    """Load every picture of the icons folder under its file's name."""
    global _previews  # noqa: PLW0603 - Blender wants one collection, freed by hand
    _previews = bpy.utils.previews.new()
    for path in sorted(paths.ICONS.glob("*.png")):
        preview = _previews.load(path.stem, str(path), "IMAGE")
        # Asked for its size, it is read now. Else Blender 4.3 draws buttons without it.
        assert preview.icon_size is not None


def unload() -> None:
    """Free the pictures."""
    global _previews  # noqa: PLW0603
    if _previews is not None:
        bpy.utils.previews.remove(_previews)
        _previews = None


def icon(name: str) -> int:
    """Icon id of a picture; 0, no icon, when there is none of that name."""
    return _previews[name].icon_id if _previews and name in _previews else 0

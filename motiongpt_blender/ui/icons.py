"""The add-on's own icons."""

from __future__ import annotations

from typing import Any, cast

import bpy.utils.previews

from .. import paths

_previews: bpy.utils.previews.ImagePreviewCollection | None = None


def load() -> None:
    """Load every picture of the icons folder under its file's name."""
    global _previews
    _previews, files = bpy.utils.previews.new(), bpy.utils.previews.new()
    for path in sorted(paths.ICONS.glob("*.png")):
        # A picture of a file counts as unread until Blender has drawn it once: until the redraw
        # after that, 4.3 leaves it out. One that is made of numbers is there from the start.
        file, picture = files.load(path.stem, str(path), "IMAGE"), _previews.new(path.stem)
        picture.icon_size = file.icon_size
        picture.icon_pixels = cast("Any", file.icon_pixels)[:]
    bpy.utils.previews.remove(files)


def unload() -> None:
    """Free the pictures."""
    global _previews  # noqa: PLW0603
    if _previews is not None:
        bpy.utils.previews.remove(_previews)
        _previews = None


def icon(name: str) -> int:
    """Icon id of a picture; 0, no icon, when there is none of that name."""
    return _previews[name].icon_id if _previews and name in _previews else 0

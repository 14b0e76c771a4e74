"""The preview picture of a take's action: shown in the panel and in asset browsers, and saved."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ...core.body.rotations import Array


def set_picture(action: bpy.types.Action, picture: Array) -> None:
    """Give an action a preview picture (H, W, 4): RGBA, 0 to 1, the lowest row first."""
    preview = action.preview_ensure()
    assert preview is not None
    values: Any = preview  # Blender's stubs know neither assignment
    values.image_size = picture.shape[1], picture.shape[0]
    values.image_pixels_float.foreach_set(picture.astype(np.float32).ravel())


def picture_of(action: bpy.types.Action | None) -> int:
    """Icon id of an action's picture; 0 where it has none."""
    preview = action.preview if action is not None else None
    return preview.icon_id if preview is not None else 0

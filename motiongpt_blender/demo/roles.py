"""Name and colour of each kind of marked pose, the same in the scene and in the pictures."""

from __future__ import annotations

from typing import Final

from ..core.pose_constraints.marked_pose import PoseRole
from .shading import Colour

NAMES: Final = {PoseRole.START: "start pose", PoseRole.KEY: "key pose", PoseRole.END: "end pose"}

#: sRGB, 0 to 255.
COLOURS: Final = {
    PoseRole.START: (38, 166, 154),
    PoseRole.KEY: (245, 124, 0),
    PoseRole.END: (156, 92, 214),
}


def linear(role: PoseRole) -> Colour:
    """A role's colour as Blender's shaders want it."""
    r, g, b = ((c / 255 / 12.92) if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4
               for c in COLOURS[role])  # fmt: skip
    return r, g, b

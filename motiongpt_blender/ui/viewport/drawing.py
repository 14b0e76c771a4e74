"""Coloured triangles and lines on the graphics card; nothing here knows what they mean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

import bpy
import gpu
from gpu.types import GPUBatch
from gpu_extras.batch import batch_for_shader
from mathutils import Matrix

from ...core.body.rotations import Array
from ...core.overlays.shapes import ColouredVertices

_TRIANGLES: Final = "SMOOTH_COLOR"
_LINES: Final = "POLYLINE_SMOOTH_COLOR"


@dataclass(frozen=True)
class Batches:
    """What is drawn together.

    Attributes:
        triangles: a batch of triangles, or None.
        lines: a batch of lines, or None.
        width: pixels of the lines on a plain screen.
    """

    triangles: GPUBatch | None
    lines: GPUBatch | None
    width: float

    def draw(self) -> None:
        """Draw them with the present state and matrices."""
        if self.triangles is not None:
            self.triangles.draw(gpu.shader.from_builtin(_TRIANGLES))
        if self.lines is not None:
            shader = gpu.shader.from_builtin(_LINES)
            shader.uniform_float("viewportSize", gpu.state.viewport_get()[2:])
            shader.uniform_float("lineWidth", self.width * ui_scale())
            self.lines.draw(shader)


def batches(
    triangles: ColouredVertices | None = None,
    lines: ColouredVertices | None = None,
    width: float = 1.5,
) -> Batches:
    """Put vertices on the graphics card, the corners of triangles and the ends of lines."""
    return Batches(_batch(_TRIANGLES, "TRIS", triangles), _batch(_LINES, "LINES", lines), width)


def ui_scale() -> float:
    """Pixels of the screen in a pixel of a plain screen."""
    return float(bpy.context.preferences.system.ui_scale)


@contextmanager
def placed(matrix: Array) -> Iterator[None]:
    """Draw in a space: matrix (4, 4) from it to the world."""
    gpu.matrix.push()
    try:
        gpu.matrix.multiply_matrix(Matrix(matrix.tolist()))
        yield
    finally:
        gpu.matrix.pop()


@contextmanager
def before_scene(*, hidden: bool = False, solid: bool = False) -> Iterator[None]:
    """Draw what no object of the scene hides, or with ``hidden`` the rest.

    Args:
        hidden: draw behind the scene's objects instead.
        solid: what is drawn hides what is drawn behind it later.
    """
    gpu.state.blend_set("ALPHA")
    gpu.state.depth_test_set("GREATER" if hidden else "LESS_EQUAL")
    gpu.state.depth_mask_set(solid)
    gpu.state.face_culling_set("BACK")
    try:
        yield
    finally:  # as Blender leaves them for every handler
        gpu.state.face_culling_set("NONE")
        gpu.state.depth_mask_set(False)
        gpu.state.depth_test_set("NONE")
        gpu.state.blend_set("NONE")


def _batch(
    shader: Literal["SMOOTH_COLOR", "POLYLINE_SMOOTH_COLOR"],
    kind: Literal["TRIS", "LINES"],
    vertices: ColouredVertices | None,
) -> GPUBatch | None:
    """A batch for a shader; None where there is nothing to draw."""
    if vertices is None or not len(vertices.positions):
        return None
    content: dict[str, Any] = {"pos": vertices.positions, "color": vertices.colours}
    return batch_for_shader(gpu.shader.from_builtin(shader), kind, content)

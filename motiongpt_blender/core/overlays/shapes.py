"""Solid shapes as triangles: the bones of a ghost, the dots of a trail.

Shades are part of their colours, so that they look solid without a light in the scene.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..body.rotations import Array, cross, normalise

#: Corners of the eight triangles of a bone: 0 its head, 1 to 4 its waist, 5 its tail.
_FACES: Final = np.array(
    [(0, 2, 1), (0, 3, 2), (0, 4, 3), (0, 1, 4), (5, 1, 2), (5, 2, 3), (5, 3, 4), (5, 4, 1)]
)
#: The light comes from above and from a side; a face turned away from it keeps this share.
_LIGHT: Final = np.array([0.36, -0.48, 0.8])
_DARKEST: Final = 0.55


@dataclass(frozen=True)
class ColouredVertices:
    """Corners of triangles, or ends of lines, in the order in which they are drawn.

    Attributes:
        positions: (V, 3) float32.
        colours: (V, 4) float32, sRGB and opacity, 0 to 1.
    """

    positions: NDArray[np.float32]
    colours: NDArray[np.float32]

    def faded(self, share: float) -> ColouredVertices:
        """The same with a share of the opacity."""
        fading = np.array([1.0, 1.0, 1.0, share], dtype=np.float32)
        return ColouredVertices(self.positions, self.colours * fading)

    @staticmethod
    def of(positions: Array, colours: Array) -> ColouredVertices:
        """Positions (..., 3) with colours (..., 4)."""
        return ColouredVertices(
            np.ascontiguousarray(positions.reshape(-1, 3), dtype=np.float32),
            np.ascontiguousarray(colours.reshape(-1, 4), dtype=np.float32),
        )

    @staticmethod
    def joined(parts: list[ColouredVertices]) -> ColouredVertices:
        """Several as one."""
        none = [ColouredVertices.of(np.zeros((0, 3)), np.zeros((0, 4)))]
        return ColouredVertices(
            np.concatenate([p.positions for p in parts or none]),
            np.concatenate([p.colours for p in parts or none]),
        )


def bone_triangles(lines: Array, thickness: Array, waist: Array) -> Array:
    """Tapered bones (N, 8, 3, 3) around lines.

    Args:
        lines: (N, 2, 3) where each begins and ends.
        thickness: (N,) how far from its line it reaches where it is thickest.
        waist: (N,) where that is, as a share of its length.
    """
    head, along = lines[:, 0], lines[:, 1] - lines[:, 0]
    middle = head + waist[:, None] * along
    return _octahedra(head, middle, lines[:, 1], normalise(along), thickness[:, None])


def dot_triangles(points: Array, radius: float) -> Array:
    """Dots (N, 8, 3, 3) at points (N, 3)."""
    up = np.broadcast_to([0.0, 0.0, 1.0], points.shape)
    thickness = np.full((len(points), 1), radius)
    return _octahedra(points - radius * up, points, points + radius * up, up, thickness)


def shaded(triangles: Array, colours: Array) -> ColouredVertices:
    """Triangles (N, K, 3, 3) in colours (N, 4), darker where they are turned from the light."""
    first, second, third = (triangles[..., k, :] for k in range(3))
    normals = normalise(cross(second - first, third - first))
    shade = _DARKEST + (1 - _DARKEST) * (0.5 + 0.5 * (normals @ _LIGHT))
    out = np.repeat(colours[:, None, None, :], triangles.shape[1], axis=1)
    out = np.repeat(out, 3, axis=2)
    out[..., :3] *= shade[..., None, None]
    return ColouredVertices.of(triangles, out)


def _octahedra(head: Array, waist: Array, tail: Array, along: Array, thickness: Array) -> Array:
    """Octahedra (N, 8, 3, 3) with their faces outwards."""
    across = np.where(np.abs(along[:, 2:]) > 0.9, [[0.0, 1.0, 0.0]], [[0.0, 0.0, 1.0]])
    side = thickness * normalise(cross(along, across))
    front = cross(along, side)
    corners = np.stack(
        [head, waist + side, waist + front, waist - side, waist - front, tail], axis=1
    )
    return corners[:, _FACES]

"""The shape of the mannequin: round cones along a Rigify rig's deform bones, softly joined.

Plain numpy. The same soft minimum that shapes the surface also says which bone moves it.
Lengths are metres in the rig's rest pose: x to the character's left, -y its front, z up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ...core.body.rotations import Array
from .surface import Indices, surface_net

#: Head and tail (3,) of each bone.
Bones = Mapping[str, tuple[Array, Array]]

#: Distance of the samples that the surface is found with.
FINE: Final = 0.010
#: How far the union of two cones is rounded off, and how far the skin of one bone
#: reaches over to the next.
ROUNDING: Final = 0.008
BLENDING: Final = 0.016
_REACH: Final = 0.07
_X: Final = (1.0, 0.0, 0.0)
_Y: Final = (0.0, 1.0, 0.0)


@dataclass(frozen=True)
class Cone:
    """A round cone from ``start`` to ``end``, each a place on a bone plus an offset.

    Attributes:
        bone: the bone that carries it.
        start: (t, dx, dy, dz): t is 0 at the bone's head, 1 at its tail.
        end: the same.
        radii: at start and end.
        wide: stretch along ``across``.
        deep: stretch along ``through``.
        across: the direction that ``wide`` stretches.
        through: the direction that ``deep`` stretches.
        on_floor: whether it is cut off flat at the floor.
    """

    bone: str
    start: tuple[float, float, float, float]
    end: tuple[float, float, float, float]
    radii: tuple[float, float]
    wide: float = 1.0
    deep: float = 1.0
    across: tuple[float, float, float] = _X
    through: tuple[float, float, float] = _Y
    on_floor: bool = False


def _on(bone: str, radii: tuple[float, float]) -> Cone:
    """A cone along a whole bone."""
    return Cone(bone, (0, 0, 0, 0), (1, 0, 0, 0), radii)


_TRUNK: Final = (
    Cone("DEF-spine", (0.25, 0.060, -0.01, 0), (0.25, -0.060, -0.01, 0), (0.100, 0.100)),
    Cone("DEF-spine", (0.3, 0, 0, 0), (1, 0, 0, 0.02), (0.114, 0.108), 1.18, 0.88),
    Cone("DEF-spine.001", (0.3, 0, 0, 0), (1, 0, 0, 0), (0.109, 0.114), 1.18, 0.86),
    Cone("DEF-spine.002", (0.0, 0, 0, 0), (1, 0, 0, 0), (0.112, 0.130), 1.24, 0.86),
    Cone(
        "DEF-spine.003", (0.05, 0.088, -0.002, 0), (0.05, -0.088, -0.002, 0), (0.110, 0.110), 1, 1.0
    ),
    Cone("DEF-spine.003", (0.1, 0, 0, 0), (0.8, 0, 0.01, 0), (0.125, 0.075), 1.15, 0.85),
    Cone("DEF-spine.004", (-0.5, 0, 0.01, 0), (1, 0, 0.004, 0), (0.060, 0.053)),
    Cone("DEF-spine.005", (0, 0, 0.004, 0), (1, 0, 0.01, 0), (0.053, 0.053)),
    Cone("DEF-spine.006", (0.46, 0, 0.012, 0), (0.5, 0, -0.022, 0), (0.098, 0.092), 0.88),
    Cone("DEF-spine.006", (0.35, 0, -0.025, 0), (0.06, 0, -0.050, 0), (0.082, 0.046), 0.88),
)
_HAND_ACROSS: Final = (0.1, 0.99, 0.0)
_HAND_THROUGH: Final = (0.6, 0.0, 0.8)


def _finger(bone: str, radii: tuple[float, float], wide: float) -> Cone:
    """A piece of the mitten: all four fingers, carried by the middle one."""
    start, end = (0.0, 0.0, 0.011, 0.0), (1.0, 0.0, 0.011, 0.0)
    return Cone(bone, start, end, radii, wide, 0.72, _HAND_ACROSS, _HAND_THROUGH)


#: The left side; the right one is its mirror image.
_LEFT: Final = (
    Cone("DEF-shoulder.L", (0.25, 0, 0.05, -0.025), (1, 0.01, 0.005, -0.02), (0.062, 0.070)),
    Cone("DEF-upper_arm.L", (0.06, 0, 0, 0), (1, 0, 0, 0), (0.064, 0.052)),
    _on("DEF-upper_arm.L.001", (0.053, 0.045)),
    Cone("DEF-forearm.L", (0, 0, 0, 0), (0.6, 0, 0, 0), (0.044, 0.048)),
    Cone("DEF-forearm.L", (0.6, 0, 0, 0), (1, 0, 0, 0), (0.048, 0.043)),
    Cone("DEF-forearm.L.001", (0, 0, 0, 0), (1, 0, 0, 0), (0.043, 0.031)),
    Cone("DEF-hand.L", (0.1, 0, 0.002, 0), (1.25, 0, 0.004, 0), (0.028, 0.031), 1.35, 0.72,
         _HAND_ACROSS, _HAND_THROUGH),
    _finger("DEF-f_middle.01.L", (0.024, 0.021), 1.7),
    _finger("DEF-f_middle.02.L", (0.021, 0.019), 1.7),
    _finger("DEF-f_middle.03.L", (0.019, 0.016), 1.6),
    _on("DEF-thumb.01.L", (0.021, 0.018)),
    _on("DEF-thumb.02.L", (0.018, 0.016)),
    _on("DEF-thumb.03.L", (0.016, 0.013)),
    Cone("DEF-thigh.L", (0.1, -0.007, 0.004, 0), (1, 0, 0, 0), (0.083, 0.073)),
    _on("DEF-thigh.L.001", (0.074, 0.057)),
    _on("DEF-shin.L", (0.056, 0.046)),
    Cone("DEF-shin.L", (0.35, 0.002, 0.022, 0), (0.9, 0, 0.020, 0), (0.047, 0.038)),
    _on("DEF-shin.L.001", (0.046, 0.037)),
    Cone("DEF-foot.L", (0, 0, 0.020, -0.045), (0.55, 0, -0.012, 0.005), (0.042, 0.044),
         on_floor=True),
    Cone("DEF-foot.L", (0.3, 0, 0, -0.02), (1, 0.002, 0, 0.012), (0.043, 0.036), 1.22,
         on_floor=True),
    Cone("DEF-toe.L", (0, 0.002, 0, 0.010), (0.75, 0.002, 0, 0.006), (0.036, 0.028), 1.32,
         on_floor=True),
)  # fmt: skip

#: Balls (bone, t, offset, radius) whose inside has the second colour: joints and face.
_DARK: Final = (
    ("DEF-forearm.L", 0.0, (0, 0, 0), 0.060),
    ("DEF-shin.L", 0.0, (0, 0, 0), 0.072),
    ("DEF-hand.L", 0.05, (0, 0, 0), 0.040),
    ("DEF-foot.L", 0.0, (0, 0.0, 0.012), 0.052),
    ("DEF-upper_arm.L", 0.0, (-0.012, 0, 0.0), 0.088),
    ("DEF-spine.001", 0.25, (0, 0, 0), 0.0),
    ("DEF-spine.004", 0.45, (0, 0, 0), 0.072),
    ("DEF-spine.006", 0.36, (0, -0.135, 0), 0.085),
)


@dataclass
class Shape:
    """The mannequin in the rest pose.

    Attributes:
        vertices: (V, 3).
        quads: (Q, 4).
        weights: bone -> (V,), together 1.
        tone: (V,) metres outside (> 0) or inside (< 0) the parts of the second colour.
    """

    vertices: Array
    quads: Indices
    weights: dict[str, Array] = field(default_factory=dict)
    tone: Array = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True)
class _Placed:
    """A cone in space."""

    cone: Cone
    bone: str
    start: Array
    end: Array
    flip: float


def mannequin(bones: Bones, step: float = FINE) -> Shape:
    """The mannequin around these bones, its surface found with samples ``step`` metres apart.

    Raises:
        KeyError: naming a deform bone that is not there.
    """
    cones = _placed(bones)
    vertices, quads = _skin(cones, step)
    shape = Shape(vertices, quads)
    shape.weights = _weights(cones, vertices)
    shape.tone = _tone(bones, vertices)
    return shape


def _placed(bones: Bones) -> list[_Placed]:
    out: list[_Placed] = []
    for cone in (*_TRUNK, *_LEFT):
        sides = ("L", "R") if cone.bone.find(".L") > 0 else ("",)
        for side in sides:
            # The right side is the left one mirrored, offsets included.
            name = cone.bone.replace(".L", f".{side}") if side else cone.bone
            flip = -1.0 if side == "R" else 1.0
            start = _place(bones, name, cone.start, flip)
            out.append(_Placed(cone, name, start, _place(bones, name, cone.end, flip), flip))
    return out


def _place(bones: Bones, bone: str, spot: Sequence[float], flip: float) -> Array:
    head, tail = bones[bone]
    t, dx, dy, dz = spot
    return head + t * (tail - head) + np.array([flip * dx, dy, dz])


def _distance(placed: _Placed, points: Array) -> Array:
    """Roughly how far points (..., 3) are outside a cone, metres."""
    cone, along = placed.cone, placed.end - placed.start
    t = (points - placed.start) @ along / max(float(along @ along), 1e-9)
    t = np.clip(t, 0, 1)
    away = points - placed.start - t[..., None] * along
    mirror = np.array([placed.flip, 1.0, 1.0])
    for axis, stretch in ((cone.across, cone.wide), (cone.through, cone.deep)):
        if stretch != 1:
            unit = np.array(axis) * mirror / np.linalg.norm(axis)
            away = away + (away @ unit * (1 / stretch - 1))[..., None] * unit
    distance = np.linalg.norm(away, axis=-1) - (cone.radii[0] + t * (cone.radii[1] - cone.radii[0]))
    return np.maximum(distance, -points[..., 2]) if cone.on_floor else distance


def _skin(cones: list[_Placed], step: float) -> tuple[Array, Indices]:
    """Vertices and quads of the soft union of the cones."""
    ends = np.array([p for c in cones for p in (c.start, c.end)])
    low, high = ends.min(0) - 0.2, ends.max(0) + 0.2
    size = np.ceil((high - low) / step).astype(int) + 1
    nearness = np.zeros(size)
    for placed in cones:
        reach = max(placed.cone.radii) * max(placed.cone.wide, placed.cone.deep, 1) + _REACH
        both = np.stack([placed.start, placed.end])
        first = np.maximum(((both.min(0) - reach - low) / step).astype(int), 0)
        last = np.minimum(((both.max(0) + reach - low) / step).astype(int) + 1, size)
        axes = [low[k] + step * np.arange(first[k], last[k]) for k in range(3)]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
        box = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
        nearness[box] += np.exp(-_distance(placed, points) / ROUNDING)
    field_ = np.minimum(-ROUNDING * np.log(np.maximum(nearness, 1e-30)), _REACH)
    return surface_net(field_, low, step)


def _weights(cones: list[_Placed], vertices: Array) -> dict[str, Array]:
    """How much each bone moves each vertex."""
    distances = np.stack([_distance(c, vertices) for c in cones])
    for placed, row in zip(cones, distances, strict=True):
        if placed.bone.endswith(".R") or ".R." in placed.bone:
            row[vertices[:, 0] > 0.02] = np.inf
        elif ".L" in placed.bone:
            row[vertices[:, 0] < -0.02] = np.inf
    near = np.exp(-(distances - distances.min(0)) / BLENDING)
    near[near < 0.01] = 0
    near /= near.sum(0)
    weights: dict[str, Array] = {}
    for placed, row in zip(cones, near, strict=True):
        weights[placed.bone] = weights.get(placed.bone, 0) + row
    return weights


def _tone(bones: Bones, vertices: Array) -> Array:
    tone = np.full(len(vertices), 1.0)
    for bone, t, offset, radius in _DARK:
        for side in ("L", "R") if ".L" in bone else ("",):
            name = bone.replace(".L", f".{side}") if side else bone
            centre = _place(bones, name, (t, *offset), -1.0 if side == "R" else 1.0)
            tone = np.minimum(tone, np.linalg.norm(vertices - centre, axis=-1) - radius)
    return tone

"""The sample character in a scene: an armature and a mannequin that it moves."""

from __future__ import annotations

import re
from typing import Any, Final

import bpy
import numpy as np
from mathutils import Vector

from ...core.body.rotations import Array
from . import skeleton
from .anatomy import Bones, Shape, mannequin
from .skin import bind
from .surface import Indices

NAME: Final = "Sample Character"
#: Distance of the samples of the surface, metres: half a second of work.
STEP: Final = 0.012
#: Colours, light and dark, and how rough each is.
MATERIALS: Final = (
    ("Porcelain", (0.80, 0.755, 0.69), 0.45),
    ("Ink", (0.022, 0.035, 0.075), 0.3),
)
#: The character's own half width, half depth and height, metres, and the room around it.
HALF_WIDTH, HALF_DEPTH, HEIGHT, ROOM = 0.8, 0.2, 2.0, 0.3
#: Metres; what is wider is no thing that stands in a scene, but the scene.
LARGEST: Final = 5.0

#: The limbs of which the shape wants two halves.
_HALVES: Final = ("upper_arm", "forearm", "thigh", "shin")
_PREFIX: Final = "DEF-"
_OF_LIMB: Final = re.compile(rf"({'|'.join(_HALVES)})\.[LR]\.001")


def add_sample_character(context: bpy.types.Context) -> bpy.types.Object:
    """Add the character at the 3D cursor, or beside what stands there; returns its armature.

    It becomes the only selected object, and the active one.
    """
    place = free_place(context.scene.cursor.location, boxes(context))
    armature = bpy.data.armatures.new(NAME)
    rig = bpy.data.objects.new(NAME, armature)
    context.collection.objects.link(rig)
    for obj in context.selected_objects:
        obj.select_set(False)
    context.view_layer.objects.active = rig
    rig.select_set(True)
    bpy.ops.object.mode_set(mode="EDIT")
    skeleton.build(armature)
    bpy.ops.object.mode_set(mode="OBJECT")
    armature.display_type, rig.show_in_front = "STICK", True
    rig.location = place
    _add_figure(context, rig)
    return rig


def _add_figure(context: bpy.types.Context, rig: bpy.types.Object) -> None:
    shape = mannequin(_deform_bones(), STEP)
    vertices, dark = parted(shape)
    mesh = bpy.data.meshes.new(NAME)
    mesh.from_pydata(vertices.tolist(), [], shape.quads.tolist())
    mesh.shade_smooth()
    for name, colour, roughness in MATERIALS:
        mesh.materials.append(_material(name, colour, roughness))
    mesh.polygons.foreach_set("material_index", dark.astype(np.int32))
    figure = bpy.data.objects.new(f"{NAME} Body", mesh)
    context.collection.objects.link(figure)
    bind(figure, rig, _own_weights(shape))


def _deform_bones() -> Bones:
    """The skeleton as the shape names it: limbs in two halves."""
    found: dict[str, tuple[Array, Array]] = {}
    for name, (head, tail) in skeleton.ends().items():
        if name.rpartition(".")[0] in _HALVES:
            middle = (head + tail) / 2
            found[_PREFIX + name] = head, middle
            found[f"{_PREFIX}{name}.001"] = middle, tail
        else:
            found[_PREFIX + name] = head, tail
    return found


def _own_weights(shape: Shape) -> dict[str, Array]:
    """The weights (V,) by bone of the skeleton."""
    found: dict[str, Array] = {}
    for name, weights in shape.weights.items():
        bone = name.removeprefix(_PREFIX)
        if _OF_LIMB.fullmatch(bone):
            bone = bone.removesuffix(".001")
        found[bone] = found.get(bone, 0) + weights
    return found


def parted(shape: Shape) -> tuple[Array, Array]:
    """Vertices (V, 3) and which faces (Q,) are dark, with an even line where the colours meet.

    The vertex nearest to where an edge changes its colour is moved there, along the edge.
    """
    vertices, tone = shape.vertices.copy(), shape.tone.copy()
    edges = np.concatenate([shape.quads[:, [k, (k + 1) % 4]] for k in range(4)])
    edges = edges[(tone[edges[:, 0]] < 0) != (tone[edges[:, 1]] < 0)]
    share = tone[edges[:, 0]] / (tone[edges[:, 0]] - tone[edges[:, 1]])
    first, second = shape.vertices[edges[:, 0]], shape.vertices[edges[:, 1]]
    crossing = first + share[:, None] * (second - first)
    moved: Indices = np.where(share < 0.5, edges[:, 0], edges[:, 1])
    order = np.argsort(np.minimum(share, 1 - share))[::-1]  # the nearest crossing stays
    vertices[moved[order]] = crossing[order]
    tone[moved] = 0
    return vertices, tone[shape.quads].sum(axis=1) < 0


def _material(
    name: str, colour: tuple[float, float, float], roughness: float
) -> bpy.types.Material:
    """A material of that name, made once in a file."""
    if (known := bpy.data.materials.get(name)) is not None and known.library is None:
        return known
    material = bpy.data.materials.new(name)
    if material.node_tree is None:  # from Blender 5 on every material has its nodes
        material.use_nodes = True
    shade: Any = material  # Blender's stubs take no tuple for a colour
    shade.diffuse_color, shade.roughness = (*colour, 1.0), roughness
    # By its type: its name is in the language of the interface.
    shader = next(node for node in shade.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    shader.inputs["Roughness"].default_value = roughness
    return material


def boxes(context: bpy.types.Context) -> list[tuple[Vector, Vector]]:
    """Lowest and highest corner of each visible mesh, in the world."""
    found: list[tuple[Vector, Vector]] = []
    for obj in context.visible_objects:
        if obj.type == "MESH":
            corners = [obj.matrix_world @ Vector(corner) for corner in obj.bound_box]
            low = Vector([min(corner[axis] for corner in corners) for axis in range(3)])
            high = Vector([max(corner[axis] for corner in corners) for axis in range(3)])
            found.append((low, high))
    return found


def free_place(place: Vector, taken: list[tuple[Vector, Vector]]) -> Vector:
    """The place, moved to the right until no box is in the character's way.

    A floor is in nobody's way, nor is a set that is larger than ``LARGEST``.
    """
    place = place.copy()
    for low, high in sorted(taken, key=lambda box: box[0].x):
        beside = (
            high.x < place.x - HALF_WIDTH
            or low.x > place.x + HALF_WIDTH
            or high.y < place.y - HALF_DEPTH
            or low.y > place.y + HALF_DEPTH
            or high.z < place.z + ROOM
            or low.z > place.z + HEIGHT
        )
        if not beside and high.x - low.x <= LARGEST:
            place.x = high.x + HALF_WIDTH + ROOM
    return place

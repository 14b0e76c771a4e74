"""The mannequin as a Blender mesh on the rig's deform bones, and still ghosts of it."""

from __future__ import annotations

from typing import Final, cast

import bpy
import numpy as np

from ...core.body.rotations import Array
from ..shading import Colour, figure_material, ghost_material
from .anatomy import mannequin

#: Steps that a weight is rounded to; vertices of one step are bound in one call.
_WEIGHT_STEPS: Final = 40


def add_figure(rig: bpy.types.Object) -> bpy.types.Object:
    """A mannequin that the rig moves."""
    armature = cast("bpy.types.Armature", rig.data)
    bones = {b.name: (np.array(b.head_local), np.array(b.tail_local)) for b in armature.bones}
    shape = mannequin(bones)
    mesh = bpy.data.meshes.new("Mannequin")
    mesh.from_pydata(shape.vertices.tolist(), [], shape.quads.tolist())
    mesh.shade_smooth()
    tone = cast("bpy.types.FloatAttribute", mesh.attributes.new("tone", "FLOAT", "POINT"))
    tone.data.foreach_set("value", shape.tone.astype(np.float32))
    mesh.materials.append(figure_material("Mannequin"))
    figure = bpy.data.objects.new("Mannequin", mesh)
    bpy.context.collection.objects.link(figure)
    for bone, weights in shape.weights.items():
        _bind(figure.vertex_groups.new(name=bone), weights)
    figure.parent = rig
    modifier = cast("bpy.types.ArmatureModifier", figure.modifiers.new("Rig", "ARMATURE"))
    modifier.object = rig
    return figure


def _bind(group: bpy.types.VertexGroup, weights: Array) -> None:
    steps = np.round(weights * _WEIGHT_STEPS).astype(int)
    for step in range(1, _WEIGHT_STEPS + 1):
        members = np.flatnonzero(steps == step)
        if len(members):
            group.add(members.tolist(), step / _WEIGHT_STEPS, "REPLACE")


def add_ghost(figure: bpy.types.Object, name: str, colour: Colour) -> bpy.types.Object:
    """The figure as it stands now, still and translucent."""
    graph = bpy.context.evaluated_depsgraph_get()
    mesh = bpy.data.meshes.new_from_object(figure.evaluated_get(graph), depsgraph=graph)
    mesh.name = name
    _shrink(mesh, 0.004)
    mesh.materials.clear()
    mesh.materials.append(ghost_material(name, colour))
    ghost = bpy.data.objects.new(name, mesh)
    ghost.matrix_world = figure.matrix_world.copy()
    ghost.visible_shadow = False
    bpy.context.collection.objects.link(ghost)
    return ghost


def _shrink(mesh: bpy.types.Mesh, by: float) -> None:
    """Inwards by some metres, so that the figure hides its ghost where the two meet."""
    count = 3 * len(mesh.vertices)
    points, normals = np.empty(count, np.float32), np.empty(count, np.float32)
    mesh.vertices.foreach_get("co", points)
    mesh.vertex_normals.foreach_get("vector", normals)
    mesh.vertices.foreach_set("co", points - by * normals)
    mesh.update()

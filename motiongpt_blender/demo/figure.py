"""The mannequin that the demo films, on the deform bones of a Rigify rig, and ghosts of it."""

from __future__ import annotations

from typing import cast

import bpy
import numpy as np

from ..scene.sample.anatomy import mannequin
from ..scene.sample.skin import bind
from .shading import Colour, figure_material, ghost_material


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
    bind(figure, rig, shape.weights)
    return figure


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

"""Materials of the demo, each built once from a few nodes."""

from __future__ import annotations

from typing import Any, Final

import bpy

Colour = tuple[float, float, float]

#: Scene-linear colours, so that pictures and film agree.
PORCELAIN: Final[Colour] = (0.80, 0.755, 0.69)
INK: Final[Colour] = (0.022, 0.035, 0.075)
FLOOR: Final[Colour] = (0.155, 0.205, 0.265)
LINES: Final[Colour] = (0.30, 0.37, 0.45)
HAZE: Final[Colour] = (0.33, 0.405, 0.485)


def figure_material(name: str, light: Colour = PORCELAIN, dark: Colour = INK) -> Any:
    """Two smooth colours, parted sharply where the attribute ``tone`` is zero."""
    material, tree, shader = _new(name)
    tone = tree.nodes.new("ShaderNodeAttribute")
    tone.attribute_name = "tone"
    edge = _range(tree, tone.outputs["Fac"], -0.0006, 0.0006)
    tree.links.new(_mix(tree, edge, dark, light), shader.inputs["Base Color"])
    rough = tree.nodes.new("ShaderNodeMapRange")
    rough.inputs["To Min"].default_value, rough.inputs["To Max"].default_value = 0.28, 0.5
    tree.links.new(edge, rough.inputs["Value"])
    tree.links.new(rough.outputs["Result"], shader.inputs["Roughness"])
    return material


def ghost_material(name: str, colour: Colour) -> Any:
    """A tint that is denser at its outline.

    It only glows and lets light through: nothing in it is left to chance, so it has no noise.
    """
    material, tree, shader = _new(name)
    nodes, links = tree.nodes, tree.links
    nodes.remove(shader)
    glow, clear = nodes.new("ShaderNodeEmission"), nodes.new("ShaderNodeBsdfTransparent")
    glow.inputs["Color"].default_value = (*colour, 1)
    facing = nodes.new("ShaderNodeLayerWeight")
    facing.inputs["Blend"].default_value = 0.3
    density = nodes.new("ShaderNodeMapRange")
    density.inputs["To Min"].default_value, density.inputs["To Max"].default_value = 0.10, 0.55
    both = nodes.new("ShaderNodeMixShader")
    links.new(facing.outputs["Facing"], density.inputs["Value"])
    links.new(density.outputs["Result"], both.inputs["Fac"])
    links.new(clear.outputs[0], both.inputs[1])
    links.new(glow.outputs[0], both.inputs[2])
    links.new(both.outputs[0], nodes["Material Output"].inputs["Surface"])
    return material


def floor_material(near: float, far: float) -> Any:
    """A floor with a metre grid that dissolves into the haze between two distances."""
    material, tree, shader = _new("Floor")
    nodes, links = tree.nodes, tree.links
    place = nodes.new("ShaderNodeTexCoord").outputs["Object"]
    fine, coarse = _grid(tree, place, 0.5, 0.008), _grid(tree, place, 1.0, 0.016)
    faint = nodes.new("ShaderNodeMath")
    faint.operation = "MULTIPLY_ADD"
    faint.inputs[1].default_value = 0.35
    links.new(fine, faint.inputs[0])
    links.new(coarse, faint.inputs[2])
    clamped = _range(tree, faint.outputs[0], 0.0, 1.0)
    nodes.remove(shader)
    matt = nodes.new("ShaderNodeBsdfDiffuse")  # most of a picture is floor: the cheapest one
    links.new(_mix(tree, clamped, FLOOR, LINES), matt.inputs["Color"])
    haze = nodes.new("ShaderNodeEmission")
    haze.inputs["Color"].default_value = (*HAZE, 1)
    depth = nodes.new("ShaderNodeCameraData").outputs["View Distance"]
    both = nodes.new("ShaderNodeMixShader")
    links.new(_range(tree, depth, near, far), both.inputs["Fac"])
    links.new(matt.outputs[0], both.inputs[1])
    links.new(haze.outputs[0], both.inputs[2])
    links.new(both.outputs[0], nodes["Material Output"].inputs["Surface"])
    return material


def world(strength: float) -> Any:
    """The camera sees the haze; things are lit by a sky of its colour."""
    background_world = bpy.data.worlds.new("Haze")
    tree = _tree(background_world)
    background = tree.nodes["Background"]
    background.inputs["Color"].default_value = (*HAZE, 1)
    path = tree.nodes.new("ShaderNodeLightPath")
    seen = tree.nodes.new("ShaderNodeMapRange")
    seen.inputs["To Min"].default_value, seen.inputs["To Max"].default_value = strength, 1.0
    tree.links.new(path.outputs["Is Camera Ray"], seen.inputs["Value"])
    tree.links.new(seen.outputs["Result"], background.inputs["Strength"])
    return background_world


def _new(name: str) -> tuple[Any, Any, Any]:
    """A new material, its nodes and its principled shader."""
    material: Any = bpy.data.materials.new(name)  # Cycles, an add-on, gives it `cycles`
    material.cycles.emission_sampling = "NONE"  # what glows here lights nothing
    tree = _tree(material)
    return material, tree, tree.nodes["Principled BSDF"]


def _tree(owner: Any) -> Any:
    if owner.node_tree is None:  # from Blender 5 on every material and world has its nodes
        owner.use_nodes = True
    return owner.node_tree


def _range(tree: Any, value: Any, low: float, high: float) -> Any:
    """0 below ``low``, 1 above ``high``."""
    node = tree.nodes.new("ShaderNodeMapRange")
    node.inputs["From Min"].default_value, node.inputs["From Max"].default_value = low, high
    tree.links.new(value, node.inputs["Value"])
    return node.outputs["Result"]


def _mix(tree: Any, factor: Any, low: Colour, high: Colour) -> Any:
    ramp = tree.nodes.new("ShaderNodeValToRGB")
    ramp.color_ramp.elements[0].color = (*low, 1)
    ramp.color_ramp.elements[1].color = (*high, 1)
    tree.links.new(factor, ramp.inputs["Fac"])
    return ramp.outputs["Color"]


def _grid(tree: Any, place: Any, cell: float, width: float) -> Any:
    """1 on the lines of a square grid on the floor, else 0."""
    nodes, links = tree.nodes, tree.links
    split = nodes.new("ShaderNodeSeparateXYZ")
    links.new(place, split.inputs[0])
    nearest = nodes.new("ShaderNodeMath")
    nearest.operation = "MINIMUM"
    for k in range(2):
        fold = nodes.new("ShaderNodeMath")
        fold.operation = "PINGPONG"
        fold.inputs[1].default_value = cell / 2
        links.new(split.outputs[k], fold.inputs[0])
        links.new(fold.outputs[0], nearest.inputs[k])
    line = nodes.new("ShaderNodeMath")
    line.operation = "LESS_THAN"
    line.inputs[1].default_value = width / 2
    links.new(nearest.outputs[0], line.inputs[0])
    return line.outputs[0]

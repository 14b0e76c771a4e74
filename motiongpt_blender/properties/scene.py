"""What the animator asks for, kept in the scene."""

from typing import Any

import bpy

from .frame_range import MotionGPTFrameRange


def _is_armature(_self: Any, obj: Any) -> bool:
    return obj.type == "ARMATURE"


class MotionGPTScene(bpy.types.PropertyGroup):
    """Prompt, length, seed, and the armature that they are for."""

    armature: bpy.props.PointerProperty(
        name="Armature",
        description="The character that moves; empty: the active armature, or that of the "
        "active mesh",
        type=bpy.types.Object,
        poll=_is_armature,
    )
    prompt: bpy.props.StringProperty(
        name="Prompt",
        description="What happens, in plain English: 'a person walks forward'",
        default="a person walks forward",
        options={"TEXTEDIT_UPDATE"},
    )
    seconds: bpy.props.FloatProperty(
        name="Length",
        description="Length of the motion; an end pose decides it where one is marked",
        default=3.0,
        min=0.4,
        max=60.0,
        soft_max=9.7,
        step=10,
        precision=1,
        subtype="TIME_ABSOLUTE",
    )
    seed: bpy.props.IntProperty(
        name="Seed",
        description="The same seed gives the same motion; another seed, another take",
        min=0,
        max=2**31 - 1,
    )
    frame_range: bpy.props.PointerProperty(type=MotionGPTFrameRange)
    candidates: bpy.props.IntProperty(
        name="Candidates",
        description="Draw so many motions and give the best: nearest to the marked poses, "
        "or without poses the one that fits the prompt best",
        default=16,
        min=1,
        max=64,
    )
    guidance: bpy.props.FloatProperty(
        name="Guidance",
        description="How firmly the model is held to the marked poses while it writes, or without "
        "poses to what it set out to do; 0 leaves it alone. A take passes through its poses "
        "either way",
        default=1.0,
        min=0.0,
        max=10.0,
        soft_max=3.0,
        step=10,
        precision=1,
    )


def target(context: Any) -> Any:
    """The armature in question: the chosen one, else that of the active object, else None.

    Importers leave a mesh or an empty active; the armature that moves it counts, else the only
    one that is selected.
    """
    chosen = context.scene.motiongpt.armature
    if chosen is not None and chosen.name in context.scene.objects:
        return chosen
    objects = context.view_layer.objects
    if (found := _moved_by(objects.active)) is not None:
        return found
    selected = [obj for obj in objects.selected if obj.type == "ARMATURE"]
    return selected[0] if len(selected) == 1 else None


def _moved_by(obj: Any) -> Any:
    """The armature that an object is, or that moves it; None where there is none."""
    if obj is None or obj.type == "ARMATURE":
        return obj
    return obj.find_armature()

"""What the animator chooses for all characters of a scene."""

from __future__ import annotations

from typing import cast

import bpy

from ..generate.take_request import MOST_TAKES
from ..scene.kept import PROPERTY
from ..wire import LIMITS, Sampling
from .frame_range import MotionGPTFrameRange
from .overrides import MotionGPTOverride
from .request import DEFAULTS


def _is_armature(_self: MotionGPTScene, obj: bpy.types.Object) -> bool:
    return obj.type == "ARMATURE"


class MotionGPTScene(bpy.types.PropertyGroup):
    """The armature in question, timing and sampling, and what is drawn."""

    armature: bpy.props.PointerProperty(
        name="Armature",
        description="The character that moves. When empty, the active armature, or that of the "
        "active mesh",
        type=bpy.types.Object,
        poll=_is_armature,
    )
    frame_range: bpy.props.PointerProperty(type=MotionGPTFrameRange)
    #: What is kept for library overrides; ``armature.of`` finds it.
    overrides: bpy.props.CollectionProperty(type=MotionGPTOverride)
    takes: bpy.props.IntProperty(
        name="Takes",
        description="How many different takes are made, to choose from. A single one is kept at "
        "once",
        default=MOST_TAKES,
        min=1,
        max=MOST_TAKES,
    )
    candidates: bpy.props.IntProperty(
        name="Candidates",
        description="Generate this many motions and keep the best one: the nearest to the marked "
        "poses, or without poses the one that fits the prompt best",
        default=DEFAULTS.candidates,
        min=int(LIMITS["candidates"].low),
        max=int(LIMITS["candidates"].high),
        soft_max=64,
    )
    guidance: bpy.props.FloatProperty(
        name="Guidance",
        description="How strongly the marked poses guide the model while it generates, or without "
        "poses its own plan of the motion; 0 is off. A take meets its marked poses either way",
        default=DEFAULTS.guidance,
        min=LIMITS["guidance"].low,
        max=LIMITS["guidance"].high,
        soft_max=3.0,
        step=10,
        precision=1,
    )

    show_ghosts: bpy.props.BoolProperty(
        name="Ghosts",
        description="Show the marked poses in the 3D view, where they were marked",
        default=True,
    )
    show_trails: bpy.props.BoolProperty(
        name="Trails",
        description="Show the ways of hips, hands and feet through the chosen take, a dot a frame",
        default=True,
    )
    show_ways: bpy.props.BoolProperty(
        name="Ways",
        description="Show the way that the character follows in its next takes, an arrow a metre",
        default=True,
    )
    show_signs: bpy.props.BoolProperty(
        name="Marks on the Timeline",
        description="Show the marked poses in timeline and dope sheet, where they can be dragged",
        default=True,
    )

    def sampling(self, seed: int) -> Sampling:
        """How the model samples with a seed, as chosen."""
        return Sampling(seed=seed, candidates=self.candidates, guidance=self.guidance)


def of(scene: bpy.types.Scene) -> MotionGPTScene:
    """What the animator chose in a scene."""
    return cast("MotionGPTScene", getattr(scene, PROPERTY))


def target(context: bpy.types.Context) -> bpy.types.Object | None:
    """The armature in question: the chosen one, else that of the active object, else None.

    Importers leave a mesh or an empty active; the armature that moves it counts, else the only
    one that is selected.
    """
    chosen: bpy.types.Object | None = of(context.scene).armature
    if chosen is not None and chosen.name in context.scene.objects:
        return chosen
    objects = context.view_layer.objects
    if (found := _moved_by(objects.active)) is not None:
        return found
    selected = [obj for obj in objects.selected if obj.type == "ARMATURE"]
    return selected[0] if len(selected) == 1 else None


def selected_armatures(context: bpy.types.Context) -> list[bpy.types.Object]:
    """The armatures that are selected, or that move what is selected, each once."""
    moved = (_moved_by(obj) for obj in context.view_layer.objects.selected)
    return list(dict.fromkeys(obj for obj in moved if obj is not None))


def _moved_by(obj: bpy.types.Object | None) -> bpy.types.Object | None:
    """The armature that an object is, or that moves it; None where there is none."""
    if obj is None or obj.type == "ARMATURE":
        return obj
    return obj.find_armature()

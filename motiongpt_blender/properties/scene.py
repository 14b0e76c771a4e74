"""What the animator asks for, kept in the scene."""

from __future__ import annotations

from typing import Final, cast

import bpy

from ..generate.take_request import MOST_TAKES
from ..scene.kept import PROPERTY
from ..wire import LIMITS, Sampling
from .frame_range import MotionGPTFrameRange
from .overrides import MotionGPTOverride

#: The one place of the defaults.
DEFAULTS: Final = Sampling()


def _is_armature(_self: MotionGPTScene, obj: bpy.types.Object) -> bool:
    return obj.type == "ARMATURE"


def _set_length(panel: MotionGPTScene, _context: bpy.types.Context) -> None:
    """A length that was entered counts."""
    panel.auto_length = False


class MotionGPTScene(bpy.types.PropertyGroup):
    """Prompt, length and sampling, and the armature that they are for."""

    armature: bpy.props.PointerProperty(
        name="Armature",
        description="The character that moves. When empty, the active armature, or that of the "
        "active mesh",
        type=bpy.types.Object,
        poll=_is_armature,
    )
    prompt: bpy.props.StringProperty(
        name="Prompt",
        description="What the character does, in plain English: 'a person walks forward'",
        default="a person walks forward",
        options={"TEXTEDIT_UPDATE"},
    )
    seconds: bpy.props.FloatProperty(
        name="Length",
        description="Length of the motion. A marked end pose sets it instead",
        update=_set_length,
        default=3.0,
        min=0.4,
        max=60.0,
        soft_max=9.7,
        step=10,
        precision=1,
        subtype="TIME_ABSOLUTE",
    )
    auto_length: bpy.props.BoolProperty(
        name="Auto Length",
        description="Use the length that suits the prompt, as the model pack has learnt it",
        default=True,
    )
    seed: bpy.props.IntProperty(
        name="Seed",
        description="The same seed gives the same motion, another seed a different one",
        default=DEFAULTS.seed,
        min=int(LIMITS["seed"].low),
        max=int(LIMITS["seed"].high),
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
    show_signs: bpy.props.BoolProperty(
        name="Marks on the Timeline",
        description="Show the marked poses in timeline and dope sheet, where they can be dragged",
        default=True,
    )

    def sampling(self) -> Sampling:
        """How the model samples, as chosen."""
        return Sampling(seed=self.seed, candidates=self.candidates, guidance=self.guidance)


def of(scene: bpy.types.Scene) -> MotionGPTScene:
    """What the animator asks for in a scene."""
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


def _moved_by(obj: bpy.types.Object | None) -> bpy.types.Object | None:
    """The armature that an object is, or that moves it; None where there is none."""
    if obj is None or obj.type == "ARMATURE":
        return obj
    return obj.find_armature()

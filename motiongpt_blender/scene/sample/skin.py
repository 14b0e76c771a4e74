"""A mesh on the bones of a rig."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

import bpy
import numpy as np

from ...core.body.rotations import Array

#: Steps that a weight is rounded to; vertices of one step are bound in one call.
_WEIGHT_STEPS: Final = 40


def bind(figure: bpy.types.Object, rig: bpy.types.Object, weights: Mapping[str, Array]) -> None:
    """Have a rig's bones move a figure; weights (V,) by bone, which add up to 1."""
    for bone, of_bone in weights.items():
        group = figure.vertex_groups.new(name=bone)
        steps = np.round(of_bone * _WEIGHT_STEPS).astype(int)
        for step in range(1, _WEIGHT_STEPS + 1):
            members = np.flatnonzero(steps == step)
            if len(members):
                group.add(members.tolist(), step / _WEIGHT_STEPS, "REPLACE")
    figure.parent = rig
    modifier = cast("bpy.types.ArmatureModifier", figure.modifiers.new("Rig", "ARMATURE"))
    modifier.object = rig

"""The ways of hips, hands and feet through an action, read from its curves.

The scene's frame is not changed: forward kinematics of the FK controls gives the places. What
only constraints or IK controls move is not seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import bpy
import numpy as np

from ... import compat
from ...core.body.rotations import Array
from ...core.overlays.colours import TrailPoint
from ...core.overlays.trails import trail_points
from ...core.rig.rig_description import RigDescription
from ..access import pose_bones
from .played_motion import (
    SAME_TIME,
    carried,
    carrying_change,
    is_animated,
    matrices,
    moved_carrier,
    played_motion,
)


class TrailSpace(Enum):
    """The space in which ways are: it moves along with what the action does not move."""

    PARENT = "the object's parent's, as the action moves the object"
    ARMATURE = "the armature's, as the action moves the bone that carries the rig"
    HIPS = "that of what carries the hips"


@dataclass(frozen=True)
class TakeTrails:
    """The ways through a take.

    Attributes:
        points: point of the body -> (T, 3) its places.
        space: where they are.
        root: name of the control that carries the hips.
    """

    points: Mapping[TrailPoint, Array]
    space: TrailSpace
    root: str

    def matrix(self, obj: bpy.types.Object) -> Array:
        """Matrix (4, 4) from the ways' space to the world, as the armature stands now."""
        if self.space is TrailSpace.PARENT:
            return parent_matrix(obj)
        world = np.array(obj.matrix_world, dtype=np.float64)
        if self.space is TrailSpace.ARMATURE or self.root not in pose_bones(obj):
            return world
        return world @ carrying_change(obj, self.root)


@dataclass(frozen=True)
class StripTime:
    """Which times of its action an NLA strip plays, and when.

    Attributes:
        start: first scene frame.
        end: last scene frame.
        action_start: time of the action at the first frame.
        scale: scene frames in a frame of the action.
    """

    start: float
    end: float
    action_start: float
    scale: float

    @classmethod
    def of(cls, strip: bpy.types.NlaStrip) -> StripTime:
        """The time of a strip, one pass of its action."""
        length = (strip.action_frame_end - strip.action_frame_start) * strip.scale
        end = min(strip.frame_end, strip.frame_start + length)
        return cls(strip.frame_start, end, strip.action_frame_start, strip.scale)

    def action_times(self) -> Array:
        """Times (T,) of the action at each scene frame from the first one on."""
        frames = np.arange(int(self.end - self.start + SAME_TIME) + 1)
        return self.action_start + frames / (self.scale or 1.0)


def parent_matrix(obj: bpy.types.Object) -> Array:
    """Matrix (4, 4) from the space of an object's own matrix to the world."""
    return np.array(obj.matrix_world @ obj.matrix_basis.inverted_safe(), dtype=np.float64)


def trails_through(
    obj: bpy.types.Object,
    rig: RigDescription,
    action: bpy.types.Action,
    slot: compat.Slot,
    times: Array,
) -> TakeTrails:
    """The ways through an action.

    Args:
        obj: the armature object.
        rig: its description.
        action: what moves it.
        slot: the action's slot for it; None before Blender 4.4.
        times: (T,) times of the action.
    """
    curves = {(c.data_path, c.array_index): c for c in compat.slot_curves(action, slot)}
    points = trail_points(rig, played_motion(obj, rig, curves, times))
    carrier = moved_carrier(obj, rig, curves)
    if is_animated(obj, curves):
        whole = matrices(obj, curves, times) @ carried(obj, rig, carrier, curves, times)
        space = TrailSpace.PARENT
    elif carrier is not None:
        whole, space = carried(obj, rig, carrier, curves, times), TrailSpace.ARMATURE
    else:
        return TakeTrails(points, TrailSpace.HIPS, rig.root)
    moved = {point: _transformed(places, whole) for point, places in points.items()}
    return TakeTrails(moved, space, rig.root)


def _transformed(points: Array, matrices: Array) -> Array:
    """Points (T, 3) transformed by matrices (T or 1, 4, 4)."""
    return (matrices[:, :3, :3] @ points[..., None])[..., 0] + matrices[:, :3, 3]

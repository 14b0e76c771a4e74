"""The way that a character follows, as its armature object keeps it."""

from __future__ import annotations

from enum import StrEnum

import bpy

from ..core.translation import CONTEXT
from ..scene.pose.way import Stop


class WayKind(StrEnum):
    """What a character follows."""

    NONE = "NONE"
    CURVE = "CURVE"
    WAYPOINTS = "WAYPOINTS"


KINDS = (
    (WayKind.NONE.value, "Free", "The prompt alone says where the character goes"),
    (WayKind.CURVE.value, "Curve", "The character follows a curve, from its first point on"),
    (
        WayKind.WAYPOINTS.value,
        "Waypoints",
        "The character goes from where it stands to each waypoint in turn",
    ),
)


def _is_curve(_self: MotionGPTWay, obj: bpy.types.Object) -> bool:
    return obj.type == "CURVE"


class MotionGPTWaypoint(bpy.types.PropertyGroup):
    """One waypoint: an object, usually an empty, at its place."""

    empty: bpy.props.PointerProperty(
        name="Object",
        description="Where the waypoint is. Move it to move the waypoint",
        type=bpy.types.Object,
    )
    faces: bpy.props.BoolProperty(
        name="Face",
        description="The body faces where the object's -Y axis points, as the arrow shows",
    )
    timed: bpy.props.BoolProperty(
        name="At Frame", description="The character is there at a frame of your choice"
    )
    frame: bpy.props.IntProperty(name="Frame", description="When the character is there")

    def stop(self) -> Stop | None:
        """The waypoint as it is read; None while its object is gone."""
        if self.empty is None:
            return None
        return Stop(self.empty, self.faces, float(self.frame) if self.timed else None)


class MotionGPTWay(bpy.types.PropertyGroup):
    """The way of one armature."""

    kind: bpy.props.EnumProperty(
        name="Way",
        translation_context=CONTEXT,
        description="What the character follows in its next takes",
        items=KINDS,
        default=WayKind.NONE.value,
    )
    curve: bpy.props.PointerProperty(
        name="Curve",
        description="The curve that the hips follow, seen from above",
        type=bpy.types.Object,
        poll=_is_curve,
    )
    waypoints: bpy.props.CollectionProperty(type=MotionGPTWaypoint)
    active: bpy.props.IntProperty(name="Active waypoint")

    @property
    def active_waypoint(self) -> MotionGPTWaypoint | None:
        """The chosen waypoint, or None."""
        return self.waypoints[self.active] if 0 <= self.active < len(self.waypoints) else None

    @property
    def is_used(self) -> bool:
        """Whether takes follow it."""
        return self.kind != WayKind.NONE.value

    def stops(self) -> list[Stop]:
        """The waypoints whose objects are there."""
        return [stop for point in self.waypoints if (stop := point.stop()) is not None]

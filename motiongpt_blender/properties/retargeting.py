"""How motions are put on one armature, as its animator chose; kept on the object."""

from __future__ import annotations

from typing import cast

import bpy

from ..core.rig.rig_options import REACH, RigOptions, RootTarget

ROOTS = (
    (RootTarget.HIPS.value, "Hips", "The hips travel; everything that carries them stays"),
    (RootTarget.BONE.value, "Root Bone", "The bone that carries the rig travels and turns"),
    (RootTarget.OBJECT.value, "Object", "The armature object travels and turns"),
)

KEYS = (
    ("DENSE", "Every Frame", "A key a frame, with straight lines between them"),
    ("SPARSE", "Few", "Few keys with Bézier handles, as near to the motion as is asked below"),
)


def _scale(obj: bpy.types.Object) -> float:
    """Scene units in one unit of an armature."""
    return float(sum(obj.matrix_world.to_scale()[:]) / 3) or 1.0


class MotionGPTRetargeting(bpy.types.PropertyGroup):
    """The options of ``RigOptions``."""

    root: bpy.props.EnumProperty(
        name="Root",
        description="What travels over the floor",
        items=ROOTS,
        default=RootTarget.HIPS.value,
    )
    in_place: bpy.props.BoolProperty(
        name="In Place",
        description="Nothing travels; the way is kept as curves of the custom property "
        "'motiongpt_root_motion' of the armature object",
    )
    pin_feet: bpy.props.BoolProperty(
        name="Feet",
        description="Feet stand exactly where the motion's do; knees make up for it",
    )
    pin_hands: bpy.props.BoolProperty(
        name="Hands",
        description="Hands come to where the motion's do; elbows make up for it",
    )
    lock_feet: bpy.props.BoolProperty(
        name="Plant Feet",
        description="Feet that stand stay where they are: legs are bent anew, and the hips come "
        "down a little where a leg is too short",
        default=True,
    )
    floor: bpy.props.FloatProperty(
        name="Floor",
        description="Height of the floor over the one that the armature's rest pose stands on",
        subtype="DISTANCE",
    )
    keys: bpy.props.EnumProperty(
        name="Keys",
        description="How many keys a motion is written with",
        items=KEYS,
        default="DENSE",
    )
    degrees: bpy.props.FloatProperty(
        name="Direction (°)",
        description="Degrees by which head, hands and feet may be turned away from "
        "every-frame keys",
        default=1.0,
        min=0.1,
        max=20.0,
        precision=1,
    )
    millimetres: bpy.props.FloatProperty(
        name="Place (mm)",
        description="How far head, hands and feet may be from every-frame keys, in millimetres "
        "for a person of usual size",
        default=5.0,
        min=0.5,
        max=100.0,
        precision=1,
    )
    reach: bpy.props.FloatProperty(
        name="Reach",
        description="Seconds before and after a marked pose within which the motion comes to it "
        "and leaves it",
        default=REACH,
        min=0.1,
        max=5.0,
        precision=2,
        subtype="TIME_ABSOLUTE",
    )
    ik_controls: bpy.props.BoolProperty(
        name="IK Controls",
        description="Also key the IK controls and their poles, and switch the limbs to IK "
        "(Rigify, Auto-Rig Pro, CloudRig)",
    )

    def options(self) -> RigOptions:
        """What is chosen, as the use-cases take it."""
        return RigOptions(
            root=RootTarget(self.root),
            in_place=self.in_place,
            pin_feet=self.pin_feet,
            pin_hands=self.pin_hands,
            ik_controls=self.ik_controls,
            lock_feet=self.lock_feet,
            floor=self.floor / _scale(cast("bpy.types.Object", self.id_data)),
            sparse=self.keys == "SPARSE",
            degrees=self.degrees,
            millimetres=self.millimetres,
            reach=self.reach,
        )

"""How motions are put on an armature, as the animator chose. Kept with the armature."""

from __future__ import annotations

import bpy

from ..core.rig.rig_options import REACH, RigOptions, RootTarget
from ..core.translation import CONTEXT
from ..scene.kept import owner_of

ROOTS = (
    (RootTarget.HIPS.value, "Hips", "The hips move over the floor. Their parents stay"),
    (RootTarget.BONE.value, "Root Bone", "The root bone of the rig moves and turns"),
    (RootTarget.OBJECT.value, "Object", "The armature object moves and turns"),
)

KEYS = (
    ("DENSE", "Every Frame", "A key on every frame, with linear interpolation"),
    ("SPARSE", "Few", "Few keys with Bézier handles, within the tolerances below"),
)


def _scale(obj: bpy.types.Object) -> float:
    """Scene units in one unit of an armature."""
    return float(sum(obj.matrix_world.to_scale()[:]) / 3) or 1.0


class MotionGPTRetargeting(bpy.types.PropertyGroup):
    """The options of ``RigOptions``."""

    root: bpy.props.EnumProperty(
        name="Root",
        description="What moves over the floor",
        items=ROOTS,
        default=RootTarget.HIPS.value,
    )
    in_place: bpy.props.BoolProperty(
        name="In Place",
        description="Nothing moves over the floor. The root motion is kept as F-curves of the "
        "custom property 'motiongpt_root_motion' of the armature object",
    )
    pin_feet: bpy.props.BoolProperty(
        name="Feet",
        translation_context=CONTEXT,
        description="Move the feet exactly to the motion's positions with two-bone IK",
    )
    pin_hands: bpy.props.BoolProperty(
        name="Hands",
        translation_context=CONTEXT,
        description="Move the hands exactly to the motion's positions with two-bone IK",
    )
    lock_feet: bpy.props.BoolProperty(
        name="Lock Feet",
        description="Keep each foot in one place while it touches the floor. The legs are solved "
        "again, and the hips are lowered a little where a leg is too short",
        default=True,
    )
    floor: bpy.props.FloatProperty(
        name="Floor",
        translation_context=CONTEXT,
        description="Height of the floor above the floor of the armature's rest pose. At 0 the "
        "marked poses tell where the floor is, or the pose in which the character stands",
        subtype="DISTANCE",
    )
    keys: bpy.props.EnumProperty(
        name="Keys",
        translation_context=CONTEXT,
        description="How many keys are written",
        items=KEYS,
        default="DENSE",
    )
    degrees: bpy.props.FloatProperty(
        name="Rotation (°)",
        description="How far the rotation of head, hands and feet may differ from keys on every "
        "frame, in degrees",
        default=1.0,
        min=0.1,
        max=20.0,
        precision=1,
    )
    millimetres: bpy.props.FloatProperty(
        name="Position (mm)",
        description="How far the position of head, hands and feet may differ from keys on every "
        "frame, in millimetres for a person of average size",
        default=5.0,
        min=0.5,
        max=100.0,
        precision=1,
    )
    reach: bpy.props.FloatProperty(
        name="Reach",
        description="Seconds before and after a marked pose in which the motion blends to it",
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
        """What is chosen, as the use-case takes it."""
        return RigOptions(
            root=RootTarget(self.root),
            in_place=self.in_place,
            pin_feet=self.pin_feet,
            pin_hands=self.pin_hands,
            ik_controls=self.ik_controls,
            lock_feet=self.lock_feet,
            floor=self.floor / _scale(owner_of(self)),
            sparse=self.keys == "SPARSE",
            degrees=self.degrees,
            millimetres=self.millimetres,
            reach=self.reach,
        )

"""How motions are put on one armature, as its animator chose; kept on the object."""

from __future__ import annotations

import bpy

from ..core.rig_options import RigOptions, RootTarget

ROOTS = (
    (RootTarget.HIPS.value, "Hips", "The hips travel; everything that carries them stays"),
    (RootTarget.BONE.value, "Root Bone", "The bone that carries the rig travels and turns"),
    (RootTarget.OBJECT.value, "Object", "The armature object travels and turns"),
)


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
    ik_controls: bpy.props.BoolProperty(
        name="IK Controls",
        description="Also key the IK controls and their poles, and switch the limbs to IK (Rigify)",
    )

    def options(self) -> RigOptions:
        """What is chosen, as the use-cases take it."""
        return RigOptions(
            root=RootTarget(self.root),
            in_place=self.in_place,
            pin_feet=self.pin_feet,
            pin_hands=self.pin_hands,
            ik_controls=self.ik_controls,
        )

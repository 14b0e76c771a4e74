"""Bone names of rigs that tests build, and the rig files that they read."""

import json

from motiongpt_blender.core.rig.bone_maps import families

MIXAMO = {
    "pelvis": ["mixamorig:Hips"],
    "spine": ["mixamorig:Spine", "mixamorig:Spine1", "mixamorig:Spine2"],
    "neck": ["mixamorig:Neck"],
    "head": ["mixamorig:Head"],
    **{
        f"{part}_{side[0].lower()}": [f"mixamorig:{side}{bone}"]
        for side in ("Left", "Right")
        for part, bone in {
            "collar": "Shoulder", "upper_arm": "Arm", "forearm": "ForeArm", "hand": "Hand",
            "thigh": "UpLeg", "shin": "Leg", "foot": "Foot", "toe": "ToeBase",
        }.items()
    },
}  # fmt: skip


SMPL = {
    "pelvis": ["pelvis"],
    "spine": ["spine1", "spine2", "spine3"],
    "neck": ["neck"],
    "head": ["head"],
    **{f"{p}_{s}": [f"{p}.{s}"] for s in "lr" for p in (
        "collar", "upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toe")},
}  # fmt: skip


def tables(shared):
    return json.loads((shared("rigs") / "bone_names.json").read_text("utf-8"))


COVERED = sorted({name for _, data in families() for name in data["covers"]})


#: Tables that name only some of a rig's controls; their rigs are built below.
IN_PART = ("rigify_control", "rigify_control_ik", "auto_rig_pro_control_ik")


#: file of the folder "rigs": (label, parts without a bone)
FILES = {
    "bvh_freebvh.bvh": ("Mixamo", set()),
    "bvh_mocapbank.bvh": ("BVH named by joints", {"toe_l", "toe_r"}),
    "bvh_pymo_walk.bvh": ("HumanIK", {"spine", "neck"}),
    "cmu_91_48_m2m.fbx": ("Daz Genesis 1 and 2, Poser", {"toe_l", "toe_r"}),
    "gdquest_mannequiny.glb": ("Unreal Engine mannequin", set()),
    "khronos_CesiumMan.glb": ("Found by shape", {"collar_l", "collar_r"}),
    "m2m_rig_human.glb": ("Unreal Engine mannequin", set()),
    "mpfb_rig_cmu_mb.json": ("CMU motion capture", set()),
    "mpfb_rig_default.json": ("MakeHuman default", set()),
    "mpfb_rig_game_engine.json": ("Unreal Engine mannequin", set()),
    "mpfb_rig_mixamo.json": ("Mixamo", set()),
    "mpfb_rig_rigify.json": ("Rigify metarig", set()),
    "threejs_RobotExpressive.glb": ("Robot Expressive", {"toe_l", "toe_r"}),
    "vrm_cryptovoxels.vrm": ("VRChat (CATS)", set()),
}

#: The same of the folder "rigs_hard".
HARD_FILES = {
    "kaykit_Knight.glb": ("Unity humanoid", {"neck", "collar_l", "collar_r"}),
    "m2m_human-bunny.glb": ("Unreal Engine mannequin", set()),
    "quaternius_Cowboy.blend": ("Robot Expressive", {"toe_l", "toe_r"}),
    "vrmaddon_hips_rotation.blend": ("Unity humanoid", set()),
    "vrmaddon_rest_a_pose_t_position_pose.blend": ("Unity humanoid", set()),
}

#: Files of the folder "rigs_hard" that are no bodies as they are: what is said of each.
REFUSED_FILES = {
    "m2m_kaiju-base.glb": "its bones are recognised neither by name nor by shape: choose them in "
    "the panel under Retargeting > Bones, or choose the armature of a body with two arms and two "
    "legs.",
    "mpfb_rig.openpose.json": "no bone was found for pelvis, chest: choose them in the panel "
    "under Retargeting > Bones, or choose another armature.",
    "vrmaddon_unknown_constraint.blend": "the arms are no children of 'spine', 'chest': parent "
    "them in Edit Mode, or choose another armature.",
}

#: One table of each kind of rig: deforming bones, controls that carry each other by
#: constraints, limbs on IK constraints, hands and feet on the root.
KINDS = (
    "mixamo",
    "rigify_metarig",
    "auto_rig_pro_control",
    "cloudrig_fk",
    "mmd_japanese_dotlr",
    "robot_expressive",
    "valve_biped",
    "smplx_blender_addon",
)

#: One file for each importer of Blender's.
IMPORTED = ("bvh_pymo_walk.bvh", "cmu_91_48_m2m.fbx", "khronos_CesiumMan.glb")

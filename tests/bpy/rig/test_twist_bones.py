"""Twist bones of arms and legs: each has its share, everything below stays as it was."""

import bpy
import numpy as np
import pytest
from mathutils import Quaternion

from motiongpt_blender import compat
from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.core.body.rotations import from_log, normalise, rotate
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.pose_constraints.marked_pose import PoseRole
from motiongpt_blender.core.rig.bone_maps import Part
from motiongpt_blender.core.rig.rig_options import RigOptions
from motiongpt_blender.scene.pose.mark_pose import mark_pose
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.take.apply import apply_clip
from tests.support.rigs.families import Axes, Build, Stance, build_family
from tests.support.rigs.motions import FPS, exercise

pytestmark = pytest.mark.sweep

FRAMES = range(1, 41, 3)
LIMBS = {"upper_arm": "forearm", "thigh": "shin"}


def figure(kind=""):
    """A rig without twist bones, with some "beside" its limbs, or with one "within" each."""
    obj = build_family(Build("unreal4", Stance.A, Axes.ROLLED))
    names = {c.part: c.name for c in describe(obj).controls}
    bpy.ops.object.mode_set(mode="EDIT")
    edit = obj.data.edit_bones
    for base, side in ((b, s) for b in LIMBS for s in "lr" if kind):
        upper, lower = (
            edit[names[Part(f"{base}_{side}")]],
            edit[names[Part(f"{LIMBS[base]}_{side}")]],
        )
        for place in (0.0, 0.5) if kind == "beside" else (0.5,):
            bone = edit.new(f"{base}_twist_{round(10 * place):02d}_{side}")
            bone.head = upper.head.lerp(upper.tail, place)
            bone.tail = upper.head.lerp(upper.tail, place + 0.3)
            bone.roll, bone.parent = 0.9, upper
            if kind == "within":
                lower.parent = bone
    bpy.ops.object.mode_set(mode="OBJECT")
    return obj, names


def twisted(joints):
    """The motion with forearms turned about upper arms, and shins a little about thighs."""
    out = joints.astype(float)
    swing = np.sin(np.linspace(0, 2 * np.pi, len(joints)))
    for chain, most in (("SHOULDER ELBOW WRIST", 0.9), ("HIP KNEE ANKLE FOOT", 0.4)):
        for side in "LR":
            start, middle, *rest = (Joint[f"{side}_{j}"] for j in chain.split())
            axis = normalise(out[:, middle] - out[:, start])
            turn = from_log((most * swing)[:, None] * axis)
            for joint in rest:
                out[:, joint] = out[:, middle] + rotate(turn, out[:, joint] - out[:, middle])
    return out


def play(obj, joints, options=None):
    """Put a motion on a rig."""
    bpy.context.scene.render.fps = FPS
    bpy.context.scene.frame_set(1)
    apply_clip(obj, MotionClip(joints.astype(np.float32), FPS), (), 1, "t", options)


def turns(obj, frames=FRAMES):
    """Bone -> turns away from rest at the frames."""
    out = {}
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        posed = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
        for bone in posed.pose.bones:
            turn = bone.matrix.to_quaternion() @ bone.bone.matrix_local.to_quaternion().inverted()
            out.setdefault(bone.name, []).append(turn)
    return out


def degrees(a, b):
    return np.degrees(2 * np.arccos(min(abs(a.normalized().dot(b.normalized())), 1.0)))


def twists(obj, names, seen, twist, base, side):
    """Degrees by which a twist bone is turned beyond its limb, about the limb, at each frame."""
    upper, lower = (obj.data.bones[names[Part(f"{p}_{side}")]] for p in (base, LIMBS[base]))
    axis = (lower.head_local - upper.head_local).normalized()
    out = []
    for limb, bone in zip(seen[upper.name], seen[twist], strict=True):
        change = limb.inverted() @ bone
        turned, angle = change.to_axis_angle()
        angle = np.degrees((angle + np.pi) % (2 * np.pi) - np.pi)
        if abs(angle) > 1:
            assert abs(turned.dot(axis)) > 0.999
        out.append(angle * np.sign(turned.dot(axis) or 1))
    return np.array(out)


@pytest.fixture
def plain(empty_scene):
    """How the rig without twist bones moves."""
    obj, _ = figure()
    play(obj, twisted(exercise()))
    seen = turns(obj)
    bpy.data.objects.remove(obj)
    return seen


@pytest.mark.parametrize("kind", ["beside", "within"])
def test_twist_is_shared_and_nothing_else_changes(plain, kind):
    obj, names = figure(kind)
    play(obj, twisted(exercise()))
    seen = turns(obj)
    uppers = {names[Part(f"{b}_{s}")] for b in LIMBS for s in "lr"} if kind == "within" else set()
    for name in set(plain) - uppers:
        away = max(degrees(a, b) for a, b in zip(plain[name], seen[name], strict=True))
        assert away < 0.1, name  # what single precision leaves of an angle
    most = 0.0
    for base, side in ((b, s) for b in LIMBS for s in "lr"):
        near, far = f"{base}_twist_00_{side}", f"{base}_twist_05_{side}"
        half = twists(obj, names, seen, far, base, side)
        most = max(most, abs(half).max())
        if kind == "beside":  # half-way takes half of it back, at the shoulder all
            assert np.allclose(twists(obj, names, seen, near, base, side), 2 * half, atol=0.1)
        else:  # half in the limb's own bone, half in the twist bone
            upper = names[Part(f"{base}_{side}")]
            given = [degrees(a, b) for a, b in zip(plain[upper], seen[upper], strict=True)]
            assert np.allclose(given, abs(half), atol=0.1)
    assert most > 5


@pytest.mark.parametrize("kind", ["beside", "within"])
def test_a_marked_pose_comes_back_with_its_twist_bones(empty_scene, kind):
    obj, names = figure(kind)
    bpy.context.scene.render.fps = FPS
    for name, q in (
        (names[Part.UPPER_ARM_L], (0.8, 0.3, 0.4, 0.2)),
        (names[Part.FOREARM_L], (0.9, 0.2, 0.1, 0.0)),
        ("upper_arm_twist_05_l", (0.95, 0.0, 0.3, 0.0)),
        (names[Part.THIGH_R], (0.9, 0.2, 0.3, 0.1)),
    ):
        obj.pose.bones[name].rotation_mode = "QUATERNION"
        obj.pose.bones[name].rotation_quaternion = Quaternion(q).normalized()
    bpy.context.scene.frame_set(15)
    rig = describe(obj)
    before = turns(obj, [15])
    pose = mark_pose(obj, rig, 15, PoseRole.KEY)
    for bone in obj.pose.bones:
        bone.matrix_basis.identity()
    clip = MotionClip(twisted(exercise()).astype(np.float32), FPS)
    apply_clip(obj, clip, [pose], 1, "t", RigOptions(lock_feet=True))
    after = turns(obj, [15])
    for name in before:
        assert degrees(before[name][0], after[name][0]) < 0.03, name


def test_a_twist_bone_with_a_life_of_its_own_is_let_be(empty_scene):
    obj, names = figure("beside")
    held = obj.pose.bones["upper_arm_twist_05_l"].constraints.new("COPY_ROTATION")
    held.target, held.subtarget = obj, names[Part.FOREARM_L]
    obj.pose.bones["thigh_twist_05_r"].rotation_mode = "XYZ"
    obj.pose.bones["thigh_twist_05_r"].driver_add("rotation_euler", 1)
    play(obj, twisted(exercise()))
    action = obj.animation_data.nla_tracks[-1].strips[0].action
    keyed = {c.data_path.split('"')[1] for c in compat.all_curves(action)}
    assert {"upper_arm_twist_05_r", "thigh_twist_05_l"} <= keyed
    assert not {"upper_arm_twist_05_l", "thigh_twist_05_r"} & keyed

"""A pose of human ranges is captured as the model's 22 joints and comes back on the rig."""

from itertools import product

import bpy
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mathutils import Quaternion, Vector

from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.core.body.neutral_pose import DIRECTIONS
from motiongpt_blender.core.body.rotations import from_log, local_basis, multiply, normalise, rotate
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.retargeting.part_rotations import Limb, rest_hinge
from motiongpt_blender.core.rig.bone_maps import CHAINS, Part
from motiongpt_blender.scene.pose.capture import capture_joints
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.take.apply import apply_clip
from tests.support.rigs.families import Axes, Build, Stance, build_family
from tests.support.rigs.measures import angle

pytestmark = pytest.mark.sweep

#: The next part outwards: a part's bone points to where it begins.
NEXT = {
    "pelvis": "spine", "collar": "upper_arm", "upper_arm": "forearm", "forearm": "hand",
    "thigh": "shin", "shin": "foot", "foot": "toe", "neck": "head",
}  # fmt: skip
#: What 22 joints say nothing of: toes and hands have no joint beyond them.
UNSEEN = ("toe", "hand")


def random_turn(rng, low, high, sign=1.0):
    """A rotation (4,) of angles in degrees about left, up and forward; -1 mirrors it."""
    angles = np.radians(rng.uniform(low, high)) * [1.0, sign, sign]
    x, y, z = (from_log(a * axis) for a, axis in zip(angles, np.eye(3), strict=True))
    return multiply(y, multiply(x, z))


def nod(rng, most):
    """A turn (4,) by up to ``most`` degrees that does not twist the neck: no joint shows that."""
    along = DIRECTIONS[Joint.HEAD]
    axis = np.cross(along, rng.normal(size=3))
    return from_log(np.radians(rng.uniform(0, most)) * normalise(axis))


def human_turns(rig, rng):
    """A turn away from rest for each part, relative to what carries the part."""
    out = {
        Part.PELVIS: random_turn(rng, (-40, -180, -30), (50, 180, 30)),
        Part.NECK: nod(rng, 30 / max(1, sum(c.part is Part.NECK for c in rig.controls))),
    }
    trunk = [c for c in rig.controls if c.part in (Part.SPINE, Part.CHEST)]
    out[Part.SPINE] = out[Part.CHEST] = random_turn(
        rng, np.array([-20, -30, -20]) / len(trunk), np.array([50, 30, 20]) / len(trunk)
    )
    for side, sign in (("L", 1.0), ("R", -1.0)):
        s = side.lower()
        out[Part(f"collar_{s}")] = random_turn(rng, (0, -10, -10), (0, 10, 20), sign)
        out[Part(f"upper_arm_{s}")] = random_turn(rng, (-50, -60, -60), (50, 60, 60), sign)
        out[Part(f"thigh_{s}")] = random_turn(rng, (-100, -25, -20), (25, 25, 35), sign)
        for limb, part, most, chain in (
            (Limb.arm(side), "forearm", 140, ("SHOULDER", "ELBOW", "WRIST")),
            (Limb.leg(), "shin", 130, ("HIP", "KNEE", "ANKLE")),
        ):
            start, middle, end = (rig.points[Joint[f"{side}_{j}"]] for j in chain)
            hinge = rest_hinge((normalise(middle - start), normalise(end - middle)), limb)
            out[Part(f"{part}_{s}")] = from_log(np.radians(rng.uniform(0, most)) * hinge)
        out[Part(f"foot_{s}")] = random_turn(rng, (-20, -15, -15), (40, 15, 15), sign)
    return out


def pose_at_random(obj, rig, rng):
    turns = human_turns(rig, rng)
    for control in rig.controls:
        if control.part in turns:
            q = Quaternion(local_basis(turns[control.part], control.rest).tolist())
            obj.pose.bones[control.name].rotation_quaternion = q
    root = obj.pose.bones[rig.root]
    root.location = rng.uniform(-0.5, 0.5, 3) * rig.leg


def directions(obj, rig):
    """Control -> unit vector (3,) along its part as evaluated, in the armature."""
    bpy.context.view_layer.update()
    posed = obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
    begins = {c.part: posed[c.body] for c in reversed(rig.controls)}
    out = {}
    for control in rig.controls:
        side = f"_{control.part.side}" if control.part.side else ""
        beyond = NEXT.get(control.part.base)
        beyond = beyond and begins.get(Part(beyond + side))
        bone = posed[control.body]
        if control.part.base in UNSEEN:
            continue
        if control.part.base == "foot":  # importers make up where a foot without a toe ends
            side = control.part.side.upper()
            rest = rig.points[Joint[f"{side}_FOOT"]] - rig.points[Joint[f"{side}_ANKLE"]]
            rest = rotate(rig.axes, rest).tolist()
            along = bone.matrix.to_3x3() @ bone.bone.matrix_local.to_3x3().inverted() @ Vector(rest)
        elif beyond is None or control.part in CHAINS:
            along = bone.tail - bone.head
        else:
            along = beyond.head - bone.head
        out[control.name] = np.array(along, float)
    return out


FAMILIES = ("mixamo", "unreal4", "makehuman", "meebit")


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(FAMILIES),
    st.sampled_from(list(product(Stance, Axes))),
    st.integers(0, 2**31),
)
def test_a_pose_of_human_ranges_comes_back_on_its_rig(family, rest, seed):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = 20
    rng = np.random.default_rng(seed)
    thigh, arm = rng.uniform(0.9, 1.1, 2)
    obj = build_family(Build(family, *rest, rng.uniform(0.5, 100), thigh=thigh, arm=arm))
    obj.location = rng.uniform(-3, 3, 3)
    obj.rotation_euler = rng.uniform(-3, 3, 3)
    rig = describe(obj)
    pose_at_random(obj, rig, rng)
    shown = directions(obj, rig)
    joints = capture_joints(obj, rig)
    apply_clip(obj, MotionClip(joints[None], 20), (), 1, "again")
    bpy.context.scene.frame_set(1)
    away = {n: angle(shown[n][None], d[None])[0] for n, d in directions(obj, rig).items()}
    assert max(away.values()) < 1.0, away

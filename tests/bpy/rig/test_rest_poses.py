"""Whatever way a rig rests, a motion looks the same on it; what cannot be is refused."""

import math

import bpy
import numpy as np
import pytest

from motiongpt_blender import compat
from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.core.body.rotations import angle_between, from_log, normalise, rotate
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.retargeting.part_rotations import Limb, limb_rotations
from motiongpt_blender.core.rig.bone_maps import Part
from motiongpt_blender.core.rig.rig_options import RigOptions, RootTarget
from motiongpt_blender.scene.errors import RigError
from motiongpt_blender.scene.pose.capture import capture_joints
from motiongpt_blender.scene.rig.bones import bone_map_of
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.take.apply import apply_clip, apply_slices
from tests.support.rigs import builders
from tests.support.rigs.driving import put_on, with_root
from tests.support.rigs.families import Axes, Build, Stance, build_family
from tests.support.rigs.measures import angle, measure, play
from tests.support.rigs.motions import FPS, exercise
from tests.support.rigs.names import MIXAMO

pytestmark = pytest.mark.sweep


@pytest.mark.parametrize(("stance", "axes"), [(s, a) for s in Stance for a in Axes])
def test_any_rest_pose_and_any_axes(empty_scene, stance, axes):
    _, _, errors = put_on(build_family(Build("mixamo", stance, axes)))
    assert errors.limbs.mean() < 0.5
    assert errors.limbs.max() < 2
    assert errors.hinges.mean() < 5
    assert errors.palms.mean() < 5
    assert errors.toes.mean() < 5
    assert errors.flips == 0
    assert errors.jumps.max() < 20


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_a_spine_of_any_length_turns_the_chest_as_far(empty_scene, count):
    names = {**MIXAMO, "spine": [f"spine {k}" for k in range(count)]}
    plan = builders.nameless(builders.plan_from_names(names))
    obj, trunk = builders.build(plan), plan.parts.get("spine", []) + plan.parts["chest"]
    rows = [r.control for r in bone_map_of(obj).bones if r.part in (Part.SPINE, Part.CHEST)]
    assert rows == trunk
    assert len(trunk) == count
    bpy.context.scene.render.fps = FPS
    joints = exercise()
    upper = [j for j in Joint if j.name[2:] in ("COLLAR", "SHOULDER", "ELBOW", "WRIST")]
    upper += [Joint.NECK, Joint.HEAD]
    turn = from_log(np.linspace(0, 0.9, len(joints))[:, None, None] * [0.3, 0.9, 0.2])
    middle = joints[:, [Joint.SPINE3]].astype(float)
    joints[:, upper] = middle + rotate(turn, joints[:, upper] - middle)
    rig = describe(obj)
    apply_clip(obj, MotionClip(joints, FPS), (), 1, "turned")
    played = play(obj, rig, 1, len(joints), [])
    errors = measure(rig, played, joints.astype(float), FPS)
    assert errors.limbs.max() < 2
    assert errors.headings.mean() < 5
    assert errors.hinges.mean() < 5
    chest = played.turns[Part.CHEST]
    if count > 1:  # each bone of the chain turns its share of the way
        steps = [rig_turn(obj, name, len(joints)) for name in trunk]
        assert np.ptp(steps) < 0.3 * max(steps)
    assert np.degrees(angle_between(chest[0], chest[-1])) > 30


def rig_turn(obj, bone, frame):
    """Radians that a bone turns against its parent at a frame."""
    bpy.context.scene.frame_set(frame)
    return float(obj.pose.bones[bone].matrix_basis.to_quaternion().angle)


@pytest.mark.parametrize("under", [0.0, -0.05])
def test_toes_that_do_not_say_what_is_ahead_are_not_asked(empty_scene, under):
    plan = builders.plan_from_names(MIXAMO)
    for side in ("Left", "Right"):
        foot, toe = (plan.bone(f"mixamorig:{side}{n}") for n in ("Foot", "ToeBase"))
        toe.head = foot.head + [0, 0, under]
        toe.tail = toe.head + [0, -0.08, 0]
    obj = builders.build(plan)
    _, played, errors = put_on(obj)
    joints = exercise()
    for side in "lr":
        ahead = rotate(played.turns[Part(f"foot_{side}")], np.array([0.0, 0.0, 1.0]))
        wanted = (
            joints[:, Joint[f"{side.upper()}_FOOT"]] - joints[:, Joint[f"{side.upper()}_ANKLE"]]
        )
        assert angle(ahead * [1, 0, 1], wanted * [1, 0, 1]).max() < 10
    assert abs(errors.lowest) < 0.03


def test_rotation_modes_of_the_rig_are_kept(empty_scene):
    obj = build_family(Build("mixamo", Stance.A, Axes.FOREIGN))
    modes = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX", "AXIS_ANGLE", "QUATERNION")
    given = {bone.name: modes[k % len(modes)] for k, bone in enumerate(obj.pose.bones)}
    for bone in obj.pose.bones:
        bone.rotation_mode = given[bone.name]
    _, _, errors = put_on(obj)
    assert errors.limbs.max() < 0.5
    assert {bone.name: bone.rotation_mode for bone in obj.pose.bones} == given
    action = obj.animation_data.nla_tracks[0].strips[0].action
    eulers = [c for c in compat.all_curves(action) if c.data_path.endswith("rotation_euler")]
    assert len(eulers) > 30
    for curve in eulers:
        values = [k.co[1] for k in curve.keyframe_points]
        assert np.abs(np.diff(values)).max() < math.pi


@pytest.mark.parametrize(("size", "scale"), [(100.0, 0.01), (0.01, 100.0), (40.0, 1.0)])
def test_any_unit_and_scale(empty_scene, size, scale):
    obj = build_family(Build("unreal4", Stance.A, Axes.FOREIGN, size, scale))
    _, _, errors = put_on(obj)
    assert errors.limbs.max() < 2
    assert abs(errors.lowest) < 0.03


def test_a_parented_empty_changes_nothing(empty_scene):
    obj = build_family(Build("mixamo"))
    parent = bpy.data.objects.new("parent", None)
    bpy.context.collection.objects.link(parent)
    parent.rotation_euler, parent.location = (math.pi / 2, 0, 1.0), (3.0, 1.0, 0.0)
    parent.scale = (0.01,) * 3
    obj.parent = parent
    bpy.context.view_layer.update()
    _, _, errors = put_on(obj)
    assert errors.limbs.max() < 2


@pytest.mark.parametrize(
    ("scale", "message"),
    [((-1, 1, 1), "negative scale"), ((1, 1, 1.3), "scaled unevenly"), ((0, 1, 1), "of zero")],
)
def test_a_scale_that_bends_motions_is_refused(empty_scene, scale, message):
    obj = build_family(Build("mixamo"))
    obj.scale = scale
    bpy.context.view_layer.update()
    actions = len(bpy.data.actions)
    with pytest.raises(RigError, match=message):
        apply_clip(obj, MotionClip(exercise(), FPS), (), 1, "exercise")
    assert len(bpy.data.actions) == actions
    assert obj.animation_data is None


def test_constraints_and_hidden_bones_are_told(empty_scene):
    obj = build_family(Build("mixamo"))
    bones = obj.pose.bones
    held = bones["Arm_L"].constraints.new("COPY_ROTATION")
    held.target, held.subtarget = obj, "Head"
    ik = bones["Leg_R"].constraints.new("IK")
    ik.target, ik.subtarget, ik.chain_count = obj, "Head", 2
    other = bpy.data.objects.new("other", None)
    bpy.context.collection.objects.link(other)
    obj.constraints.new("COPY_LOCATION").target = other
    obj.data.bones["Head"].hide = True
    if hasattr(bones["Head"], "hide"):
        bones["Head"].hide = True
    report, _, _ = put_on(obj)
    notes = " ".join(report.notes)
    for word in ("'Arm_L'", "'Leg_R' are switched off", "itself moved", "'Head'"):
        assert word in notes


def test_the_root_may_be_a_bone_or_the_object(empty_scene):
    places = {}
    for root in RootTarget:
        obj = build_family(Build("unreal4", Stance.A))
        with_root(obj)
        obj.location, obj.rotation_euler = (1.0, 2.0, 0.5), (0, 0, 0.4)
        bpy.context.view_layer.update()
        put_on(obj, RigOptions(root=root))
        bpy.context.scene.frame_set(31)
        foot = next(c.body for c in describe(obj).controls if c.part == "foot_l")
        places[root] = np.array(obj.matrix_world @ obj.pose.bones[foot].head)
        moved = obj.pose.bones["root"].location.length
        assert (moved > 0.5) == (root is RootTarget.BONE)
        assert ((obj.location.xy - bone_free((1.0, 2.0))).length > 0.5) == (
            root is RootTarget.OBJECT
        )
        bpy.data.objects.remove(obj)
    for place in places.values():
        assert np.allclose(place, places[RootTarget.HIPS], atol=1e-3)


def bone_free(place):
    from mathutils import Vector

    return Vector(place)


def test_in_place_keeps_the_way_as_a_curve(empty_scene):
    obj = build_family(Build("mixamo"))
    put_on(obj, RigOptions(in_place=True))
    scene = bpy.context.scene
    hips = []
    for frame in (1, 20, 40):
        scene.frame_set(frame)
        hips.append(list(obj.pose.bones["Hips"].head))
    assert np.ptp(np.array(hips)[:, :2], axis=0).max() < 0.15
    assert abs(obj["motiongpt_root_motion"][1]) > 1.5


def test_a_rig_without_a_root_bone_is_a_sentence(empty_scene):
    obj = build_family(Build("mixamo"))
    with pytest.raises(RigError, match="no bone that carries its hips"):
        put_on(obj, RigOptions(root=RootTarget.BONE))
    with pytest.raises(RigError, match="IK controls are keyed"):
        put_on(obj, RigOptions(ik_controls=True))


def test_pinned_feet_and_hands_come_to_the_motions_places(empty_scene):
    obj = build_family(Build("mixamo", thigh=1.1, arm=1.1))
    joints = exercise()
    rig = describe(obj)
    _, played, _ = put_on(obj, RigOptions(pin_feet=True))
    for side in "lr":
        wanted = rig.scale * joints[:, Joint[f"{side.upper()}_ANKLE"]]
        seen = played.heads[f"foot_{side}"]
        gap = np.linalg.norm((seen - wanted)[:, [0, 2]], axis=-1)
        assert np.ptp(gap) < 0.02
    _, played, _ = put_on(obj, RigOptions(pin_hands=True))
    wanted = rig.scale * joints[:, Joint.L_WRIST]
    assert np.median(np.linalg.norm(played.heads["hand_l"] - wanted, axis=-1)) < 0.05


def test_a_rigify_rig_plays_by_its_ik_controls_on_request(rigify_rig):
    parent = rigify_rig.pose.bones["thigh_parent.L"]
    parent["IK_FK"] = 1.0
    _, fk, _ = put_on(rigify_rig)
    _, ik, errors = put_on(rigify_rig, RigOptions(ik_controls=True))
    bpy.context.scene.frame_set(5)
    assert parent["IK_FK"] == 0.0
    assert errors.flips == 0
    for part, far in (("foot_l", 0.005), ("foot_r", 0.005), ("hand_l", 0.06), ("shin_l", 0.08)):
        assert np.linalg.norm(fk.heads[part] - ik.heads[part], axis=-1).max() < far, part


@pytest.mark.parametrize("stance", [Stance.T, Stance.A, Stance.DOWN])
def test_captured_poses_come_back(empty_scene, stance):
    obj = build_family(Build("mixamo", stance, Axes.ROLLED))
    rig = describe(obj)
    _, first, _ = put_on(obj)
    seen = []
    for frame in range(1, 41):
        bpy.context.scene.frame_set(frame)
        seen.append(capture_joints(obj, rig))
    for t in range(0, 40, 6):
        bpy.context.scene.frame_set(1)
        apply_clip(obj, MotionClip(np.array(seen[t])[None], FPS), (), 1, "again")
        again = play(obj, rig, 1, 1, [])
        for part in first.heads:
            if part.base == "toe":  # how toes bend is made up from the foot, over time
                continue
            along = [p.tails[part][k] - p.heads[part][k] for p, k in ((first, t), (again, 0))]
            away = angle(along[0][None], along[1][None])[0]
            assert away < 1.0, (part, t)


def test_a_take_is_written_in_small_slices_and_can_be_dropped(empty_scene):
    obj = build_family(Build("mixamo"))
    steps = apply_slices(obj, MotionClip(exercise(), FPS), (), 1, "dropped")
    count = sum(1 for _ in zip(steps, range(12), strict=False))
    assert count == 12
    steps.close()
    assert not bpy.data.actions
    assert obj.animation_data is None


def test_arms_from_the_hips_to_over_the_head_do_not_spin():
    """The upper arm turns no faster than it swings, whatever its direction at rest."""
    lift = np.linspace(-1.5, 1.5, 60)
    arm = np.stack([np.cos(lift), np.sin(lift), 0 * lift], axis=-1)
    for rest in ([1, 0, 0], [0, -1, 0], [0.2, 0.98, 0], [0, 0, 1]):
        at_rest = normalise(np.array(rest, float))
        still = np.tile([1.0, 0, 0, 0], (60, 1))
        turn, _ = limb_rotations(still, (at_rest, at_rest), (arm, arm), Limb.arm("L"), 20.0)
        step = np.degrees(2 * np.arccos(np.clip(np.abs((turn[1:] * turn[:-1]).sum(-1)), 0, 1)))
        assert step.max() < 1.5 * np.degrees(lift[1] - lift[0])


def test_a_take_dropped_at_its_last_slice_leaves_no_trace(empty_scene):
    obj = build_family(Build("mixamo"))
    clip = MotionClip(exercise(), FPS)
    steps = apply_slices(obj, clip, (), 1, "dropped")
    for _ in steps:  # how many slices there are hangs on the time that each takes
        if obj.animation_data is not None and obj.animation_data.nla_tracks:
            break
    assert len(obj.animation_data.nla_tracks) == 1
    steps.close()
    assert not bpy.data.actions
    assert obj.animation_data is None or not obj.animation_data.nla_tracks

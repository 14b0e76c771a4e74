"""A marked pose comes back to the last bone, on every family of rigs."""

from dataclasses import replace
from itertools import cycle

import bpy
import numpy as np
import pytest
from mathutils import Matrix, Vector

from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.core.pose_constraints.body_parts import BodyPart, parts_of
from motiongpt_blender.core.pose_constraints.fk_mismatch import mismatch_note
from motiongpt_blender.core.pose_constraints.marked_pose import PoseRole
from motiongpt_blender.core.rig.rig_options import RigOptions
from motiongpt_blender.scene.pose.mark_pose import fit_fk_pose, mark_pose
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.take.apply import apply_clip
from tests.support.matrix import sweep
from tests.support.rigs.builders import build, names_of_table, plan_from_names
from tests.support.rigs.driving import with_root
from tests.support.rigs.files import read_rig
from tests.support.rigs.motions import walk
from tests.support.rigs.names import COVERED, FILES, IN_PART, tables
from tests.support.rigs.posing import pose_at_random, shown, turn, update, worst


def below(obj, names):
    """Bones that are these or hang on them."""
    found = set()
    for bone in obj.pose.bones:
        if bone.name in names or (bone.parent is not None and bone.parent.name in found):
            found.add(bone.name)
    return found


def carry(obj):
    """Offsets of the object by its own channels, by its delta transform and by a parent."""
    parent = bpy.data.objects.new("carrier", None)
    bpy.context.collection.objects.link(parent)
    parent.matrix_world = Matrix.Translation((3, 1, 0)) @ Matrix.Rotation(-0.4, 4, "Z")
    obj.parent = parent
    obj.matrix_world = Matrix.Translation((1, -2, 0.5)) @ Matrix.Rotation(0.7, 4, "Z")
    obj.delta_location, obj.delta_rotation_euler.z = (0.3, 0.2, 0.1), 0.5
    update(obj)


def check_exact(obj, *, sparse=False, rate=(30, 1.001)):
    """Mark two poses, spoil them, apply a clip as the panel does, and see both again."""
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = rate
    carry(obj)
    rig = describe(obj)
    marked, before = [], {}
    later = 5 + round(1.1 * rate[0] / rate[1])  # within the walk, whatever the rate
    for frame, seed in ((5, 1), (later, 2)):
        scene.frame_set(frame)
        pose_at_random(obj, rig, seed)
        before[frame] = shown(obj)
        role = PoseRole.START if frame == 5 else PoseRole.KEY
        marked.append(mark_pose(obj, rig, frame, role))
        assert max(worst(before[frame], shown(obj), before[frame])) < 1e-3  # nothing moved
    for bone in obj.pose.bones:
        bone.location, bone.scale = (0, 0, 0), (1, 1, 1)
        turn(bone, (0, 0, 0))
    update(obj)
    options = RigOptions(lock_feet=True, sparse=sparse)
    apply_clip(obj, MotionClip(walk(), 20), marked, 5, "walk", options)
    for frame, matrices in before.items():
        scene.frame_set(frame)
        degrees, millimetres = worst(matrices, shown(obj), below(obj, {rig.root}))
        assert degrees < 0.01, frame
        assert millimetres < 0.1 * sizes(obj), frame


def sizes(obj):
    """How many times as large as a person a rig is, 1 at least.

    Blender keeps places in single precision: a rig a hundred metres tall has no tenths of
    millimetres.
    """
    heights = [p.z for b in obj.data.bones for p in (b.head_local, b.tail_local)]
    tall = (max(heights) - min(heights)) * obj.matrix_world.to_scale().z
    return max(1.0, tall / 2.0)


def deforming(obj):
    return {b.name for b in obj.data.bones if b.use_deform}


def pose_with_ik(obj, stretch):
    """A Rigify rig posed with its IK controls, fingers curled, the head made larger."""
    for limb in ("thigh_parent", "upper_arm_parent"):
        for side in "LR":
            obj.pose.bones[f"{limb}.{side}"]["IK_Stretch"] = float(stretch)
            assert obj.pose.bones[f"{limb}.{side}"]["IK_FK"] == 0.0
    for bone in obj.pose.bones:  # Rigify's IK stretches and shrinks bones all the time
        bone.ik_stretch *= stretch
    for name, place, angles in (
        ("foot_ik.L", (0.0, -0.25, 0.2), (25, 0, 10)),
        ("hand_ik.R", (0.05, -0.2, 0.15), (0, 30, 9)),
        ("hand_ik.L", (-0.1, -0.2, -0.1), (10, 5, -20)), ("torso", (0.02, 0.0, -0.05), (4, 9, 2)),
    ):  # fmt: skip
        obj.pose.bones[name].location = place
        turn(obj.pose.bones[name], angles)
    turn(obj.pose.bones["f_index.01.L"], (40, 0, 0))
    obj.pose.bones["head"].scale = (1.1, 1.1, 1.1)
    update(obj)


#: What the last take said of its poses.
REPORTS = []


def come_back(obj, mark):
    """Apply a walk through the mark, everything else reset; what is shown at its frame."""
    for bone in obj.pose.bones:
        bone.location, bone.scale = (0, 0, 0), (1, 1, 1)
        turn(bone, (0, 0, 0))
    update(obj)
    REPORTS[:] = apply_clip(obj, MotionClip(walk(), 20), [mark], 1, "walk").keys
    bpy.context.scene.frame_set(int(mark.frame))
    return shown(obj)


def test_a_rigify_rigs_ik_pose_is_snapped_to_fk(rigify_rig):
    rig = describe(rigify_rig)
    pose_with_ik(rigify_rig, stretch=False)
    before = shown(rigify_rig)
    pose, missed = fit_fk_pose(rigify_rig, rig)
    assert missed == ()
    assert mismatch_note(None) == ""
    assert ("thigh_parent.L", "IK_FK", 0.0) in pose.switches
    assert rigify_rig.pose.bones["thigh_parent.L"]["IK_FK"] == 0.0
    after = come_back(rigify_rig, mark_pose(rigify_rig, rig, 12, PoseRole.KEY))
    degrees, millimetres = worst(before, after, deforming(rigify_rig))
    assert degrees < 0.01
    assert millimetres < 0.1


def test_what_fk_cannot_reach_is_named_with_what_is_left(rigify_rig):
    rig = describe(rigify_rig)
    pose_with_ik(rigify_rig, stretch=True)
    before = shown(rigify_rig)
    _, missed = fit_fk_pose(rigify_rig, rig)
    miss = missed[0]
    assert not miss.unseen
    assert [m.size for m in missed] == sorted((m.size for m in missed), reverse=True)
    assert len({m.part for m in missed}) == len(missed)
    assert (
        f"'{miss.bone}' remains {miss.degrees:.2f}° and {miss.millimetres:.1f} mm"
        in mismatch_note(miss)
    )
    mark = mark_pose(rigify_rig, rig, 12, PoseRole.KEY)
    assert mark.worst_mismatch == miss
    one = replace(mark, body_parts=frozenset({BodyPart.ARM_L}))
    assert one.worst_mismatch.part in parts_of(one.body_parts)
    after = come_back(rigify_rig, mark)
    assert REPORTS[-1].fk_mismatch == miss
    _, millimetres = worst(before, after, [miss.bone])
    assert millimetres == pytest.approx(miss.millimetres, abs=0.1)
    for hand_or_foot in ("ORG-foot.L", "ORG-hand.R", "ORG-hand.L"):  # ends stay, middles move
        _, millimetres = worst(before, after, [hand_or_foot])
        assert millimetres < 1, hand_or_foot


def stretch_a_leg(obj, gap):
    """Have an IK constraint stretch a leg to an empty that lies ``gap`` units beyond its reach."""
    update(obj)
    hip, ankle = (obj.pose.bones[name].head for name in ("l_hip", "l_ankle"))
    goal = bpy.data.objects.new("goal", None)
    bpy.context.collection.objects.link(goal)
    goal.location = obj.matrix_world @ (ankle + gap * (ankle - hip).normalized())
    solver = obj.pose.bones["l_knee"].constraints.new("IK")
    solver.target, solver.chain_count = goal, 2
    for name in ("l_hip", "l_knee"):
        obj.pose.bones[name].ik_stretch = 1.0
    update(obj)
    return goal


@pytest.mark.sweep
def test_what_is_left_is_in_millimetres_of_the_scene(smpl_rig):
    goal = stretch_a_leg(smpl_rig, 0.1)
    _, missed = fit_fk_pose(smpl_rig, describe(smpl_rig))
    left = {miss.bone: miss.millimetres for miss in missed}
    assert left["l_ankle"] == pytest.approx(100.0, abs=0.1)
    assert left["l_knee"] == pytest.approx(50.0, abs=0.1)
    smpl_rig.scale, goal.location = (3, 3, 3), 3 * goal.location
    bpy.context.scene.unit_settings.scale_length = 0.1
    update(smpl_rig)
    _, missed = fit_fk_pose(smpl_rig, describe(smpl_rig))
    for miss in missed:
        assert miss.millimetres == pytest.approx(0.3 * left[miss.bone], rel=1e-3)


@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("carried", [True, False])
def test_controls_move_along_the_axes_that_their_bones_have(smpl_rig, local, carried):
    """Local Location off: along the parent's axes, or along the armature's."""
    if carried:
        with_root(smpl_rig)
    for bone in smpl_rig.data.bones:
        bone.use_local_location = local
    bones = smpl_rig.pose.bones
    for bone in bones:
        bone.rotation_mode = "QUATERNION"
    bones["pelvis"].location, bones["r_shoulder"].location = (0.3, -0.2, 0.1), (0.01, 0.02, 0.03)
    turn(bones["pelvis"], (0, 40, 10))
    stretch_a_leg(smpl_rig, 0.0005)
    before = shown(smpl_rig)
    mark = mark_pose(smpl_rig, describe(smpl_rig), 12, PoseRole.KEY)
    assert mark.fk_mismatches == ()
    after = come_back(smpl_rig, mark)
    degrees, millimetres = worst(before, after, before)
    assert degrees < 0.01
    assert millimetres < 0.1


#: Frames a second and what divides them; each family gets the next.
RATES = ((12, 1.0), (24, 1.001), (25, 1.0), (30, 1.001), (50, 1.0), (60, 1.001), (120, 1.0))
EVERY = list(zip((t for t in COVERED if t not in IN_PART), cycle(RATES)))


@pytest.mark.parametrize(("table", "rate"), sweep(EVERY, 24))
def test_marked_poses_come_back_on_rigs_of_every_family(empty_scene, shared, table, rate):
    check_exact(build(plan_from_names(names_of_table(tables(shared)[table]))), rate=rate)


@pytest.mark.sweep
@pytest.mark.parametrize(("table", "rate"), EVERY[::8])
def test_few_keys_bring_marked_poses_back_as_exactly(empty_scene, shared, table, rate):
    obj = build(plan_from_names(names_of_table(tables(shared)[table])))
    check_exact(obj, sparse=True, rate=rate)


@pytest.mark.parametrize("file", sweep(FILES, 14))
def test_marked_poses_come_back_on_rigs_from_files(empty_scene, shared, tmp_path, file):
    bpy.ops.preferences.addon_enable(module="io_scene_gltf2")
    if bpy.app.version < (4, 5) and file.endswith((".glb", ".vrm")):
        pytest.skip("Blender 4.2 as a module now and then dies in its glTF importer")
    obj = read_rig(shared("rigs") / file, tmp_path)
    obj.animation_data_clear()
    check_exact(obj)


@pytest.mark.parametrize("table", sweep(["mb_lab", "mmd_japanese_dotlr", "robot_expressive"]))
def test_a_pose_that_ik_constraints_hold_is_snapped(empty_scene, shared, table):
    """Limbs that reach for objects; one of them cannot get there."""
    obj = build(plan_from_names(names_of_table(tables(shared)[table])))
    rig = describe(obj)
    names = {c.part.value: c.name for c in rig.controls}
    rng = np.random.default_rng(0)
    for part, end in (("shin_l", "foot_l"), ("forearm_r", "hand_r"), ("shin_r", "foot_r")):
        goal = bpy.data.objects.new("goal", None)
        bpy.context.collection.objects.link(goal)
        away = Vector(rng.normal(size=3) * 0.12 * rig.leg)
        goal.location = obj.matrix_world @ obj.pose.bones[names[end]].head + away
        solver = obj.pose.bones[names[part]].constraints.new("IK")
        solver.target, solver.chain_count, solver.use_stretch = goal, 2, False
    update(obj)
    before = shown(obj)
    mark = mark_pose(obj, rig, 12, PoseRole.KEY)
    degrees, millimetres = worst(before, come_back(obj, mark), below(obj, {rig.root}))
    assert degrees < 0.001
    assert millimetres < 0.01

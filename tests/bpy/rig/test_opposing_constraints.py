"""What holds a keyed bone elsewhere: switched off while a take plays, or told with its degrees."""

import re
from types import SimpleNamespace

import bpy
import pytest

from motiongpt_blender.core.rig.bone_maps import Part
from motiongpt_blender.core.rig.rig_options import RigOptions, RootTarget
from motiongpt_blender.scene.pose.mark_pose import mark_pose
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.rig.opposing_constraints import constraints_of
from motiongpt_blender.scene.take.remove_take import remove_take
from tests.support.rigs.driving import put_on, with_root
from tests.support.rigs.families import build_family, build_of


@pytest.fixture
def rig(registered):
    """A Mixamo rig and the bone of each part."""
    obj = build_family(build_of("mixamo"))
    return obj, {c.part: obj.pose.bones[c.name] for c in describe(obj).controls}


def told_degrees(report):
    """The degrees that the notes of a take tell."""
    return [int(d) for d in re.findall(r"by up to (\d+)°", " ".join(report.notes))]


def empty_at(x, y, z):
    goal = bpy.data.objects.new("goal", None)
    bpy.context.collection.objects.link(goal)
    goal.location = (x, y, z)
    return goal


@pytest.mark.parametrize(
    "kind", ["STRETCH_TO", "DAMPED_TRACK", "COPY_ROTATION", "COPY_LOCATION", "LIMIT_ROTATION"]
)
def test_what_opposes_the_keys_is_off_while_the_take_plays(rig, kind):
    obj, bones = rig
    held = bones[Part.FOREARM_L].constraints.new(kind)
    if kind == "LIMIT_ROTATION":
        held.use_limit_x = held.use_limit_y = held.use_limit_z = True
    else:
        held.target = empty_at(1.0, 2.0, 3.0)
    held.influence = 0.75
    report, _, errors = put_on(obj)
    assert errors.limbs.max() < 2 and held.influence == 0
    assert f"'{bones[Part.FOREARM_L].name}' are switched off" in " ".join(report.notes)
    remove_take(report.action_name, report.ids)
    bpy.context.scene.frame_set(3)
    assert held.influence == 0.75


def test_a_limit_of_the_hips_location_is_off_too(rig):
    obj, bones = rig
    held = bones[Part.PELVIS].constraints.new("LIMIT_LOCATION")
    held.use_max_x = held.use_min_x = held.use_max_z = held.use_min_z = True
    put_on(obj)
    assert held.influence == 0


def test_a_constraint_that_carries_a_bone_is_told_with_its_degrees(rig):
    obj, bones = rig
    held = bones[Part.CHEST].constraints.new("ARMATURE")
    target = held.targets.new()
    target.target, target.subtarget = obj, bones[Part.THIGH_L].name
    report, _, errors = put_on(obj)
    (told,) = told_degrees(report)
    assert told > 5 and held.influence == 1
    assert f"carry the bone '{bones[Part.CHEST].name}'" in " ".join(report.notes)
    assert errors.limbs.max() > 5


def test_a_driven_rotation_is_told_with_its_degrees(rig):
    obj, bones = rig
    arm = bones[Part.UPPER_ARM_L]
    for curve in arm.driver_add("rotation_quaternion"):
        curve.driver.expression = "1.0" if curve.array_index == 0 else "0.0"
    report, _, _ = put_on(obj)
    (told,) = told_degrees(report)
    assert told > 20 and f"Drivers hold the bone '{arm.name}'" in " ".join(report.notes)
    for curve in obj.animation_data.drivers:
        curve.mute = True
    assert told_degrees(put_on(obj)[0]) == []


def test_a_driven_constraint_is_told_with_its_degrees(rig):
    obj, bones = rig
    held = bones[Part.FOREARM_L].constraints.new("DAMPED_TRACK")
    held.target = empty_at(1.0, 2.0, 3.0)
    held.driver_add("influence").driver.expression = "1.0"
    report, _, _ = put_on(obj)
    (told,) = told_degrees(report)
    assert told > 20 and "Drivers hold the constraints" in " ".join(report.notes)


def test_a_driven_place_of_the_hips_is_told_with_its_centimetres(rig):
    obj, bones = rig
    curve = bones[Part.PELVIS].driver_add("location", 1)
    curve.driver.expression = "2 * frame"  # centimetres of this rig
    report, _, _ = put_on(obj)
    told = re.findall(r"Drivers hold the bone '(.*)'.* by up to (\d+) cm", " ".join(report.notes))
    assert [name for name, _ in told] == [bones[Part.PELVIS].name]
    assert int(told[0][1]) > 30


ON_THE_ROOT_BONE = RigOptions(root=RootTarget.BONE)


def test_what_opposes_the_keys_of_a_root_bone_is_off(rig):
    obj, _ = rig
    with_root(obj)
    held = obj.pose.bones["root"].constraints.new("LIMIT_LOCATION")
    held.use_max_y = held.use_min_y = held.use_max_z = held.use_min_z = True
    report, _, _ = put_on(obj, ON_THE_ROOT_BONE)
    assert held.influence == 0
    assert "'root' are switched off" in " ".join(report.notes)
    remove_take(report.action_name, report.ids)
    held.influence = 1.0
    put_on(obj)
    assert held.influence == 1  # the hips carry the path, and the root bone stands


def test_a_driven_root_bone_is_told_with_its_centimetres(rig):
    obj, _ = rig
    with_root(obj)
    for curve in obj.pose.bones["root"].driver_add("location"):
        curve.driver.expression = "0"
    report, _, _ = put_on(obj, ON_THE_ROOT_BONE)
    (told,) = re.findall(r"Drivers hold the bone 'root'.* by up to (\d+) cm", report.notes[0])
    assert int(told) > 30


def test_drivers_of_an_object_that_takes_the_path_are_told(rig):
    obj, _ = rig
    obj.driver_add("location", 1).driver.expression = "0"
    report, _, _ = put_on(obj, RigOptions(root=RootTarget.OBJECT))
    assert f"Drivers hold '{obj.name}' itself" in report.notes[0]
    assert put_on(obj)[0].notes == ()  # the hips move within the object


@pytest.mark.parametrize("scale", [(1.4, 1.0, 0.7), (-1.0, 1.0, 1.0)])
def test_a_scale_that_bends_what_it_carries_is_told_with_its_degrees(rig, scale):
    obj, bones = rig
    bones[Part.CHEST].scale = scale
    report, _, _ = put_on(obj)
    told = told_degrees(report)
    assert told and told[0] > 5 and f"'{bones[Part.CHEST].name}'" in " ".join(report.notes)


def test_a_scale_of_almost_nothing_is_told(rig):
    obj, bones = rig
    bones[Part.CHEST].scale = (1e-4, 1e-4, 1e-4)
    report, _, _ = put_on(obj)
    assert f"'{bones[Part.CHEST].name}' carries is scaled to almost nothing" in report.notes[0]


def test_a_harmless_constraint_is_not_mentioned(rig):
    obj, bones = rig
    held = bones[Part.FOREARM_L].constraints.new("LIMIT_SCALE")
    report, _, _ = put_on(obj)
    assert held.influence == 1 and report.notes == ()


def test_a_constraint_of_another_blender_is_passed_over(rig):
    """Blender reads a type that it does not know as a constraint without properties."""
    assert list(constraints_of(SimpleNamespace(constraints=[object()]))) == []


def test_a_file_with_unknown_constraints_can_be_posed(registered, shared):
    path = shared("rigs_hard/vrmaddon_unknown_constraint.blend")
    bpy.ops.wm.open_mainfile(filepath=str(path))
    obj = next(o for o in bpy.context.scene.objects if o.type == "ARMATURE")
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    bones = obj.data.edit_bones
    for side in "LR":
        bones[f"upper_arm.{side}"].parent = bones["chest"]
        bones[f"upper_leg.{side}"].parent = bones["hips"]
    bpy.ops.object.mode_set(mode="OBJECT")
    marked = mark_pose(obj, describe(obj), 1, "START")
    assert marked.joints.shape == (22, 3)
    _, _, errors = put_on(obj)
    # Its legs are not the model's: the feet's own targets turn them while they stand.
    assert errors.limbs.mean() < 5 and errors.limbs.max() < 15

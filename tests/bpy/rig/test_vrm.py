"""The bone map that a VRM file brings along, as the VRM add-on keeps it on the armature."""

import bpy
import pytest

from motiongpt_blender.core.rig.bone_maps import Part
from motiongpt_blender.scene.rig.bones import bone_map_of
from tests.support.rigs.builders import build, nameless, plan_from_names
from tests.support.rigs.names import SMPL

TRUNK = {"hips": "pelvis", "spine": "spine", "chest": "chest", "neck": "neck", "head": "head"}
LIMBS = {
    "shoulder": "collar", "upper_arm": "upper_arm", "lower_arm": "forearm", "hand": "hand",
    "upper_leg": "thigh", "lower_leg": "shin", "foot": "foot", "toes": "toe",
}  # fmt: skip
HUMANOID = TRUNK | {f"{side}_{name}": f"{part}_{side[0]}" for side in ("left", "right")
                    for name, part in LIMBS.items()}  # fmt: skip


class Node(bpy.types.PropertyGroup):
    bone_name: bpy.props.StringProperty()


class Bone(bpy.types.PropertyGroup):
    bone: bpy.props.StringProperty()
    node: bpy.props.PointerProperty(type=Node)


class Bones1(bpy.types.PropertyGroup):
    __annotations__ = {name: bpy.props.PointerProperty(type=Bone) for name in HUMANOID}


class Humanoid1(bpy.types.PropertyGroup):
    human_bones: bpy.props.PointerProperty(type=Bones1)


class Humanoid0(bpy.types.PropertyGroup):
    human_bones: bpy.props.CollectionProperty(type=Bone)


class Vrm1(bpy.types.PropertyGroup):
    humanoid: bpy.props.PointerProperty(type=Humanoid1)


class Vrm0(bpy.types.PropertyGroup):
    humanoid: bpy.props.PointerProperty(type=Humanoid0)


class Extension(bpy.types.PropertyGroup):
    spec_version: bpy.props.StringProperty()
    vrm0: bpy.props.PointerProperty(type=Vrm0)
    vrm1: bpy.props.PointerProperty(type=Vrm1)


CLASSES = (Node, Bone, Bones1, Humanoid1, Humanoid0, Vrm1, Vrm0, Extension)


@pytest.fixture
def extension(empty_scene):
    """The VRM add-on's data on armatures, without the add-on."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Armature.vrm_addon_extension = bpy.props.PointerProperty(type=Extension)
    yield
    del bpy.types.Armature.vrm_addon_extension
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)


def camel(name):
    first, *others = name.split("_")
    return first + "".join(word.title() for word in others)


def nameless_body():
    plan = nameless(plan_from_names(SMPL | {"spine": ["low", "high"]}))
    return build(plan), plan.parts


def tell(obj, parts, version, without=()):
    data = obj.data.vrm_addon_extension
    data.spec_version = version
    for name, part in HUMANOID.items():
        if name in without:
            continue
        if version.startswith("1"):
            getattr(data.vrm1.humanoid.human_bones, name).node.bone_name = parts[part][0]
        else:
            row = data.vrm0.humanoid.human_bones.add()
            row.bone, row.node.bone_name = camel(name), parts[part][0]


@pytest.mark.parametrize("version", ["0.0", "1.0"])
def test_what_the_file_says_of_its_bones_counts(extension, version):
    obj, parts = nameless_body()
    tell(obj, parts, version)
    found = bone_map_of(obj)
    assert found.family == "vroid"
    assert {b.part.value: b.control for b in found.bones} == {p: n[0] for p, n in parts.items()}
    assert all(b.confidence == 1.0 for b in found.bones)


def test_a_file_that_says_too_little_is_told_by_its_shape(extension):
    obj, parts = nameless_body()
    tell(obj, parts, "1.0", without=("left_lower_leg",))
    found = bone_map_of(obj)
    assert found.family == "structure"
    assert found.of(Part.SHIN_L)


def test_the_list_to_be_changed_begins_with_what_the_file_says(extension):
    from motiongpt_blender import registration

    obj, parts = nameless_body()
    tell(obj, parts, "1.0")
    registration.register()
    try:
        bpy.context.scene.motiongpt.armature = obj
        bpy.ops.motiongpt.find_bones()
        kept = {row.part: row.bone for row in obj.motiongpt.bone_map.rows}
        assert {p: n[0] for p, n in parts.items()}.items() <= kept.items()
        assert obj.motiongpt.bone_map.family == "vroid"
    finally:
        registration.unregister()

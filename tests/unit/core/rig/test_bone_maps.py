"""Bone maps without Blender: names read alike, families scored, shapes, presets."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motiongpt_blender.core.rig.bone_maps import (
    REQUIRED,
    Bones,
    MappedBone,
    MappingError,
    Part,
    Source,
    canonical,
    check_map,
    families,
    find,
    from_preset,
    map_of_rows,
    mirrored_name,
    missing,
    propose,
    rows_of,
    to_preset,
)
from motiongpt_blender.core.rig.bone_maps.names import keys_of, split_name
from motiongpt_blender.core.rig.bone_maps.tables import CONFIDENCE

LIMBS = ("Shoulder", "Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot", "ToeBase")
MIXAMO = [
    *(f"mixamorig:{n}" for n in ("Hips", "Spine", "Spine1", "Spine2", "Neck", "Head")),
    *(f"mixamorig:{side}{n}" for side in ("Left", "Right") for n in LIMBS),
]


def parents_of(names):
    """The hierarchy of a Mixamo rig, whatever its prefix."""
    index = {n.rsplit(":", 1)[-1]: k for k, n in enumerate(names)}
    above = {"Spine": "Hips", "Spine1": "Spine", "Spine2": "Spine1", "Neck": "Spine2",
             "Head": "Neck"}  # fmt: skip
    for side in ("Left", "Right"):
        for row, root in ((LIMBS[:4], "Spine2"), (LIMBS[4:], "Hips")):
            before = root
            for name in row:
                above[side + name] = before
                before = side + name
    return tuple(
        index[above[n.rsplit(":", 1)[-1]]] if n.rsplit(":", 1)[-1] in above else -1 for n in names
    )


def hung(names, **changes):
    parents = list(parents_of(names))
    for bone, parent in changes.items():
        parents[names.index(f"mixamorig:{bone}")] = names.index(f"mixamorig:{parent}")
    return Bones(tuple(names), tuple(parents))


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("mixamorig:LeftUpLeg", "l_upleg"),
        ("mixamorigLeftUpLeg", "l_upleg"),
        ("mixamorig9_LeftUpLeg", "l_upleg"),
        ("thigh_twist_01.R", "r_thightwist1"),
        ("Bip001 L Thigh", "l_bip1thigh"),
        ("lShldrBend", "l_shldrbend"),
        ("LHipJoint", "l_hipjoint"),
        ("DEF-thighL", "l_defthigh"),
        ("左足D", "l_足d"),
        ("足D.L", "l_足d"),
        ("左足\uff29\uff2b", "l_足ik"),
        ("上半身2", "上半身2"),
        ("Right elbow", "r_elbow"),
        ("spine.001", "spine1"),
        ("spine_01", "spine1"),
        ("toe1-1.L", "l_toe11"),
    ],
)
def test_names_are_read_alike(name, key):
    assert canonical(name) == key


def test_a_side_glued_to_a_word_is_seen_where_the_other_side_is_there():
    keys = keys_of(["lfemur", "rfemur", "lowerback", "radius"])
    assert keys["l_femur"] == "lfemur"
    assert keys["r_femur"] == "rfemur"
    assert keys["lowerback"] == "lowerback"


def test_a_first_word_that_all_share_says_nothing():
    keys = keys_of([n.replace("mixamorig:", "Hero_") for n in MIXAMO])
    assert keys["l_upleg"] == "Hero_LeftUpLeg"


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("LeftLeg", "RightLeg"),
        ("thigh.L", "thigh.R"),
        ("l_thigh", "r_thigh"),
        ("lThigh", "rThigh"),
        ("J_Bip_L_Foot", "J_Bip_R_Foot"),
        ("左足", "右足"),
        ("Bip01 R Calf", "Bip01 L Calf"),
    ],
)
def test_the_other_side_of_a_name(name, other):
    assert mirrored_name(name, [name, other, "head"]) == other
    assert mirrored_name(other, [name, other, "head"]) == name
    assert mirrored_name(name, [name]) is None
    assert mirrored_name("head", [name, other, "head"]) is None


@given(st.text(max_size=30))
def test_any_name_can_be_read(name):
    side, words = split_name(name)
    assert side in ("", "l", "r")
    assert all(words)


def test_every_family_is_told_by_its_own_names():
    for family, data in families():
        assert set(data) <= {
            "label", "checked", "unproved", "covers", "signature", "exact", "by_hierarchy",
            "parts", "extras", "switches",
        }, family  # fmt: skip
        assert data["checked"] in CONFIDENCE


def test_a_mixamo_rig_is_sure():
    found = find(hung(MIXAMO))
    assert found.label == "Mixamo"
    assert found.confidence > 0.95
    assert not found.failures
    assert len(found.of(Part.SPINE)) == 2


def test_the_same_names_without_prefix_are_not_mixamo():
    assert find([n.removeprefix("mixamorig:") for n in MIXAMO]).label == "HumanIK"


def test_names_from_memory_are_in_doubt():
    data = dict(families())["valve_tf2"]["parts"]
    names = [*data["pelvis"], *(n for row in data["spine"] for n in row)]
    for part in ("upper_arm", "forearm", "thigh", "shin", "foot"):
        names += [f"{data[part][0]}_{side}" for side in "LR"]
    found = find(names)
    assert found.family == "valve_tf2"
    assert found.confidence < 0.5


def test_a_shin_that_does_not_hang_on_its_thigh_is_not_taken():
    bones = hung(MIXAMO, LeftLeg="Hips")
    found = propose(bones)
    assert Part.SHIN_L in missing(found)
    reason = next(f.reason for f in found.failures if f.part is Part.SHIN_L)
    assert reason == "'mixamorig:LeftLeg' is not a child of 'mixamorig:LeftUpLeg'."


def test_a_foot_on_the_root_is_taken_with_doubt():
    found = find(hung(MIXAMO, LeftFoot="Hips"))
    (foot,) = found.of(Part.FOOT_L)
    assert foot.detached
    assert foot.confidence < 0.6
    assert "is not a child of" in foot.note


def test_a_spine_above_the_arms_is_no_chest():
    bones = hung(MIXAMO, LeftShoulder="Spine1", RightShoulder="Spine1")
    assert find(bones).of(Part.CHEST)[0].control == "mixamorig:Spine1"


def test_too_few_bones_are_counted():
    with pytest.raises(MappingError, match="it has only 2 bones: choose an armature with arms"):
        find(Bones(("Bone", "Bone.001"), (-1, 0)))
    with pytest.raises(MappingError, match="it has only 1 bone:"):
        find(Bones(("Bone",), (-1,)))


QUATERNIUS = [
    *("Body", "Hips", "Abdomen", "Torso", "Neck", "Head"),
    *(
        f"{name}.{side}"
        for side in "LR"
        for name in ("Shoulder", "UpperArm", "LowerArm", "Palm", "UpperLeg", "LowerLeg", "FootIK")
    ),
]


def test_hands_called_palms_and_feet_that_are_ik_targets_are_found():
    found = find(QUATERNIUS)
    assert found.of(Part.HAND_L)[0].control == "Palm.L"
    assert found.of(Part.FOOT_R)[0].control == "FootIK.R"


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["Hips", "Spine", "Head", "LeftHand", "RightHand", *"abcdefgh"], "by name nor by shape"),
        (
            ["MidHip", "Neck"]
            + [s + n for s in "LR" for n in ("Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle")],
            "no bone was found for pelvis, chest",
        ),
    ],
)
def test_a_family_is_named_only_where_most_of_it_is_there(names, says):
    with pytest.raises(MappingError, match=says) as refused:
        find(names)
    assert not any(data["label"] in str(refused.value) for _, data in families())
    with pytest.raises(MappingError, match="the names of Mixamo, but no bone was found for shin"):
        find([name for name in MIXAMO if name != "mixamorig:LeftLeg"])


def test_limbs_without_a_parent_are_told():
    names = ["hips", "spine", "chest", "neck", "head"]
    limb = ("upper_arm", "lower_arm", "hand", "upper_leg", "lower_leg", "foot")
    names += [f"{name}.{side}" for side in "LR" for name in limb]
    parents = [-1, 0, 1, 2, 3] + [-1, 5, 6, -1, 8, 9] + [-1, 11, 12, -1, 14, 15]
    with pytest.raises(MappingError, match="the arms are no children of 'spine', 'chest': parent"):
        find(Bones(tuple(names), tuple(parents)))


def test_rows_say_why_a_part_is_empty():
    rows = rows_of(find([n for n in MIXAMO if "Toe" not in n]))
    assert {r.part for r in rows} == set(Part)
    toe = next(r for r in rows if r.part is Part.TOE_L)
    assert toe.note == "No bone on the left side is named like 'ToeBase'."


def test_a_preset_comes_back_the_same():
    bones = hung(MIXAMO)
    found = find(bones)
    family, rows = from_preset(to_preset(found), bones)
    again = map_of_rows(bones, rows, family)
    assert [(b.part, b.control) for b in again.bones] == [(b.part, b.control) for b in found.bones]
    assert again.label == "Mixamo"
    assert {b.source for b in again.bones} == {Source.USER}


def test_a_preset_names_what_is_not_there():
    fewer = Bones(tuple(n for n in MIXAMO if "LeftToe" not in n))
    _, rows = from_preset(to_preset(find(MIXAMO)), fewer)
    toe = next(r for r in rows if r.part is Part.TOE_L)
    assert not toe.control
    assert "'mixamorig:LeftToeBase', which is not in this armature" in toe.note


def test_preset_files_are_plain_json():
    data = json.loads(to_preset(find(MIXAMO)))
    assert data["format"] == "motiongpt-bone-map"
    assert {"part": "shin_l", "control": "mixamorig:LeftLeg", "body": "mixamorig:LeftLeg",
            "raw": False} in data["bones"]  # fmt: skip


@given(st.text(max_size=60))
def test_any_text_is_a_preset_or_a_sentence(text):
    with pytest.raises(MappingError, match=r"\.$"):
        from_preset(text, hung(MIXAMO))


def test_a_map_of_rows_is_checked_against_the_bones():
    bones = hung(MIXAMO)
    rows = list(rows_of(find(bones)))
    gone = MappedBone(Part.TOE_L, "peg", "peg", False)
    with pytest.raises(MappingError, match="the bone 'peg', chosen for toe left, is no longer"):
        check_map(map_of_rows(bones, [*rows[:-1], gone], "mixamo"), bones)
    twice = MappedBone(Part.TOE_R, "mixamorig:Head", "mixamorig:Head", False)
    with pytest.raises(MappingError, match="is chosen twice, for head and for toe right"):
        check_map(map_of_rows(bones, [*rows[:-1], twice], "mixamo"), bones)


def test_noise_is_no_body():
    rng = np.random.default_rng(3)
    count = 60
    parents = (-1, *(int(rng.integers(0, k)) for k in range(1, count)))
    heads = rng.normal(size=(count, 3))
    bones = Bones(
        tuple(f"b{k}" for k in range(count)), parents, heads, heads + rng.normal(size=(count, 3))
    )
    found = propose(bones)
    assert all(0 <= b.confidence <= 1 for b in found.bones)
    assert len({b.control for b in found.bones}) == len(found.bones)
    assert set(missing(found)) <= set(REQUIRED)

"""Retargeting without Blender: bone maps, turns, and a rig made of numbers."""

import numpy as np
import pytest

from motiongpt_blender.core.body.neutral_pose import NEUTRAL
from motiongpt_blender.core.body.rotations import (
    IDENTITY,
    angle_between,
    between,
    from_log,
    normalise,
    rotate,
)
from motiongpt_blender.core.body.skeleton import Joint, joint_name
from motiongpt_blender.core.body.smoothing import gaussian_smooth, smoothstep
from motiongpt_blender.core.retargeting.part_rotations import (
    Limb,
    chest_rotation,
    flat_slope,
    limb_rotations,
    pelvis_rotation,
    rest_hinge,
)
from motiongpt_blender.core.rig.bone_maps import MappingError, Part, canonical, families, find

X, Y, Z = np.eye(3)
STILL = np.broadcast_to(IDENTITY, (30, 4))


def held(*vectors):
    return [np.broadcast_to(normalise(np.asarray(v, float)), (30, 3)) for v in vectors]


@pytest.mark.parametrize(
    "name", ["l_hip", "L_Hip", "hip.L", "Left_Hip", "leftHip", "m_avg_L_Hip", "rig:LeftHip"]
)
def test_spellings_of_one_joint_are_one(name):
    assert canonical(name) == "l_hip"


@pytest.mark.parametrize("spell", [
    joint_name,
    lambda j: joint_name(j).replace("l_", "left_", 1) if joint_name(j)[:2] == "l_"
    else joint_name(j).replace("r_", "right_", 1) if joint_name(j)[:2] == "r_" else joint_name(j),
    lambda j: "_".join(w.title() for w in joint_name(j).split("_")),
])  # fmt: skip
def test_smpl_names_are_found_in_any_spelling(spell):
    found = find([spell(j) for j in Joint])
    assert found.label == "SMPL armature"
    assert {b.part for b in found.bones} == set(Part)
    knee = next(b for b in found.bones if b.part is Part.SHIN_L)
    assert knee.control == spell(Joint.L_KNEE)


def test_missing_bones_are_named():
    names = [joint_name(j) for j in Joint if j not in (Joint.L_KNEE, Joint.R_ELBOW)]
    with pytest.raises(MappingError, match=r"no bone was found for shin left, forearm right"):
        find(names)


def test_foreign_bones_are_refused_with_advice():
    with pytest.raises(
        MappingError, match=r"its bones are recognised neither by name nor by shape"
    ):
        find(["Bone", "Bone.001", "leaf"])


def test_no_bones_at_all_are_refused():
    with pytest.raises(MappingError):
        find([])


def test_every_data_file_names_only_known_parts():
    for family, data in families():
        assert set(data["parts"]) <= {p.base for p in Part}, family
        assert data["label"]


def test_the_neutral_body_is_at_rest():
    joints = np.repeat(NEUTRAL[None], 3, 0)
    for turn in (pelvis_rotation(joints), chest_rotation(joints)):
        assert angle_between(turn, np.broadcast_to(IDENTITY, turn.shape)).max() < 1e-6


def test_a_turned_body_gives_its_turn():
    turn = from_log(np.array([0.3, 1.1, -0.2]))
    joints = rotate(np.broadcast_to(turn, (2, 22, 4)), np.repeat(NEUTRAL[None], 2, 0))
    for found in (pelvis_rotation(joints), chest_rotation(joints)):
        assert angle_between(found, np.broadcast_to(turn, found.shape)).max() < 1e-6


@pytest.mark.parametrize("bend", [0.0, 0.02, 0.3, 1.2, 2.4])
def test_directions_are_exact_and_knees_bend_backwards(bend):
    shin = (0.0, -np.cos(bend), -np.sin(bend))
    upper, lower = limb_rotations(STILL, (-Y, -Y), tuple(held(-Y, shin)), Limb.leg(), 20.0)
    assert np.allclose(rotate(upper, np.broadcast_to(-Y, (30, 3))), -Y)
    assert np.allclose(rotate(lower, np.broadcast_to(-Y, (30, 3))), shin, atol=1e-6)
    # the kneecap keeps looking forward
    assert np.allclose(rotate(upper, np.broadcast_to(Z, (30, 3))), Z, atol=1e-6)


def test_a_leg_that_is_turned_out_turns_the_thigh():
    out = np.radians(50)
    back = -np.array([np.sin(out), 0, np.cos(out)])
    shin = np.cos(1.0) * -Y + np.sin(1.0) * back
    upper, _ = limb_rotations(STILL, (-Y, -Y), tuple(held(-Y, shin)), Limb.leg(), 20.0)
    knee = rotate(upper, np.broadcast_to(Z, (30, 3)))
    assert np.allclose(knee, -back, atol=0.02)


def test_a_straight_limb_takes_no_twist_from_noise():
    rng = np.random.default_rng(0)
    shin = normalise(-Y + 0.03 * rng.normal(size=(30, 3)))
    upper, _ = limb_rotations(STILL, (-Y, -Y), (held(-Y)[0], shin), Limb.leg(), 20.0)
    assert np.degrees(angle_between(upper, STILL)).max() < 3


def test_an_elbow_bends_to_the_front_from_a_t_pose():
    upper, lower = limb_rotations(STILL, (X, X), tuple(held(-Y, -Y + Z)), Limb.arm("L"), 20.0)
    assert np.allclose(rotate(lower, np.broadcast_to(X, (30, 3))), normalise(Z - Y), atol=1e-6)
    # hanging with the elbow bent forward: the swing alone is right, no extra twist
    assert np.allclose(rotate(upper, np.broadcast_to(Z, (30, 3))), Z, atol=1e-6)


def test_the_rests_own_bend_is_the_hinge_when_it_is_clear():
    lower = normalise(np.array([0.1, -1.0, -0.4]))
    wanted = normalise(np.cross(-Y, lower))
    assert np.allclose(rest_hinge((-Y, lower), Limb.leg()), wanted, atol=0.02)
    wrong_way = normalise(np.array([0.0, -1.0, 0.4]))
    assert np.allclose(rest_hinge((-Y, wrong_way), Limb.leg()), X)


@pytest.mark.parametrize("tilt", [-8.0, -4.0, 4.0, 8.0])
def test_a_forearm_that_rests_beside_its_plane_is_not_rolled(tilt):
    """The palm faces the elbow's hinge, however little the elbow is bent at rest, and where to."""
    limb, sign = Limb.arm("L"), np.radians(tilt)
    rest = np.array([1.0, 0.0, 0.0]), np.array([np.cos(sign), np.sin(sign), 0.0])
    bend = np.linspace(0.6, 2.2, 40)
    lower = np.stack([np.cos(bend), 0 * bend, np.sin(bend)], axis=-1)
    upper = np.tile([1.0, 0.0, 0.0], (40, 1))
    still = np.tile(IDENTITY, (40, 1))
    _, turn = limb_rotations(still, rest, (upper, lower), limb, 20.0)
    palm = rotate(turn, rotate(between(rest[0], rest[1]), rest_hinge(rest, limb)))
    away = np.degrees(np.arccos(np.clip(palm @ limb.hinge, -1, 1)))
    assert away.max() < 1.0


def test_the_flat_foot_is_read_from_resting_frames():
    toe = np.zeros((60, 3))
    steep = np.broadcast_to([0, -np.sin(0.7), np.cos(0.7)], (60, 3))
    assert flat_slope(toe, steep, 20.0) == pytest.approx(0.7, abs=0.01)
    flying = toe + np.arange(60)[:, None]
    assert np.degrees(flat_slope(flying, steep, 20.0)) == pytest.approx(22, abs=0.1)


def test_smoothing_keeps_a_constant_and_its_ends():
    values = np.full((9, 2), 3.0)
    assert np.allclose(gaussian_smooth(values, 2.0), values)
    assert np.allclose(gaussian_smooth(values[:1], 2.0), values[:1])
    assert smoothstep(np.array([-1.0, 0.5, 2.0])).tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize("limb, follows", [(Limb.arm("L"), True), (Limb.leg(), False)])
def test_an_arm_follows_its_elbow_further_round_than_a_leg_its_knee(limb, follows):
    """The bend lies 120 degrees beside the hinge: for an elbow a motion, for a knee noise."""
    aside = normalise(np.cross(limb.neutral, limb.hinge))
    seen = -0.5 * limb.hinge + np.sqrt(0.75) * aside
    lower = rotate(from_log(0.8 * seen), limb.neutral)
    rest = (limb.neutral, limb.neutral)
    upper_rotation, _ = limb_rotations(STILL, rest, held(limb.neutral, lower), limb, 20.0)
    hinge = rotate(upper_rotation[15], limb.hinge)
    assert np.allclose(hinge, seen if follows else limb.hinge, atol=0.05)

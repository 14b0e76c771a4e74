"""The solver on rigs of numbers: any rest pose, roll, proportion and turn of the body."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from motiongpt_blender.core.body.neutral_pose import BONE_LENGTHS, DIRECTIONS, build
from motiongpt_blender.core.body.rotations import (
    IDENTITY,
    angle_between,
    from_log,
    inverse,
    multiply,
    normalise,
    rotate,
)
from motiongpt_blender.core.body.skeleton import PARENTS, Joint
from motiongpt_blender.core.retargeting.solver import solve
from motiongpt_blender.core.retargeting.stance import stance_share
from motiongpt_blender.core.rig.bone_maps import Part
from motiongpt_blender.core.rig.rig_description import Control, RigDescription

few = settings(max_examples=12, deadline=None)
seeds = st.integers(0, 2**32 - 1)

TRUNK = (("pelvis", None), ("spine", "pelvis"), ("chest", "spine"), ("neck", "chest"),
         ("head", "neck"))  # fmt: skip
LIMBS = {"collar": "chest", "upper_arm": "collar", "forearm": "upper_arm", "hand": "forearm",
         "thigh": "pelvis", "shin": "thigh", "foot": "shin", "toe": "foot"}  # fmt: skip
#: Limb bones whose directions a motion gives: part, where it begins, where it ends.
GIVEN = (("thigh", "HIP", "KNEE"), ("shin", "KNEE", "ANKLE"),
         ("upper_arm", "SHOULDER", "ELBOW"), ("forearm", "ELBOW", "WRIST"))  # fmt: skip
SHARES = {"spine": 0.5, "chest": 1.0, "neck": 1.0}


def turned(rng, vectors, most):
    """Each vector (..., 3) turned about an axis of its own by at most ``most`` radians."""
    angles = rng.uniform(0, most, (*vectors.shape[:-1], 1))
    return rotate(from_log(normalise(rng.normal(size=vectors.shape)) * angles), vectors)


def any_rig(rng):
    """A rig whose limbs rest anywhere, with bones of any length and roll."""
    rest = turned(rng, DIRECTIONS, 0.3)
    for side, sign in (("L", 1.0), ("R", -1.0)):
        lift, ahead = rng.uniform(-1.5, 1.5), rng.uniform(-0.6, 0.6)
        arm = np.array([sign * np.cos(lift), np.sin(lift), np.sin(ahead)])
        rest[Joint[f"{side}_ELBOW"]] = normalise(arm)
        rest[Joint[f"{side}_WRIST"]] = normalise(arm + 0.2 * rng.normal(size=3))
    lengths = np.array(BONE_LENGTHS) * rng.uniform(0.6, 1.6, 22)
    points = np.zeros((22, 3))
    for j in range(1, 22):
        points[j] = points[PARENTS[j]] + lengths[j] * rest[j]
    points -= [0, points[:, 1].min(), 0]
    return description(rng, points)


def description(rng, points):
    controls = []

    def add(name, parent, joint):
        controls.append(Control(
            name=name, part=Part(name), body=name, parent=parent,
            rest=normalise(rng.normal(size=4)), share=SHARES.get(name, 1.0), head=points[joint],
        ))  # fmt: skip

    for name, parent in TRUNK:
        joint = {"pelvis": "PELVIS", "spine": "SPINE1", "chest": "SPINE3"}.get(name, name.upper())
        add(name, parent, Joint[joint])
    begins = {"collar": "COLLAR", "upper_arm": "SHOULDER", "forearm": "ELBOW", "hand": "WRIST",
              "thigh": "HIP", "shin": "KNEE", "foot": "ANKLE", "toe": "FOOT"}  # fmt: skip
    for side in "LR":
        for name, parent in LIMBS.items():
            s = side.lower()
            carrier = parent if parent in ("chest", "pelvis") else f"{parent}_{s}"
            add(f"{name}_{s}", carrier, Joint[f"{side}_{begins[name]}"])
    return RigDescription(
        label="any", controls=tuple(controls), root="pelvis", root_head=points[0],
        points={j: points[j] for j in Joint}, floor=0.0, axes=IDENTITY, extras={},
    )  # fmt: skip


def any_motion(rng, count=12):
    """A body in smooth motion, (T, 22, 3): limbs anywhere, turned any way."""
    start = turned(rng, np.repeat(DIRECTIONS[None], 2, 0), 1.2)
    share = np.linspace(0, 1, count)[:, None, None]
    joints = build(normalise((1 - share) * start[:1] + share * start[1:]), np.zeros((count, 3)))
    body = from_log(np.array([rng.uniform(-0.8, 0.8), rng.uniform(-3, 3), rng.uniform(-0.8, 0.8)]))
    joints = rotate(np.broadcast_to(body, (*joints.shape[:-1], 4)), joints)
    return joints - [0, joints[..., 1].min(), 0]


def shown(rig, motion):
    """Control -> its turn (T, 4) away from rest, from the channels alone."""
    turns = {}
    for control in rig.controls:
        rest = np.broadcast_to(control.rest, (len(motion), 4))
        turn = multiply(multiply(rest, motion.rotations[control.name]), inverse(rest))
        carrier = turns.get(control.parent)
        turns[control.name] = turn if carrier is None else multiply(carrier, turn)
    return turns


def unit(joints, start, end):
    return normalise(joints[:, end] - joints[:, start])


@few
@given(seeds)
def test_limbs_point_where_the_motions_do(seed):
    """But the legs of unusual hips, which have places of their own."""
    rng = np.random.default_rng(seed)
    rig, joints = any_rig(rng), any_motion(rng)
    turns = shown(rig, solve(rig, joints))
    for side in "LR":
        for part, start, end in GIVEN if stance_share(rig) == 0 else GIVEN[2:]:
            a, b = Joint[f"{side}_{start}"], Joint[f"{side}_{end}"]
            rest = normalise(rig.points[b] - rig.points[a])
            turn = turns[f"{part}_{side.lower()}"]
            seen = rotate(turn, np.broadcast_to(rest, (len(turn), 3)))
            assert np.allclose(seen, unit(joints, a, b), atol=1e-6)


@few
@given(seeds)
def test_bone_axes_change_nothing_that_is_seen(seed):
    rng = np.random.default_rng(seed)
    joints = any_motion(rng)
    points = np.array([any_rig(rng).points[j] for j in Joint])
    first, second = (description(rng, points) for _ in range(2))
    a, b = (shown(rig, solve(rig, joints)) for rig in (first, second))
    for name in a:
        assert angle_between(a[name], b[name]).max() < 1e-5


@few
@given(seeds, st.floats(-3.0, 3.0))
def test_a_turned_motion_turns_everything(seed, yaw):
    rng = np.random.default_rng(seed)
    rig, joints = any_rig(rng), any_motion(rng)
    turn = from_log(np.array([0.0, yaw, 0.0]))
    there = rotate(np.broadcast_to(turn, (*joints.shape[:-1], 4)), joints)
    a, b = (shown(rig, solve(rig, j)) for j in (joints, there))
    for name in a:
        wanted = multiply(np.broadcast_to(turn, a[name].shape), a[name])
        assert angle_between(wanted, b[name]).max() < 1e-4


@few
@given(seeds, st.floats(0.01, 100.0))
def test_a_rigs_unit_scales_its_way(seed, unit_length):
    rng = np.random.default_rng(seed)
    joints = any_motion(rng)
    points = np.array([any_rig(rng).points[j] for j in Joint])
    state = rng.bit_generator.state
    small = description(rng, points)
    rng.bit_generator.state = state
    large = description(rng, unit_length * points)
    a, b = solve(small, joints), solve(large, joints)
    assert np.allclose(unit_length * a.locations, b.locations, atol=1e-6 * unit_length)


@few
@given(seeds)
def test_channels_are_unit_and_never_jump_to_the_other_sign(seed):
    rng = np.random.default_rng(seed)
    motion = solve(any_rig(rng), any_motion(rng))
    for values in motion.rotations.values():
        assert np.allclose(np.linalg.norm(values, axis=-1), 1.0)
        assert (np.sum(values[1:] * values[:-1], axis=-1) > 0).all()

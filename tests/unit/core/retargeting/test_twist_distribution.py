"""Twist bones: how a limb's twist is distributed, and that the limb itself stays as it was."""

from dataclasses import replace

import numpy as np
import pytest

from motiongpt_blender.core.body.rotations import (
    IDENTITY,
    about_axis,
    angle_between,
    from_log,
    multiply,
    twist_angle,
)
from motiongpt_blender.core.retargeting.part_rotations import Limb
from motiongpt_blender.core.retargeting.solver import solve
from motiongpt_blender.core.retargeting.twist_distribution import distribute_twist
from motiongpt_blender.core.rig.twist_bones import TwistBone
from tests.support.clips import clip
from tests.support.numeric_rig import a_rig

X = np.array([1.0, 0.0, 0.0])
ANGLES = np.radians(np.linspace(-80, 80, 33))


def bone(name, position, *, in_chain, control="upper_arm_l", rest=IDENTITY):
    return TwistBone(name, control, rest, position, in_chain)


def distributed(*bones, swing=None):
    """Degrees (T,) of twist about an arm along x: of its control and of each twist bone."""
    basis = about_axis(X, ANGLES)
    if swing is not None:
        basis = multiply(swing, basis)
    own, twists = distribute_twist(basis, IDENTITY, (X, X), Limb.arm("L"), bones)
    return {name: np.degrees(twist_angle(q, X)) for name, q in {"control": own, **twists}.items()}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_bones_of_a_chain_share_the_twist_evenly(count):
    twists = distributed(*(bone(f"b{k}", 0.3 * k, in_chain=True) for k in range(count)))
    for twist in twists.values():
        assert np.allclose(twist, np.degrees(ANGLES) / (count + 1), atol=1e-6)


def test_a_bone_beside_the_chain_twists_as_its_position_says():
    alone = distributed(bone("half", 0.5, in_chain=False), bone("end", 1.0, in_chain=False))
    assert np.allclose(alone["control"], np.degrees(ANGLES))
    # It hangs below the control, which has the whole twist: it turns back.
    assert np.allclose(alone["half"], -0.5 * np.degrees(ANGLES))
    assert np.allclose(alone["end"], 0.0, atol=1e-6)
    both = distributed(bone("chain", 0.5, in_chain=True), bone("beside", 0.75, in_chain=False))
    assert np.allclose(both["control"], 0.5 * np.degrees(ANGLES))
    assert np.allclose(both["chain"], 0.5 * np.degrees(ANGLES))
    assert np.allclose(both["beside"], 0.25 * np.degrees(ANGLES))


def test_a_swung_arm_keeps_its_swing():
    swing = from_log(np.array([0.0, 0.4, -0.6]))
    basis = multiply(swing, about_axis(X, ANGLES))
    bones = [bone("chain", 0.5, in_chain=True)]
    own, twists = distribute_twist(basis, IDENTITY, (X, X), Limb.arm("L"), bones)
    whole = multiply(own, twists["chain"])
    assert np.degrees(angle_between(whole, basis)).max() < 1e-4


@pytest.mark.parametrize("control", ["upper_arm_l", "upper_arm_r", "thigh_l", "thigh_r"])
def test_what_hangs_below_a_twist_bone_moves_as_without_it(control):
    """The control and a twist bone of the same rest pose make up the rotation together."""
    rig, joints = a_rig(1), clip("wave")[:40]
    rest = next(c.rest for c in rig.controls if c.name == control)
    twist = bone("twist", 0.5, in_chain=True, control=control, rest=rest)
    without = solve(rig, joints)
    parted = solve(replace(rig, twists=(twist,), extras={"twist": rest}), joints)
    whole = multiply(parted.rotations[control], parted.rotations["twist"])
    assert np.degrees(angle_between(whole, without.rotations[control])).max() < 1e-4
    assert np.degrees(angle_between(parted.rotations["twist"], IDENTITY)).max() > 3
    for name in without.rotations.keys() - {control}:
        assert np.array_equal(parted.rotations[name], without.rotations[name])

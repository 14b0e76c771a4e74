"""The root follows the foot that carries the body; nothing sinks into the floor."""

import numpy as np
import pytest

from ext_models.motion import features
from ext_models.motion.floor_metrics import floor_penetration, support_foot_speed
from ext_models.motion.grounding import (
    Stretch,
    follow_support_foot,
    grounded_joints,
    lift_above_floor,
    root_shifts,
    set_on_floor,
)
from ext_models.motion.pacing_metrics import peak_acceleration
from motiongpt_blender.core.body.motion import heading
from motiongpt_blender.core.body.smoothing import gaussian_smooth
from tests.support.clips import FPS, clip

GROUND = [0, 2]
#: The clips whose feet step; the leap has a flight.
STEPPING = ("walk", "turn", "kick", "wave")


def contacts(joints):
    """Contact channels (T, 2) of the toes, as features of real clips have them."""
    toes = joints[:, [10, 11]]
    standing = (np.square(np.diff(toes, axis=0)).sum(-1) < 0.002).astype(float)
    return np.concatenate([standing, standing[-1:]])


def travel(joints):
    return np.linalg.norm((joints[-1, 0] - joints[0, 0])[GROUND])


def with_root_scaled(joints, scale):
    """The same bodies; the root covers a share of its way only."""
    scaled = joints.copy()
    away = (joints[:, :1] - joints[:1, :1])[..., GROUND]
    scaled[..., GROUND] += (scale - 1) * away
    return scaled


def skating(joints, speed=0.6, seed=0):
    """The same bodies; the root drifts at some m/s in directions that change."""
    drift = gaussian_smooth(np.random.default_rng(seed).normal(size=(len(joints), 2)), 6.0)
    drift *= speed / FPS / np.linalg.norm(drift, axis=-1).mean()
    skated = joints.copy()
    skated[..., GROUND] += np.cumsum(drift, axis=0)[:, None]
    return skated


# -- the support foot ------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [0.7, 1.3])
def test_a_walk_gets_back_the_way_that_its_root_lost(scale):
    walk = clip("walk")
    mended = follow_support_foot(with_root_scaled(walk, scale), contacts(walk))
    assert travel(mended) == pytest.approx(travel(walk), rel=0.05)
    off = np.linalg.norm((mended - walk)[:, 0], axis=-1)
    assert off.max() < 0.06 * travel(walk)


@pytest.mark.parametrize("name", STEPPING)
def test_feet_that_skate_stand(name):
    joints = clip(name)
    skated = skating(joints)
    mended = follow_support_foot(skated, contacts(joints))
    assert support_foot_speed(skated) > 0.4
    assert support_foot_speed(mended) < 0.25 * support_foot_speed(skated)
    assert peak_acceleration(mended) < 1.5 * peak_acceleration(joints) + 3.0


def test_a_foot_that_skates_fast_stands_without_a_lurch():
    joints = clip("walk")
    skated = skating(joints, speed=1.5)
    mended = follow_support_foot(skated, contacts(joints))
    assert support_foot_speed(mended) < 0.05 * support_foot_speed(skated)
    assert peak_acceleration(mended) < 16


@pytest.mark.parametrize("name", STEPPING)
def test_real_motion_hardly_changes(name):
    joints = clip(name)
    mended = follow_support_foot(joints, contacts(joints))
    away = np.linalg.norm((mended - joints)[:, 0], axis=-1)
    assert away.max() < 0.1
    assert away.mean() < 0.05
    assert support_foot_speed(mended) <= support_foot_speed(joints)


def test_a_flight_keeps_its_velocity():
    """With both feet in the air nothing says that the root's velocity is wrong."""
    leap = clip("leap")
    flies = (leap[:, [7, 8, 10, 11], 1].min(axis=1) > 0.1).nonzero()[0]
    assert len(flies) >= 5
    shifts = root_shifts(leap, contacts(leap))
    assert np.abs(np.diff(shifts[flies], axis=0)).max() * FPS < 0.25

    high = leap + np.array([0, 0.5, 0])
    assert np.allclose(root_shifts(high[flies], contacts(high[flies])), 0, atol=0.02)


def test_bodies_and_directions_stay():
    skated = skating(clip("turn"))
    mended = follow_support_foot(skated, contacts(skated))
    assert np.allclose(mended - mended[:, :1], skated - skated[:, :1], atol=1e-5)
    assert np.allclose(mended[..., 1], skated[..., 1], atol=1e-6)
    assert np.allclose(np.cos(heading(mended) - heading(skated)), 1, atol=1e-5)
    assert np.allclose(mended[0], skated[0], atol=1e-6)


def test_the_direction_of_the_world_does_not_matter():
    skated = skating(clip("walk"))
    turned = skated[..., [2, 1, 0]] * np.array([1, 1, -1])
    shifts = root_shifts(skated, contacts(skated))
    assert np.abs(shifts).max() > 0.1
    around = root_shifts(turned, contacts(skated))
    assert np.allclose(around, shifts[:, ::-1] * np.array([1, -1]), atol=1e-6)


def test_what_is_lacking_to_a_place_is_spread_over_the_stretch():
    """The walk is 12 cm short of the second mark; the standing feet pay least for it."""
    walk = clip("walk")
    first, last = 10, len(walk) - 5
    travelled = (walk[last, 0] - walk[first, 0])[GROUND]
    goal = travelled * (1 + 0.12 / np.linalg.norm(travelled))
    alone = follow_support_foot(walk, contacts(walk))
    moved = follow_support_foot(walk, contacts(walk), [Stretch(first, last, goal)])
    assert np.allclose((moved[last, 0] - moved[first, 0])[GROUND], goal, atol=1e-3)
    assert np.abs(moved - alone)[: first + 1].max() < 0.03
    gained = np.linalg.norm(np.diff((moved - alone)[first : last + 1, 0], axis=0), axis=-1)
    assert gained.max() < 4 * gained.mean()
    assert support_foot_speed(moved) < support_foot_speed(alone) + 0.1


def test_no_more_than_a_quarter_of_a_metre_is_spread():
    walk = clip("walk")
    travelled = (walk[-1, 0] - walk[0, 0])[GROUND]
    alone = root_shifts(walk, contacts(walk))[-1]
    far = Stretch(0, len(walk) - 1, travelled + np.array([2.0, 0]))
    moved = root_shifts(walk, contacts(walk), [far])[-1] - alone
    assert np.linalg.norm(moved) == pytest.approx(0.25, abs=1e-6)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_short_motion_is_grounded_too(frames):
    joints = clip("walk")[:frames]
    mended = follow_support_foot(joints, np.ones((frames, 2)))
    assert mended.shape == joints.shape
    assert np.isfinite(mended).all()


def test_three_frames_are_enough_to_stand():
    standing = np.repeat(clip("walk")[:1], 3, axis=0)
    slid = standing + np.arange(3)[:, None, None] * np.array([0.02, 0, 0])
    shifts = root_shifts(slid, np.ones((3, 2)))
    assert shifts[-1] == pytest.approx([-0.04, 0], abs=0.01)


# -- the floor ---------------------------------------------------------------------------------


def test_a_sinking_body_is_raised_and_eased():
    joints = clip("wave")
    depth = 0.3 * np.exp(-(((np.arange(len(joints)) - 40) / 10) ** 2))
    sunk = joints - depth[:, None, None] * np.array([0, 1, 0])
    raised = lift_above_floor(sunk)
    assert floor_penetration(sunk) > 0.25
    assert floor_penetration(raised) < 0.02
    lift = raised[:, 0, 1] - sunk[:, 0, 1]
    assert np.abs(np.diff(lift, n=2)).max() < 0.02
    assert np.allclose((raised - sunk)[..., GROUND], 0, atol=1e-6)


@pytest.mark.parametrize("depth", [0.05, 0.3])
def test_a_body_is_raised_to_a_centimetre_below_the_floor(depth):
    sunk = np.repeat(clip("wave")[:1], 20, axis=0)
    sunk[..., 1] -= sunk[..., 1].min() + depth
    raised = lift_above_floor(sunk)
    assert raised[..., 1].min(axis=1) == pytest.approx(np.full(20, -0.01), abs=1e-5)


def test_a_lift_begins_before_the_body_sinks():
    sunk = np.repeat(clip("wave")[:1], 41, axis=0)
    sunk[..., 1] -= sunk[..., 1].min()
    sunk[20, :, 1] -= 0.21
    lift = lift_above_floor(sunk)[:, 0, 1] - sunk[:, 0, 1]
    assert lift[20] == pytest.approx(0.2, abs=1e-5)
    assert np.all(lift[17:24] > 0.02)
    assert lift[:12] == pytest.approx(0, abs=1e-3)
    assert lift == pytest.approx(lift[::-1], abs=1e-6)


def test_lying_bodies_and_jumps_keep_their_heights():
    joints = clip("leap")
    assert np.abs(lift_above_floor(joints) - joints).max() < 0.01
    standing = clip("wave")
    lying = standing[..., [0, 2, 1]] * np.array([1, 1, -1])  # on its back
    lying[..., 1] += 0.05 - lying[..., 1].min()
    assert np.allclose(lift_above_floor(lying), lying, atol=1e-6)


@pytest.mark.parametrize("height", [0.06, 0.16, 0.25])
def test_a_body_that_floats_for_long_is_lowered(height):
    """It begins above the floor and goes down to it, as one that kneels on hands that sank in."""
    joints = clip("wave")[:60]
    above = height * np.interp(np.arange(60), [0, 4, 40, 50], [0, 1, 1, 0])
    floating = joints + above[:, None, None] * np.array([0, 1, 0])
    lowered = set_on_floor(floating)
    assert lowered[..., 1].min(1) == pytest.approx(np.full(60, 0.02), abs=0.04)
    assert np.allclose((lowered - floating)[..., GROUND], 0, atol=1e-6)
    drop = floating[:, 0, 1] - lowered[:, 0, 1]
    assert drop[10:35].min() > height - 0.03 and np.abs(np.diff(drop)).max() < 0.3 * height


def test_leaps_and_climbs_are_not_lowered():
    leap = clip("leap")
    assert np.ptp(leap[:, 0, 1]) > 0.2 and np.abs(set_on_floor(leap) - leap).max() < 0.005
    walk = clip("walk")
    stairs = walk + np.linspace(0, 1, len(walk))[:, None, None] * np.array([0, 1, 0])
    assert np.array_equal(set_on_floor(stairs), stairs.astype(np.float32))


def test_kept_frames_are_not_lifted():
    joints = clip("walk").copy()
    joints[:40, :, 1] -= 0.2
    raised = lift_above_floor(joints, kept=[20])
    assert np.allclose(raised[20], joints[20])
    others = np.delete(raised, 20, axis=0)
    assert floor_penetration(others) < 0.02


# -- decoded features ----------------------------------------------------------------------------


def test_features_are_decoded_and_grounded():
    """A root that covers 0.7 of its steps arrives where the walk does."""
    frames = features.from_joints(clip("walk").astype(np.float32))
    slow = frames.copy()
    slow[:, 1:3] *= 0.7
    slow[:, 3] -= 0.1  # height of the root ...
    slow[:, 5:67:3] -= 0.1  # ... and of every joint
    real = features.to_joints(frames)
    mended = grounded_joints(slow)
    assert travel(features.to_joints(slow)) < 0.75 * travel(real)
    assert travel(mended) == pytest.approx(travel(real), rel=0.05)
    assert floor_penetration(mended) < 0.02


def test_contact_channels_of_the_toes_decide():
    frames = features.from_joints(clip("walk").astype(np.float32))
    frames[:, 1:3] *= 0.7
    mended = grounded_joints(frames)
    heels, toes = frames.copy(), frames.copy()
    heels[:, [-4, -2]] = 0.0
    toes[:, [-3, -1]] = 0.0
    assert np.array_equal(grounded_joints(heels), mended)
    assert travel(grounded_joints(toes)) < 0.9 * travel(mended)

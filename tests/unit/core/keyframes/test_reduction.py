"""Few keys: curves that are what they say, within the limits, and far fewer than one a frame."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motiongpt_blender.core.body.rotations import (
    angle_between,
    from_axis_angle,
    from_euler,
    from_log,
    multiply,
    normalise,
)
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.body.slices import run_to_end
from motiongpt_blender.core.body.smoothing import gaussian_smooth
from motiongpt_blender.core.feet.foot_contacts import NO_CONTACTS, find_foot_contacts
from motiongpt_blender.core.feet.foot_locking import lock_feet
from motiongpt_blender.core.keyframes.hermite import MAX_SPAN, SpanFitter
from motiongpt_blender.core.keyframes.reduction import Limits, reduce_keys_slices
from motiongpt_blender.core.keyframes.sampled_channel import SampledChannel, reduce_channel
from motiongpt_blender.core.retargeting.solver import solve
from motiongpt_blender.core.rig.kinematics import joint_position, pose_rig
from tests.support.clips import clip, clips
from tests.support.numeric_rig import a_rig

RIG = a_rig(1)


def wandering(count, seed, columns=3, smooth=2.0):
    rng = np.random.default_rng(seed)
    return gaussian_smooth(rng.normal(size=(count, columns)), smooth)


@settings(max_examples=20)
@given(st.integers(2, 80), st.integers(0, 99), st.floats(0.001, 0.3))
def test_a_track_alone_is_within_its_limit_at_every_frame(count, seed, most):
    track = SampledChannel(wandering(count, seed), "LOCATION", frozenset({count // 2}))
    curve = reduce_channel(track, 1.0, most)
    assert np.linalg.norm(curve.sample(count) - track.values, axis=-1).max() <= most
    assert {0, count // 2, count - 1} <= set(curve.frames.tolist())
    assert np.array_equal(curve.sample(count)[curve.frames], track.values[curve.frames])
    assert np.diff(curve.frames).max(initial=0) <= MAX_SPAN


def test_a_cubic_needs_no_keys_between_and_smaller_limits_need_more():
    time = np.arange(MAX_SPAN + 1.0)[:, None]
    curve = reduce_channel(SampledChannel(0.01 * time**3 - 0.1 * time**2, "PLAIN"), 1.0, 1.0)
    assert len(curve) == 2
    track = SampledChannel(wandering(100, 3), "LOCATION")
    counts = [len(reduce_channel(track, 1.0, most)) for most in (0.3, 0.1, 0.03, 0.01)]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


def test_the_fewest_are_the_fewest():
    """No curve with fewer keys is as near: all ways with one key less are tried."""
    values = wandering(9, 5, smooth=1.0)
    fitter = SpanFitter(values, np.ones(3))
    most = np.full(9, 0.08)
    found = fitter.fewest(most, (0, 8))
    assert len(found) > 2
    inner = range(1, 8)
    from itertools import combinations

    for few in combinations(inner, len(found) - 3):
        curve = fitter.curve([0, *few, 8])
        assert (np.linalg.norm(curve.sample(9) - values, axis=-1) > most).any()


@pytest.mark.parametrize("order", ["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"])
def test_angles_become_the_turns_that_they_are(order):
    rng = np.random.default_rng(1)
    angles = rng.normal(size=(20, 3))
    turned = from_euler(angles, order)
    one = {a: from_log(angles[:, [i]] * np.eye(3)[i]) for i, a in enumerate("XYZ")}
    first, second, third = (one[a] for a in order)
    assert angle_between(turned, multiply(third, multiply(second, first))).max() < 1e-7
    spun = from_axis_angle(np.concatenate([angles[:, :1], 3 * np.ones((20, 3))], axis=1))
    axis = normalise(np.ones(3))
    assert angle_between(spun, from_log(angles[:, :1] * axis)).max() < 1e-7


def reduced(joints, degrees, mm, *, locked, keys=frozenset()):
    foot_contacts = find_foot_contacts(joints, 20.0) if locked else NO_CONTACTS
    motion = solve(RIG, joints, 20.0)
    motion, _ = lock_feet(RIG, motion, foot_contacts)
    tracks = {n: SampledChannel(q, "QUATERNION", keys) for n, q in motion.rotations.items()}
    steps = reduce_keys_slices(
        RIG, tracks, SampledChannel(motion.locations, "LOCATION", keys), foot_contacts,
        Limits(degrees, mm / 1000 * RIG.scale), 20.0,
        lambda n, q: SampledChannel(q, "QUATERNION", keys),
    )  # fmt: skip
    return motion, foot_contacts, *run_to_end(steps)


@pytest.mark.parametrize(
    "degrees, mm, fewer, locked", [(1, 5, 3.5, False), (1, 5, 3.5, True), (2, 10, 4.8, True)]
)
def test_real_clips_take_far_fewer_keys_within_the_limits(degrees, mm, fewer, locked):
    ratios = []
    for name, joints in clips().items():
        count = min(len(joints), 70)
        motion, _, curves, place, report = reduced(joints[:count], degrees, mm, locked=locked)
        shown = {n: normalise(c.sample(count)) for n, c in curves.items()}
        figures = [pose_rig(RIG, shown, place.sample(count)),
                   pose_rig(RIG, motion.rotations, motion.locations)]  # fmt: skip
        for joint in (Joint.L_WRIST, Joint.R_WRIST, Joint.L_ANKLE, Joint.R_ANKLE, Joint.L_FOOT):
            a, b = (joint_position(RIG, f, joint) for f in figures)
            assert np.linalg.norm(a - b, axis=-1).max() <= mm / 1000 * RIG.scale, name
        for joint in (Joint.L_KNEE, Joint.R_KNEE):
            a, b = (joint_position(RIG, f, joint) for f in figures)
            assert np.linalg.norm(a - b, axis=-1).max() <= 0.04 * RIG.scale, name
        for control in ("head", "hand_l", "hand_r", "foot_l", "foot_r"):
            away = angle_between(*(f.rotations[control] for f in figures))
            assert np.degrees(away.max()) <= degrees, name
        assert report.degrees <= degrees
        assert report.distance <= mm / 1000 * RIG.scale
        ratios.append(report.dense / report.keys)
    assert np.median(ratios) >= fewer, ratios


def test_standing_toes_and_marked_frames_are_kept():
    joints = clip("walk")
    keys = frozenset({7, 23, 24})
    motion, foot_contacts, curves, place, report = reduced(joints, 1, 5, locked=True, keys=keys)
    count = len(joints)
    shown = {n: normalise(c.sample(count)) for n, c in curves.items()}
    figure = pose_rig(RIG, shown, place.sample(count))
    for side in "LR":
        toe = joint_position(RIG, figure, Joint[f"{side}_FOOT"])
        speed = np.linalg.norm(np.diff(toe, axis=0), axis=-1) * 20 / RIG.scale
        mask = foot_contacts.mask(side, count) > 0
        assert speed[mask[1:] & mask[:-1]].max() < 0.02
    for frame in keys:
        for name, q in motion.rotations.items():
            assert np.degrees(angle_between(q, shown[name])[frame]) < 1e-3
    assert report.dense / report.keys > 2

"""A motion in another style: arms and back swing by another measure, or are held otherwise."""

import numpy as np
import pytest

from motiongpt_blender.core.body.motion import local_pose
from motiongpt_blender.core.body.skeleton import PARENTS, Joint
from motiongpt_blender.core.reshape.take_style import (
    FARTHEST,
    MEAN_SECONDS,
    UPPER_BODY,
    TakeStyle,
    with_style,
)
from tests.support.clips import FPS, clip, clips

LEGS = [j for j in Joint if j not in UPPER_BODY]


def with_energy(joints, fps, energy):
    return with_style(joints, fps, TakeStyle(energy))


def lengths(joints):
    return np.stack(
        [np.linalg.norm(joints[:, j] - joints[:, PARENTS[j]], axis=-1) for j in list(Joint)[1:]]
    )


def swing(joints, joint):
    """How far a joint goes about its mean in the hips' frame, metres."""
    own = local_pose(joints)[:, joint]
    return float(np.linalg.norm(own - own.mean(0), axis=-1).mean())


@pytest.mark.parametrize("name", clips())
@pytest.mark.parametrize("energy", [0.0, 0.5, 1.0, 1.7, 3.0])
def test_legs_and_lengths_stay(name, energy):
    joints = clip(name)
    made = with_style(joints, FPS, TakeStyle(energy, 40 * (energy - 1), 30 * (energy - 1)))
    assert np.array_equal(made[:, LEGS], joints[:, LEGS])
    np.testing.assert_allclose(lengths(made), lengths(joints), atol=1e-9)
    if energy == 1.0:
        np.testing.assert_allclose(made, joints, atol=1e-6)


def test_an_arm_that_swings_by_30_degrees_swings_by_45():
    """About a standing body; the ends, where the mean is held, aside."""
    frames = 200
    still = np.repeat(clip("walk")[:1], frames, axis=0)
    angle = np.radians(30) * np.sin(2 * np.pi * 1.0 * np.arange(frames) / FPS)
    for joint in (Joint.L_ELBOW, Joint.L_WRIST):
        bone = np.linalg.norm(still[0, joint] - still[0, PARENTS[joint]])
        forward = np.stack([0 * angle, -np.cos(angle), np.sin(angle)], axis=-1)
        still[:, joint] = still[:, PARENTS[joint]] + bone * forward
    made = with_energy(still, FPS, 1.5)
    arm = made[:, Joint.L_ELBOW] - made[:, Joint.L_SHOULDER]
    swung = np.degrees(np.arctan2(arm[:, 2], -arm[:, 1]))[40:160]
    assert swung.max() == pytest.approx(45, abs=2) and swung.min() == pytest.approx(-45, abs=2)
    np.testing.assert_allclose(made[:, Joint.R_WRIST], still[:, Joint.R_WRIST], atol=1e-6)


@pytest.mark.parametrize("name", ["walk", "turn", "leap", "kick"])
def test_wrists_swing_more_with_more_energy(name):
    joints = clip(name)
    made = [swing(with_energy(joints, FPS, e), Joint.R_WRIST) for e in (0.0, 0.5, 1.0, 1.5)]
    assert made == sorted(made) and made[3] > 1.25 * made[2] > 1.4 * made[1]


def test_no_bone_turns_farther_than_a_shoulder_can():
    joints = clip("wave")
    made = with_energy(joints, FPS, 50.0)
    mean = with_energy(joints, FPS, 0.0)
    for joint in UPPER_BODY:
        a, b = (m[:, joint] - m[:, PARENTS[joint]] for m in (made, mean))
        cosine = (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
        assert np.arccos(np.clip(cosine, -1, 1)).max() <= FARTHEST + 1e-6


def test_the_mean_is_slow():
    assert 0.5 <= MEAN_SECONDS <= 1.0


def lean(joints):
    """Degrees by which the back leans forward, from the hips to the neck, mean over the time."""
    own = local_pose(joints)
    back = own[:, Joint.NECK] - own[:, Joint.PELVIS]
    return np.degrees(np.arctan2(back[:, 2], back[:, 1]))


@pytest.mark.parametrize("name", ["walk", "turn", "wave"])
def test_a_hunched_back_leans_forward_and_the_head_looks_ahead(name):
    joints = clip(name)
    made = with_style(joints, FPS, TakeStyle(hunch=30.0))
    more = lean(made) - lean(joints)
    assert more.min() > 10 and more.max() < 30
    neck, head = (
        local_pose(m)[:, Joint.HEAD] - local_pose(m)[:, Joint.NECK] for m in (made, joints)
    )
    tilt = np.degrees(np.arctan2(neck[:, 2], neck[:, 1]) - np.arctan2(head[:, 2], head[:, 1]))
    assert np.abs(tilt).max() < 12


@pytest.mark.parametrize("degrees", [25.0, -15.0])
def test_wide_arms_are_farther_from_the_body_on_both_sides(degrees):
    """Of hanging arms; the sides alike."""
    still = np.repeat(clip("walk")[:1], 40, axis=0)
    made = with_style(still, FPS, TakeStyle(arms=degrees))
    for side in "LR":
        shoulder, elbow = Joint[f"{side}_SHOULDER"], Joint[f"{side}_ELBOW"]
        arms = [local_pose(m)[:, elbow] - local_pose(m)[:, shoulder] for m in (made, still)]
        sign = 1 if side == "L" else -1
        out = [np.degrees(np.arctan2(sign * a[:, 0], -a[:, 1])) for a in arms]
        assert (out[0] - out[1]).mean() == pytest.approx(degrees, abs=3)

"""Another frame rate: bones keep their length, corners and beats do not appear."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motiongpt_blender.core.body.neutral_pose import BONE_LENGTHS
from motiongpt_blender.core.body.resampling import resample_motion, resample_smooth
from motiongpt_blender.core.body.rotations import from_log, rotate
from motiongpt_blender.core.body.skeleton import PARENTS
from tests.support.clips import clips

RATES = (12.0, 15.0, 23.976, 24.0, 25.0, 29.97, 30.0, 50.0, 59.94, 60.0, 100.0, 120.0)


def spinning(count, speed, seed=0):
    """Bones of fixed length that turn at ``speed`` radians a frame, each about its own axis."""
    rng = np.random.default_rng(seed)
    axes = rng.normal(size=(22, 3))
    axes /= np.linalg.norm(axes, axis=-1, keepdims=True)
    bones = rng.normal(size=(22, 3)) * 0.3
    turns = from_log(speed * np.arange(count)[:, None, None] * axes)
    turned = rotate(turns, np.broadcast_to(bones, (count, 22, 3)))
    joints = np.zeros((count, 22, 3))
    joints[:, 0, 2] = 0.05 * np.arange(count)
    for own, parent in enumerate(PARENTS[1:], start=1):
        joints[:, own] = joints[:, parent] + turned[:, own]
    return joints


def lengths(joints):
    return np.linalg.norm(joints[:, 1:] - joints[:, list(PARENTS[1:])], axis=-1)


@settings(max_examples=20)
@given(st.sampled_from(RATES), st.floats(0.0, 1.5), st.integers(0, 99))
def test_no_bone_is_stretched(fps, speed, seed):
    joints = spinning(21, speed, seed)
    out = resample_motion(joints, 20.0, fps, round(fps) + 1)
    assert np.allclose(lengths(out), lengths(joints)[0], atol=1e-9)


def test_source_frames_are_kept_and_a_steady_turn_stays_steady():
    joints = spinning(21, 0.5)
    out = resample_motion(joints, 20.0, 60.0, 61)
    assert np.allclose(out[::3], joints, atol=1e-9)
    fine = spinning(61, 0.5 / 3)
    fine[:, :, 2] += (0.05 * (np.arange(61) / 3 - np.arange(61)))[:, None]
    away = np.abs(out - fine)[3:-3].max()
    assert away < 0.01
    straight = resample_smooth(joints, 20.0, 60.0, 61)
    assert np.abs(straight - fine)[3:-3].max() > 2 * away


def test_short_long_and_single_motions():
    joints = spinning(11, 0.2)
    assert np.allclose(resample_motion(joints, 20.0, 20.0, 15)[-1], joints[-1])
    assert np.allclose(resample_motion(joints, 20.0, 20.0, 5), joints[:5])
    assert np.allclose(resample_motion(joints[:1], 20.0, 24.0, 4), joints[:1])


@pytest.mark.parametrize("fps", RATES)
def test_real_clips_come_back_from_every_rate(fps):
    """To the scene's rate and back: what a real motion loses, in millimetres."""
    worst = []
    for joints in clips().values():
        count = int((len(joints) - 1) / 20.0 * fps) + 1
        out = resample_motion(joints, 20.0, fps, count)
        assert np.abs(lengths(out) - BONE_LENGTHS[1:]).max() < 0.002
        back = resample_motion(out, fps, 20.0, int((count - 1) / fps * 20.0) + 1)
        away = np.linalg.norm(back - joints[: len(back)], axis=-1)
        worst.append(float(np.percentile(away, 95)))
    assert np.median(worst) < (0.025 if fps < 20 else 0.004), np.median(worst)

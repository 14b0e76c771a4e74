"""Clips: files, checks, place and heading, axes, frame rates."""

import numpy as np
import pytest

from motiongpt_blender.core.body.motion import (
    MotionClip,
    MotionError,
    from_blender,
    heading,
    place_at_origin,
    resample,
    to_blender,
)
from motiongpt_blender.core.body.neutral_pose import BONE_LENGTHS, NEUTRAL
from motiongpt_blender.core.body.resampling import resample_smooth
from motiongpt_blender.core.body.rotations import about_y, rotate
from motiongpt_blender.core.body.skeleton import MIRRORED, PARENTS, Joint


def walking(count=9):
    joints = np.repeat(NEUTRAL[None], count, axis=0)
    joints[:, :, 1] += 0.9
    joints[:, :, 2] += 0.05 * np.arange(count)[:, None]
    return joints.astype(np.float32)


def test_a_clip_comes_back_from_its_file(tmp_path):
    checks = ("moves forward: 2.0 m", "turns left: no, 3 degrees")
    clip = MotionClip(walking(), tokens=(1, 2, 3), prompt="a person walks", seed=7, checks=checks)
    clip.save(tmp_path / "clip.npz")
    again = MotionClip.load(tmp_path / "clip.npz")
    assert np.array_equal(again.joints, clip.joints)
    assert (again.fps, again.tokens, again.prompt, again.seed) == (20.0, (1, 2, 3), clip.prompt, 7)
    assert again.checks == checks
    assert again.seconds == pytest.approx(0.4)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MotionError, match=r"gone\.npz: there is no such file"):
        MotionClip.load(tmp_path / "gone.npz")


def test_another_file_is_named(tmp_path):
    (tmp_path / "notes.npz").write_text("not an archive")
    with pytest.raises(MotionError, match=r"notes\.npz: this is not a motion clip"):
        MotionClip.load(tmp_path / "notes.npz")


def test_a_wrong_shape_says_the_right_one():
    with pytest.raises(MotionError, match=r"\(frames, 22, 3\)"):
        MotionClip(np.zeros((4, 21, 3), np.float32))


def test_a_number_that_is_not_finite_says_its_frame():
    joints = walking()
    joints[3, 5, 1] = np.nan
    with pytest.raises(MotionError, match="frame 3"):
        MotionClip(joints)


def test_axes_there_and_back():
    points = np.random.default_rng(1).normal(size=(5, 22, 3))
    assert np.allclose(from_blender(to_blender(points)), points)
    assert np.allclose(to_blender(np.array([0.0, 0.0, 1.0])), [0, -1, 0])
    assert np.allclose(to_blender(np.array([0.0, 1.0, 0.0])), [0, 0, 1])
    assert np.allclose(to_blender(np.array([1.0, 0.0, 0.0])), [1, 0, 0])


@pytest.mark.parametrize("angle", [-2.5, -0.3, 0.0, 1.0, 3.0])
def test_a_turn_to_the_left_grows_the_heading(angle):
    turned = rotate(np.broadcast_to(about_y(np.array(angle)), (22, 4)), NEUTRAL)
    assert heading(turned) == pytest.approx(angle, abs=1e-3)


def test_place_at_origin_undoes_any_place():
    joints = walking().astype(np.float64)
    turn = np.broadcast_to(about_y(np.array(1.2)), (*joints.shape[:-1], 4))
    elsewhere = rotate(turn, joints) + np.array([3.0, 0.0, -2.0])
    assert np.allclose(place_at_origin(elsewhere), joints, atol=1e-3)


def test_the_neutral_body_has_its_lengths_and_is_symmetric():
    lengths = np.linalg.norm(NEUTRAL[1:] - NEUTRAL[list(PARENTS[1:])], axis=-1)
    assert np.allclose(lengths, BONE_LENGTHS[1:], atol=1e-6)
    mirrored = NEUTRAL[list(MIRRORED)] * [-1, 1, 1]
    assert np.abs(mirrored - NEUTRAL).max() < 0.03
    assert NEUTRAL[Joint.L_HIP, 0] > 0


@pytest.mark.parametrize("to_fps", [12.5, 23.976, 24.0, 30.0, 60.0])
def test_resampling_keeps_the_ends(to_fps):
    joints = walking(21)
    out = resample(joints, 20.0, to_fps)
    assert np.allclose(out[0], joints[0])
    assert len(out) == round(to_fps) + 1 or to_fps in (12.5, 23.976)


def test_smooth_resampling_is_exact_at_source_frames_and_on_straight_lines():
    joints = np.random.default_rng(2).normal(size=(11, 22, 3))
    out = resample_smooth(joints, 20.0, 60.0, 31)
    assert np.allclose(out[::3], joints)
    line = walking(11).astype(np.float64)
    assert np.allclose(resample_smooth(line, 20.0, 24.0, 13)[:, 0, 2], 0.05 * np.arange(13) / 1.2)


def test_smooth_resampling_slows_what_is_too_short_and_cuts_what_is_too_long():
    line = walking(11).astype(np.float64)
    assert np.allclose(resample_smooth(line, 20.0, 20.0, 15)[-1], line[-1])
    assert np.allclose(resample_smooth(line, 20.0, 20.0, 5), line[:5])
    assert np.allclose(resample_smooth(line[:1], 20.0, 20.0, 4), line[:1])

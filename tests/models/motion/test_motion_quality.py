"""Feet, floor and pacing: made motion of known numbers, and real clips."""

import numpy as np
import pytest

from ext_models.motion import floor_metrics as floor
from ext_models.motion import pacing_metrics as pacing
from tests.support.clips import NAMES, TRAVELLING, as_generated, clip


def moving(steps, fps=20.0, height=1.0):
    """Joints (T, 22, 3) of a stiff body that moves ahead with these speeds in m/s."""
    joints = np.zeros((len(steps) + 1, 22, 3))
    joints[1:, :, 2] = np.cumsum(steps)[:, None] / fps
    joints[..., 1] = height
    return joints


def walking_stiffly(fps=20.0, slide=0.3, swing=2.0):
    """Left and right toe stand in turn for a second, sliding; the other one swings low."""
    joints = np.zeros((round(4 * fps) + 1, 22, 3))
    second = np.arange(len(joints) - 1) // round(fps)
    for toe, stands in ((10, second % 2 == 0), (11, second % 2 == 1)):
        joints[1:, toe, 0] = np.cumsum(np.where(stands, slide, swing)) / fps
    joints[..., 1] = 0.02
    return joints


# -- feet and floor ------------------------------------------------------------------


@pytest.mark.parametrize("fps", [20.0, 12.5, 60.0])
def test_the_slower_of_two_low_toes_is_the_support_foot(fps):
    assert floor.support_foot_speed(walking_stiffly(fps), fps) == pytest.approx(0.3)


def test_a_low_toe_counts_even_where_the_other_one_is_high_and_still():
    joints = walking_stiffly(slide=0.0, swing=1.5)
    joints[:, 11, 1] = 0.2
    speeds = floor.support_foot_speeds(joints)
    assert sorted(np.unique(speeds.round(6))) == [0, 1.5]
    assert floor.support_foot_speed(joints) == pytest.approx(0.75)


def test_a_contact_needs_two_neighbouring_frames_below_five_centimetres():
    joints = np.zeros((6, 22, 3))
    joints[:, [10, 11], 1] = np.array([0.051, 0.049, 0.051, 0.049, 0.049, 0.051])[:, None]
    assert len(floor.support_foot_speeds(joints)) == 1
    joints[..., 1] = 0.3  # a flight
    assert floor.support_foot_speed(joints) is None
    assert floor.support_foot_speed(joints[:1]) is None


def test_up_and_down_is_no_slide():
    joints = np.zeros((9, 22, 3))
    joints[::2, :, 1] = 0.04
    assert floor.support_foot_speed(joints) == 0


@pytest.mark.parametrize("name", NAMES)
def test_real_feet_stand_and_drifting_ones_do_not(name):
    real = floor.support_foot_speed(clip(name))
    assert real < 0.06
    assert floor.support_foot_speed(as_generated(clip(name), slide=0.6)) > 0.3


def test_the_deepest_joint_of_any_frame_is_below_the_floor():
    joints = np.ones((5, 22, 3))
    assert floor.floor_penetration(joints) == 0
    joints[3, 20, 1] = -0.07  # a hand
    joints[4, 10, 1] = -0.02
    assert floor.floor_penetration(joints) == pytest.approx(0.07)
    assert floor.floor_penetration(np.ones((5, 21, 3))) == 0


# -- lurch ---------------------------------------------------------------------------


@pytest.mark.parametrize(("fps", "most"), [(20.0, 12.0), (60.0, 36.0)])
def test_a_lurch_is_the_pelvis_acceleration_over_the_ground(fps, most):
    joints = moving(np.full(9, 1.0), fps)
    assert pacing.peak_acceleration(joints, fps) == pytest.approx(0, abs=1e-6)
    joints[5:, :, 0] += 0.6 / fps  # aside in one frame, and no further
    assert pacing.peak_acceleration(joints, fps) == pytest.approx(most)
    joints[:, :, 1] += np.random.default_rng(0).normal(size=(10, 22))  # up and down does not count
    joints[:, 1:] += np.random.default_rng(1).normal(size=(10, 21, 3))  # nor do other joints
    assert pacing.peak_acceleration(joints, fps) == pytest.approx(most)
    assert pacing.peak_acceleration(joints[:2], fps) == 0


# -- late speed-up -------------------------------------------------------------------


@pytest.mark.parametrize("fps", [20.0, 12.5, 60.0])
def test_the_last_parts_of_a_second_are_compared(fps):
    part = round(0.4 * fps)
    speeds = np.concatenate([np.full(part, v) for v in (3.0, 1.0, 1.4)])
    assert pacing.end_speed_gain(moving(speeds, fps), fps) == pytest.approx(0.4)
    assert pacing.speeds_up_late(moving(speeds, fps), fps)
    assert not pacing.speeds_up_late(moving(speeds[:-part], fps), fps)  # slower at its end
    assert not pacing.speeds_up_late(moving(speeds[1 - 2 * part :], fps), fps)  # too short to tell


def test_a_gain_of_less_than_a_third_of_a_metre_a_second_is_none():
    for gain, late in ((0.29, False), (0.31, True)):
        speeds = np.r_[np.full(8, 1.0), np.full(8, 1.0 + gain)]
        assert pacing.speeds_up_late(moving(speeds)) is late


# -- standstill and rush -------------------------------------------------------------


@pytest.mark.parametrize("fps", [20.0, 60.0])
def test_the_longest_standstill_counts_to_the_frame(fps):
    seconds = (1.0, 0.5, 1.0, 1.5, 0.5)
    speeds = np.concatenate(
        [np.full(round(s * fps), v) for s, v in zip(seconds, (1, 0, 1, 0.05, 1), strict=True)]
    )
    joints = moving(speeds, fps)
    assert pacing.standstills(joints, fps) == [
        (round(1.0 * fps), round(1.5 * fps)),
        (round(2.5 * fps), round(4.0 * fps)),
    ]
    assert pacing.longest_standstill(joints, fps) == pytest.approx(1.5)
    assert pacing.longest_standstill(moving(np.ones(40), fps), fps) == 0
    assert pacing.longest_standstill(moving(np.zeros(40), fps), fps) == pytest.approx(40 / fps)


def test_a_body_that_trembles_or_waves_stands_still_and_one_that_crouches_does_not():
    still = moving(np.zeros(40))
    trembling = still + np.random.default_rng(0).normal(scale=0.002, size=still.shape)
    waving = still.copy()
    waving[:, 21, 0] += 0.1 * np.sin(np.arange(41))
    crouching = still.copy()
    crouching[:, :, 1] -= 0.3 * np.arange(41)[:, None] / 20
    for joints, seconds in ((trembling, 2), (waving, 2), (crouching, 0)):
        assert pacing.longest_standstill(joints) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("still", "speed", "found"),
    [(12, 2.0, 2.0), (40, 2.0, 2.0), (12, 1.0, 1.0), (8, 2.0, 0.0)],
)
def test_a_rush_comes_within_a_second_after_a_standstill_of_half_a_second(still, speed, found):
    speeds = np.r_[np.full(10, 3.0), np.zeros(still), np.full(12, speed)]
    joints = moving(speeds)
    assert pacing.speed_after_standstill(joints) == pytest.approx(found)
    assert pacing.rushes_after_standstill(joints) == (found > pacing.RUSH_SPEED)


def test_who_starts_slowly_does_not_rush():
    speeds = np.r_[np.zeros(20), np.full(20, 0.5), np.full(20, 2.0)]
    assert pacing.speed_after_standstill(moving(speeds)) == pytest.approx(0.5)
    assert pacing.speed_after_standstill(moving(np.zeros(40))) < 1e-6


def test_the_walk_comes_to_rest_and_stands():
    assert pacing.longest_standstill(clip("walk")) == pytest.approx(1.9)
    assert pacing.longest_standstill(clip("walk")[:95]) == 0
    assert pacing.longest_standstill(clip("leap")) == pacing.longest_standstill(clip("wave")) == 0


@pytest.mark.parametrize("name", NAMES)
def test_real_clips_neither_rush_nor_speed_up_late(name):
    joints = clip(name)
    assert not pacing.rushes_after_standstill(joints)
    assert not pacing.speeds_up_late(joints)
    # Two seconds of standing, and then the way of the clip in a third of the time.
    late = np.concatenate([np.repeat(joints[:1], 40, axis=0), joints[::3]])
    assert pacing.longest_standstill(late) >= 2
    assert pacing.peak_acceleration(late) > 3 * pacing.peak_acceleration(joints)
    assert pacing.rushes_after_standstill(late) == (name in TRAVELLING)


# -- bad input -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "measure",
    [
        floor.support_foot_speed,
        floor.floor_penetration,
        pacing.peak_acceleration,
        pacing.end_speed_gain,
        pacing.longest_standstill,
        pacing.speed_after_standstill,
    ],
)
def test_bad_input_is_refused_with_a_sentence(measure):
    for joints, says in (
        (np.full((5, 22, 3), np.nan), "not finite"),
        (np.zeros((0, 22, 3)), "at least 1"),
        (np.zeros((22, 3)), "frames, 22, 3"),
    ):
        with pytest.raises(ValueError, match=says):
            measure(joints)
    assert not measure(np.zeros((1, 22, 3)))

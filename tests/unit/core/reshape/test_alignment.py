"""Two motions in step before they are blended: plants together, ends kept, within limits."""

from dataclasses import replace

import numpy as np
import pytest

from motiongpt_blender.core.body.slices import run_to_end
from motiongpt_blender.core.feet.foot_contacts import NO_CONTACTS, Contact, FootContacts
from motiongpt_blender.core.reshape.alignment import MAX_RATE, aligned_times
from motiongpt_blender.core.reshape.planting import contacts_of, ground_along
from motiongpt_blender.core.reshape.retime import at_times, blend_slices, in_step_slices
from tests.support.numeric_rig import a_rig
from tests.unit.core.reshape.test_fit import finished, toes

COUNT, FPS = 101, 20.0


def steps(*plants, length=8):
    """Contacts that begin at these frames, left and right in turn."""
    sides = ([], [])
    for k, first in enumerate(plants):
        sides[k % 2].append(Contact(first, first + length, first))
    return FootContacts(tuple(sides[0]), tuple(sides[1]))


def shown_at(times, frame):
    """The frame of the blend at which a motion shows one of its own."""
    return float(np.interp(frame, times, np.arange(len(times))))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_plants_of_both_come_together_between_their_times(share):
    one, other = steps(10, 30, 50, 70), steps(14, 33, 52, 68)
    first, second = aligned_times(one, other, COUNT, FPS, share)
    for a, b in ((10, 14), (30, 33), (50, 52), (70, 68), (18, 22), (78, 76)):
        wanted = (1 - share) * a + share * b
        assert shown_at(first, a) == pytest.approx(wanted, abs=0.3)
        assert shown_at(second, b) == pytest.approx(wanted, abs=0.3)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_time_runs_forward_within_limits_and_ends_stay(share):
    rng = np.random.default_rng(4)
    for _ in range(20):
        one, other = (steps(*np.cumsum(rng.integers(9, 22, 5)).tolist()) for _ in range(2))
        times = aligned_times(one, other, COUNT, FPS, share)
        for way in times:
            assert way[0] == 0 and way[-1] == pytest.approx(COUNT - 1)
            rates = np.diff(way)
            assert rates.min() > 0.3 / MAX_RATE and rates.max() < 1.8 * MAX_RATE


def test_one_side_alone_keeps_its_own_time():
    one, other = steps(10, 30, 50, 70), steps(14, 33, 52, 68)
    frames = np.arange(COUNT)
    assert np.allclose(aligned_times(one, other, COUNT, FPS, 0.0)[0], frames, atol=1e-9)
    assert np.allclose(aligned_times(one, other, COUNT, FPS, 1.0)[1], frames, atol=1e-9)


@pytest.mark.parametrize(
    "other", [NO_CONTACTS, steps(90), FootContacts(steps(10, 30, 50, 70).right, ())]
)
def test_without_a_step_that_fits_time_stays_as_it_is(other):
    times = aligned_times(steps(10, 30, 50, 70), other, COUNT, FPS, 0.5)
    assert all(np.allclose(way, np.arange(COUNT), atol=1e-9) for way in times)


def test_a_left_foot_never_waits_for_a_right_one():
    one = steps(20)
    other = FootContacts((), (Contact(24, 32, 24),))
    first, _ = aligned_times(one, other, COUNT, FPS, 0.5)
    assert np.allclose(first, np.arange(COUNT), atol=1e-9)


def test_a_step_that_is_missing_in_one_is_left_out():
    one, other = steps(10, 30, 50, 70), steps(10, 30, 70)
    other = FootContacts(other.left[:1] + (Contact(52, 60, 52),), (Contact(30, 38, 30),))
    first, second = aligned_times(one, other, COUNT, FPS, 0.5)
    assert shown_at(first, 50) == pytest.approx(51, abs=0.3)
    assert shown_at(second, 52) == pytest.approx(51, abs=0.3)


def late(motion, frames):
    """The same motion, its middle some frames later."""
    time = np.arange(len(motion), dtype=float)
    bump = frames * np.sin(np.pi * time / (len(motion) - 1)) ** 2
    return at_times(motion, np.clip(time - bump, 0, len(motion) - 1))


def speeds(rig, motion, contacts):
    """Mean speed of standing toes, metres a second."""
    away = np.linalg.norm(np.diff(toes(rig, motion)[..., [0, 2]], axis=0), axis=-1) * FPS
    mask = np.stack([contacts.mask(s, len(motion)) for s in "LR"], 1) > 0
    return float(away[mask[1:] & mask[:-1]].mean())


@pytest.mark.parametrize("name", ["walk", "turn"])
def test_feet_slide_less_in_a_blend_of_the_same_walk_at_other_times(name):
    rig = a_rig()
    one = finished(rig, name)
    other = late(one, 6)
    first, second = run_to_end(in_step_slices(rig, one, other, 0.5))
    contacts = contacts_of(rig, first, ground_along(rig, first))
    plain = replace(one, locations=0.5 * (one.locations + other.locations))
    in_step = replace(first, locations=0.5 * (first.locations + second.locations))
    assert speeds(rig, in_step, contacts) < 0.65 * speeds(
        rig, plain, contacts_of(rig, one, ground_along(rig, one))
    )
    apart = np.abs(toes(rig, one) - toes(rig, other)).max()
    assert np.abs(toes(rig, first) - toes(rig, second)).max() < 0.5 * apart


def test_the_ends_of_a_blend_are_those_of_both():
    rig = a_rig()
    one = finished(rig, "walk")
    other = late(one, 6)
    kept = (0, len(one) - 1)
    blended = run_to_end(blend_slices(rig, one, other, 0.5, kept))
    assert len(blended) == len(one)
    for index in kept:
        assert np.allclose(blended.locations[index], one.locations[index], atol=1e-6)
    same = run_to_end(blend_slices(rig, one, other, 0.0))
    assert np.array_equal(same.locations, one.locations)

"""The time that is left, on a clock that the test turns."""

import inspect
import time

import pytest

from motiongpt_blender.backend.jobs import JobQueue
from motiongpt_blender.core.patience import patiently
from motiongpt_blender.core.time_left import WINDOW, TimeLeft, time_left_text


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def pace(*marks):
    """A pace after (seconds, share) marks."""
    clock = Clock()
    left = TimeLeft(clock)
    for seconds, share in marks:
        clock.now = 100.0 + seconds
        left.note(share)
    return left, clock


def test_an_even_pace_ends_when_it_should():
    left, _ = pace((0, 0.0), (10, 0.1), (20, 0.2))
    assert left.seconds() == pytest.approx(80.0)


def test_the_last_seconds_count():
    """First fast, then slow: what is left takes as long as it goes now."""
    left, _ = pace((0, 0.0), (10, 0.5), *((10 + s, 0.5 + 0.001 * s) for s in range(1, 61)))
    assert left.seconds() == pytest.approx(0.44 / 0.001, rel=0.05)


def test_who_stands_still_for_a_while_takes_longer():
    left, clock = pace((0, 0.0), (10, 0.1))
    before = left.seconds()
    clock.now += 10
    assert left.seconds() == pytest.approx(2 * before)


@pytest.mark.parametrize("marks", [(), ((0, 0.3),), ((0, 0.3), (1, 0.4)), ((0, 0.3), (50, 0.3))])
def test_nothing_is_said_before_anybody_knows(marks):
    left, _ = pace(*marks)
    assert left.seconds() is None
    assert time_left_text(left.seconds()) == ""


def test_few_marks_are_kept():
    left, _ = pace(*((s / 2, s / 1000) for s in range(900)))
    assert len(left._seen) <= 2 * WINDOW + 3


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (5, "less than a minute left"),
        (80, "1 minute left"),
        (100, "2 minutes left"),
        (3600, "60 minutes left"),
    ],
)
def test_in_words(seconds, text):
    assert time_left_text(seconds) == text


@pytest.mark.parametrize("counts", [TimeLeft, patiently, JobQueue])
def test_what_counts_seconds_has_a_clock_that_nobody_sets(counts):
    """The time of day may go backwards."""
    assert inspect.signature(counts).parameters["clock"].default is time.monotonic

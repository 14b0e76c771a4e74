"""A file that another program holds, as virus scanners do: simulated with a clock by hand."""

import errno

import pytest

from motiongpt_blender.core.patience import PATIENCE, patiently
from motiongpt_blender.core.systems import WINDOWS


class Held:
    """A file that is held for some seconds, and the clock."""

    def __init__(self, seconds, number=errno.EACCES):
        self.seconds, self.number, self.now, self.tries = seconds, number, 0.0, 0

    def move(self, target):
        self.tries += 1
        if self.now < self.seconds:
            raise OSError(self.number, "held")
        return target

    def move_patiently(self, system=WINDOWS):
        return patiently(self.move, "there", system=system, clock=self.clock, sleep=self.sleep)

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOTEMPTY])
def test_a_file_that_is_held_for_five_seconds_is_moved(number):
    held = Held(5.0, number)
    assert held.move_patiently() == "there" and 5.0 <= held.now < 5.5


def test_there_is_a_limit():
    held = Held(1000.0)
    with pytest.raises(OSError, match="held"):
        held.move_patiently()
    assert PATIENCE <= held.now < PATIENCE + 1


@pytest.mark.parametrize(("system", "number"), [("linux", errno.EACCES), (WINDOWS, errno.ENOSPC)])
def test_what_waiting_does_not_mend_is_told_at_once(system, number):
    held = Held(5.0, number)
    with pytest.raises(OSError, match="held"):
        held.move_patiently(system)
    assert held.tries == 1

"""One target fuzzed: every case is read within limits of time and memory, or refused plainly."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from .targets import Case, Target

#: The longest that one case may be read, in seconds, and what it may allocate, in MB.
SECONDS = 5
MEGABYTES = 500
#: The longest sentence.
LONGEST = 2000
#: Cases of one round.
ROUND = 200


class TooMuchError(AssertionError):
    """A case that took too long or too much memory, or was not refused in one sentence."""


@dataclass
class Tally:
    """What the cases of one target took.

    Attributes:
        cases: their number.
        seconds: of the slowest case.
        megabytes: by which one case raised the peak memory of the process, at most.
    """

    cases: int = 0
    seconds: float = 0.0
    megabytes: float = 0.0

    def add(self, seconds: float, megabytes: float) -> None:
        """Count one case."""
        self.cases += 1
        self.seconds = max(self.seconds, seconds)
        self.megabytes = max(self.megabytes, megabytes)


def fuzz(target: Target, cases: int = ROUND, minutes: float = 0.0, start: int = 0) -> Tally:
    """Read damaged files until the time is over; what they took.

    Args:
        target: what is read.
        cases: how many at least.
        minutes: how long at least.
        start: the seed of the first round.

    Raises:
        Exception: what a reader raised beside its refusals, or TooMuchError; hypothesis adds the
            case.
    """
    end, tally = time.monotonic() + 60 * minutes, Tally()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / target.name
        place.mkdir()
        strategy = target.prepare(place)
        with suppress(Exception):  # what is imported and loaded once is no case's own
            target.read(place)
        good = {p: p.read_bytes() for p in place.rglob("*") if p.is_file()}

        def check(case: Case) -> None:
            tally.add(*_check(target, place, case, good))

        options = settings(
            max_examples=cases,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        )
        round_number = start
        while True:
            seed(round_number)(options(given(strategy)(check)))()
            round_number += 1
            if time.monotonic() >= end:
                return tally


def _check(target: Target, place: Path, case: Case, good: dict[Path, bytes]) -> tuple[float, float]:
    """Read one case; its seconds and MB. The folder holds the good files again afterwards."""
    for name, data in case.items():
        (place / name).write_bytes(data)
    before, began = _peak(), time.monotonic()
    try:
        with _alarm():
            target.read(place)
    except target.refusals as error:
        text = str(error)
        if "\n" in text or len(text) > LONGEST or not text:
            raise TooMuchError(f"no plain sentence: {text[:500]!r}") from error
    finally:
        seconds, megabytes = time.monotonic() - began, _peak() - before
        _restore(place, good)
    if seconds > SECONDS:
        raise TooMuchError(f"{seconds:.1f} s")
    if megabytes > MEGABYTES:
        raise TooMuchError(f"{megabytes:.0f} MB")
    return seconds, megabytes


def _restore(place: Path, good: dict[Path, bytes]) -> None:
    for path in list(place.iterdir()):
        if path.is_dir() and not any(path in file.parents for file in good):
            shutil.rmtree(path)
        elif path.is_file() and path not in good:
            path.unlink()
    for path, data in good.items():
        if not path.is_file() or path.read_bytes() != data:
            path.write_bytes(data)


@contextmanager
def _alarm() -> Iterator[None]:
    """Raise TooMuchError where Python runs longer than it may; a call into C ends first."""
    if sys.platform == "win32":
        yield
        return

    def ring(*_: Any) -> None:
        raise TooMuchError(f"longer than {SECONDS} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _peak() -> float:
    """The most memory that this process has held so far, in MB; 0 where nothing tells."""
    if sys.platform == "win32":
        return 0.0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 1024

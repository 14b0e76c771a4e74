"""``python -m tests.fuzz TARGET --minutes 5``: damaged files, until the time is over.

TARGET is one of the names in ``targets``, or ``all``: then each has that time. Says how many
cases were read, or shows the first one that was neither read nor refused in a sentence.
"""

from __future__ import annotations

import argparse
import faulthandler
import sys
import time
import traceback
import warnings

from .running import SECONDS, fuzz
from .targets import TARGETS

#: Lines that are told of what was found, and characters of each.
LINES, WIDTH = 60, 400
#: Address space that the process may take beside what it has, in GB.
ROOM = 4


def parser() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=[*TARGETS, "all"])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    return parser


def main() -> int:
    """Fuzz what is named; 1 where something was found."""
    asked = parser().parse_args()
    _limit_memory()
    warnings.simplefilter("ignore")  # what libraries say of damaged files
    found = 0
    for name in TARGETS if asked.target == "all" else [asked.target]:
        faulthandler.dump_traceback_later(60 * asked.minutes + 60 * SECONDS, exit=True)
        try:
            tally = fuzz(TARGETS[name], minutes=asked.minutes, start=asked.seed)
        except Exception:
            lines = traceback.format_exc().splitlines()
            print(*(line[:WIDTH] for line in lines[-LINES:]), sep="\n")
            print(f"{name}: found, seed {asked.seed}")
            found = 1
        else:
            print(
                f"{name}: {tally.cases} cases, nothing found; the slowest took "
                f"{tally.seconds:.2f} s, the largest {tally.megabytes:.0f} MB"
            )
    faulthandler.cancel_dump_traceback_later()
    return found


def _limit_memory() -> None:
    """Let a case that asks for more than there is fail, instead of the machine."""
    if sys.platform != "linux":
        return
    import resource
    from pathlib import Path

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + ROOM * 2**30
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    sys.exit(main())

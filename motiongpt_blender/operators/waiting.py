"""Waiting for takes where no timer of Blender runs: in the background, and on a script's behalf.

The model's process is then polled from here, and what is under way is told, a line a step.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

import bpy

from ..compat import session_id
from ..generate.state import CharacterState, PendingTake, progress_text
from . import session
from .targets import OperatorResult

#: Seconds between two looks at the model's process.
INTERVAL = 0.02
#: Share of a request after which another line is told.
STEP = 0.1

#: Called with what is under way: the character's name, what is being done, and the share of the
#: request that is done.
Progress: TypeAlias = Callable[[str, str, float], None]


def no_timers_run() -> bool:
    """Whether Blender has no window, and so calls no timer."""
    return bool(bpy.app.background)


def print_progress(name: str, doing: str, fraction: float) -> None:
    """Print a line of progress."""
    print(f"MotionGPT: {name}, {fraction:4.0%}, {doing}", flush=True)


def finish(operator: bpy.types.Operator, asked: Sequence[bpy.types.Object]) -> OperatorResult:
    """Where no timer runs, wait for the takes of some armatures; a failure is the operator's."""
    if not no_timers_run():
        return {"FINISHED"}
    states = wait(asked)
    failed = [state.message for state in states if state.failed]
    if failed:
        level = "ERROR" if len(failed) == len(states) else "WARNING"
        operator.report({level}, " ".join(failed))
    return {"FINISHED"} if len(failed) < len(states) else {"CANCELLED"}


def wait(
    asked: Sequence[bpy.types.Object], progress: Progress = print_progress
) -> list[CharacterState]:
    """Poll the model's process until nothing is under way for some armatures.

    Args:
        asked: the armature objects.
        progress: told when the work goes on to another stage, and at every tenth.

    Returns:
        The state of each, with the sentence about what became of its take.
    """
    wanted = list(dict.fromkeys(session_id(obj) for obj in asked))
    told = _Told(progress)
    with session.by_hand():
        try:
            while under_way := _under_way(wanted):
                session.current().pump.tick()
                told.look(under_way[0])
                time.sleep(INTERVAL)
        except KeyboardInterrupt:
            for take in _under_way(wanted):
                session.controller().cancel(take)
            raise
    return [session.controller().state(key) for key in wanted]


def wait_for_description() -> None:
    """Poll the model's process until no motion is being described."""
    while session.current().describer.job is not None:
        session.current().pump.tick()
        time.sleep(INTERVAL)


def _under_way(wanted: Sequence[int]) -> list[PendingTake]:
    """The takes that some armatures wait for; what was removed meanwhile is waited for no more."""
    takes = session.controller().under_way
    return [take for take in takes if take.character.armature in wanted and not take.held]


class _Told:
    """What was told of the progress so far."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._last: tuple[str, str] | None = None
        self._next = 0.0

    def look(self, take: PendingTake) -> None:
        """Tell of a take where there is something new."""
        doing, done = (take.character.name, progress_text(take)), take.job.fraction
        if doing == self._last and done < self._next:
            return
        self._last, self._next = doing, done + STEP
        self._progress(*doing, done)

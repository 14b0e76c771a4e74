"""Drives the jobs from a timer, on Blender's main thread, and ends a process that is not used.

A timer runs while a job is under way, and at long intervals while a process waits. Imports no bpy:
Blender's timers are handed in.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable
from typing import Final, Protocol

from .. import wire
from .jobs import Job, JobQueue
from .process import Launch

#: Seconds between two polls of the process while a job runs.
INTERVAL: Final = 0.1
#: The most seconds between two looks at a process that waits.
IDLE_INTERVAL: Final = 15.0

OnEnd = Callable[[Job], None]
OnTick = Callable[[], None]
Timer = Callable[[], float | None]


class Timers(Protocol):
    """``bpy.app.timers``: calls a function again after the seconds it returns, until None."""

    def register(self, function: Timer, /, *, first_interval: float) -> None:
        """Call the function after ``first_interval`` seconds."""
        ...

    def unregister(self, function: Timer, /) -> None:
        """Call the function no more."""
        ...

    def is_registered(self, function: Timer, /) -> bool:
        """Whether the function will be called."""
        ...


class Pump:
    """The jobs of one Blender and the timer that polls them."""

    def __init__(
        self,
        timers: Timers,
        queue: JobQueue | None = None,
        idle_limit: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """No process is started before the first job.

        Args:
            timers: Blender's.
            queue: of the jobs; None makes one.
            idle_limit: seconds after which a process without a job is ended; 0 keeps it.
        """
        self._idle_limit = idle_limit
        self._timers = timers
        self._queue = queue or JobQueue()
        self._callbacks: dict[str, tuple[OnEnd, OnTick]] = {}
        self._on_answer: Callable[[], None] | None = None
        self._timer: Timer = self.tick  # one object: timers are found again by identity
        atexit.register(self._shutdown)

    def close(self) -> None:
        """End the process and forget every job."""
        if self._timers.is_registered(self._timer):
            self._timers.unregister(self._timer)
        self._shutdown()
        atexit.unregister(self._shutdown)

    def submit(self, launch: Launch, request: wire.Task, on_end: OnEnd, on_tick: OnTick) -> Job:
        """Send a request.

        Args:
            launch: how the process is started, when none runs.
            request: what is asked for.
            on_end: called once, from the timer, when the job has ended.
            on_tick: called at every poll while the job runs.

        Raises:
            LaunchError: when no process can be started.
        """
        job = self._queue.submit(launch, request)
        self._callbacks[request.job] = (on_end, on_tick)
        self._poll()
        return job

    def ask(self, launch: Launch, prompt: str, on_answer: Callable[[], None]) -> None:
        """Ask how a prompt is understood; ``understood`` has the answer when it is called back."""
        self._queue.ask(launch, prompt)
        if self._queue.asked is None:
            return
        self._on_answer = on_answer
        self._poll()

    @property
    def understood(self) -> wire.Understood:
        """The last answer to ``ask``."""
        return self._queue.understood

    def cancel(self, name: str) -> None:
        """Ask a job to stop; its ``on_end`` tells when it has."""
        self._queue.cancel(name)

    def forget(self, name: str) -> None:
        """Cancel a job and never call its ``on_end``."""
        self.cancel(name)
        self._callbacks.pop(name, None)

    def tick(self) -> float | None:
        """Poll the process; returns seconds until the next poll, None when idle."""
        for job in self._queue.tick():
            on_end, _ = self._callbacks.pop(job.request.job, (None, None))
            if on_end is not None:
                on_end(job)
        for _, on_tick in list(self._callbacks.values()):
            on_tick()
        if self._on_answer is not None and self._queue.asked is None:
            self._on_answer()
            self._on_answer = None
        works = self._queue.busy or self._queue.asked is not None
        return INTERVAL if works else self._tick_idle()

    def _poll(self) -> None:
        """Look at the process at once, and then at every interval."""
        if self._timers.is_registered(self._timer):
            self._timers.unregister(self._timer)
        self._timers.register(self._timer, first_interval=INTERVAL)

    @property
    def memory(self) -> int | None:
        """Bytes that a process holds while it waits, 0 if unknown; None if it works or is none."""
        return None if self._queue.idle_seconds is None else self._queue.memory

    @property
    def hello(self) -> wire.Hello | None:
        """The greeting of the process that runs."""
        return self._queue.hello

    @property
    def is_unloaded(self) -> bool:
        """Whether no process runs."""
        return not self._queue.runs

    def unload(self) -> None:
        """End a process that waits; the next job starts a new one."""
        if self._queue.idle_seconds is not None:
            self._queue.shutdown(grace=0.5)

    def _tick_idle(self) -> float | None:
        """Seconds until the next look at a process that waits; None without one that may end."""
        limit, idle = self._idle_limit(), self._queue.idle_seconds
        if idle is None or limit <= 0:
            return None
        if idle < limit:
            return min(limit - idle + INTERVAL, IDLE_INTERVAL)
        self.unload()
        return None

    def _shutdown(self) -> None:
        self._callbacks.clear()
        self._queue.shutdown(grace=0.5)

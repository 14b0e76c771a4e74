"""Drives the jobs from Blender's timers, on Blender's main thread.

The only module of this folder that knows Blender. While nothing is under way no timer
runs.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable
from typing import Final

import bpy

from .. import wire
from .jobs import Job, JobQueue
from .process import Launch

#: Seconds between two looks at the process while a job runs.
INTERVAL: Final = 0.1

OnEnd = Callable[[Job], None]
OnTick = Callable[[], None]

_queue: JobQueue | None = None
_on_end: dict[str, tuple[OnEnd, OnTick]] = {}


def start() -> None:
    """Get ready; no process is started before the first job."""
    global _queue  # noqa: PLW0603 - the one process of this Blender
    _queue = JobQueue()
    atexit.register(_shutdown)


def stop() -> None:
    """End the process and forget every job."""
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    _shutdown()
    atexit.unregister(_shutdown)


def submit(launch: Launch, request: wire.Generate, on_end: OnEnd, on_tick: OnTick) -> Job:
    """Send a request; ``on_end`` is called once, from a timer, when it has ended.

    Raises:
        LaunchError: when no process can be started.
    """
    assert _queue is not None, "the add-on is not registered"
    job = _queue.submit(launch, request)
    _on_end[request.job] = (on_end, on_tick)
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=INTERVAL)
    return job


def cancel(name: str) -> None:
    """Ask a job to stop; its ``on_end`` tells when it has."""
    if _queue is not None:
        _queue.cancel(name)


def forget(name: str) -> None:
    """Cancel a job and never call its ``on_end``."""
    cancel(name)
    _on_end.pop(name, None)


def _tick() -> float | None:
    if _queue is None:
        return None
    for job in _queue.tick():
        on_end, _ = _on_end.pop(job.request.job, (None, None))
        if on_end is not None:
            on_end(job)
    for _, on_tick in list(_on_end.values()):
        on_tick()
    return INTERVAL if _queue.busy else None


def _shutdown() -> None:
    global _queue
    queue, _queue = _queue, None
    _on_end.clear()
    if queue is not None:
        queue.shutdown(grace=0.5)

"""What is under way in this Blender, and what to tell of it. Never saved in a file."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Final

import bpy

from ..backend import pump
from ..backend.jobs import Job, JobState
from ..core.timeline.sequences import Piece
from ..scene.take.apply import ApplyReport


@dataclass
class Run:
    """A sequence on its way.

    Attributes:
        scene: its name.
        armature: name of the object that moves.
        pieces: all requests, in time order.
        whole: whether every block is made.
        done: how many pieces are written.
    """

    scene: str
    armature: str
    pieces: list[Piece]
    whole: bool
    done: int = 0


@dataclass
class Session:
    """The state that the panel shows.

    Attributes:
        job: the running job, or None.
        writing: the take that is being written, slice by slice, or None.
        run: the sequence that the job belongs to, or None.
        message: one sentence about the last thing that happened.
        failed: whether that sentence is about a failure.
        notes: sentences of the model about the last result.
        report: what the last result became.
        seconds: time that the last result took, from click to keyframes.
    """

    job: Job | None = None
    writing: Generator[None, None, ApplyReport] | None = None
    run: Run | None = None
    message: str = ""
    failed: bool = False
    notes: tuple[str, ...] = ()
    report: ApplyReport | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    def tell(self, message: str, *, failed: bool = False) -> None:
        """Show a sentence in the panel."""
        self.message, self.failed = message, failed
        redraw()


SESSION: Final = Session()

#: Words for the stages that the model's process reports.
STAGES: Final = {
    "load": "Loading the model",
    "encode": "Reading the poses",
    "generate": "Generating",
    "decode": "Decoding",
}


def stage_text(job: Job) -> str:
    """What a job is doing, in words."""
    if job.state is JobState.STARTING:
        return "Starting the model's process"
    if job.state is JobState.CANCELLING:
        return "Cancelling"
    return STAGES.get(job.stage, "Waiting for the model")


def reset() -> None:
    """Forget everything, as at the start."""
    if SESSION.job is not None:
        pump.forget(SESSION.job.request.job)
        shutil.rmtree(SESSION.job.request.folder, ignore_errors=True)
    if SESSION.writing is not None:
        SESSION.writing.close()
    SESSION.__init__()


def redraw() -> None:
    """Redraw the side bars, so that the panel shows what has changed."""
    manager = getattr(bpy.context, "window_manager", None)
    for window in manager.windows if manager else ():
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


@bpy.app.handlers.persistent
def on_load(*_: Any) -> None:
    """Before another file is loaded: the running job belongs to the file that goes."""
    busy = SESSION.job is not None or SESSION.writing is not None
    reset()
    if busy:
        SESSION.tell("Another file was opened: the motion under way was dropped.")


def in_a_window(call: Callable[[], Any]) -> None:
    """Call with a window in the context, which timers lack; without windows not at all."""
    manager = getattr(bpy.context, "window_manager", None)
    if manager and manager.windows:
        with bpy.context.temp_override(window=manager.windows[0]):
            call()

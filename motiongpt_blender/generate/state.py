"""What is known of each character's takes while Blender runs. Never saved in a file."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final, TypeAlias

from ..backend.jobs import Job, JobState
from ..backend.process import Launch
from ..core.body.motion import MotionClip
from ..core.timeline.sequences import Piece
from ..core.translation import msgid, tr
from ..scene.take.report import ApplyReport
from ..wire import DESCRIBING, LOADING, Sampling
from .adapters import CharacterKey
from .take_request import PreparedTake

#: Called once when a take has ended: True after it was written.
OnDone: TypeAlias = Callable[[bool], None]


class Phase(Enum):
    """Where a take under way is.

    A held one was made for a character that is gone meanwhile, and waits for an undo.
    """

    GENERATING = "generating"
    WRITING = "writing"
    HELD = "held"


@dataclass(eq=False)
class PendingTake:
    """A take under way, with all that was known at the click.

    Attributes:
        character: who moves.
        prepared: what was sent; with the answer come its notes.
        folder: the job's folder.
        clicked: clock time of the click, seconds.
        job: the request at the model's process.
        on_done: called when it has ended.
        clips: the model's answer, best first; empty while the model works.
        slices: what is left to write; None before its turn.
        held: whether its character was gone when the answer came.
    """

    character: CharacterKey
    prepared: PreparedTake
    folder: Path
    clicked: float
    job: Job
    on_done: OnDone | None = None
    clips: tuple[MotionClip, ...] = ()
    slices: Generator[None, None, tuple[ApplyReport, ...]] | None = None
    held: bool = False

    @property
    def phase(self) -> Phase:
        """Whether the model works, the take is being written, or its character is gone."""
        if not self.clips:
            return Phase.GENERATING
        return Phase.HELD if self.held else Phase.WRITING


@dataclass
class SequenceRun:
    """A sequence under way.

    Attributes:
        character: who moves.
        pieces: all requests, in time order.
        whole: whether every block of the sequence is made.
        launch: how the model's process is started.
        sampling: how the model samples; each piece has a seed of its own.
        done: how many pieces are written.
    """

    character: CharacterKey
    pieces: tuple[Piece, ...]
    whole: bool
    launch: Launch
    sampling: Sampling
    done: int = 0

    @property
    def piece(self) -> Piece:
        """The piece whose turn it is."""
        return self.pieces[self.done]

    @property
    def progress(self) -> str:
        """What is being made, in words."""
        part = tr("part {part} of {parts}", part=self.done + 1, parts=len(self.pieces))
        return tr("Generating block {number}, {part}", number=self.piece.block + 1, part=part)


@dataclass
class CharacterState:
    """What the panel shows of one character.

    Attributes:
        message: one sentence about the last thing that happened.
        failed: whether that sentence is about a failure.
        seconds: time of each stage of the last take, and from click to keyframes ("total").
        sequence: the sequence under way, or None.
        description: what the model last said of an action of the character, or "".
        described: session id of that action.
    """

    message: str = ""
    failed: bool = False
    seconds: dict[str, float] = field(default_factory=lambda: {})
    sequence: SequenceRun | None = None
    description: str = ""
    described: int = 0

    def begin(self) -> None:
        """Clear the last message, as another take is under way."""
        self.message, self.failed = "", False


#: Words for the stages that the model's process reports.
STAGES: Final = {
    LOADING: msgid("Loading the model"),
    "encode": msgid("Reading prompt and poses"),
    "generate": msgid("Generating"),
    "decode": msgid("Decoding"),
    DESCRIBING: msgid("Describing"),
}


def stage_text(job: Job) -> str:
    """What a job is doing, in words."""
    if job.state is JobState.STARTING:
        return tr("Starting the model's process")
    if job.state is JobState.CANCELLING:
        return tr("Cancelling")
    return tr(STAGES.get(job.stage, msgid("Waiting for the model")))


def progress_text(take: PendingTake) -> str:
    """What becomes of a take under way, in words."""
    if take.phase is Phase.HELD:
        return tr("Gone: undo its removal")
    if take.phase is Phase.WRITING:
        return tr("Writing the keys")
    return stage_text(take.job)

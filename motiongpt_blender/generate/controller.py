"""Makes takes: sends requests, waits for the answers, writes them in slices, one after the other.

Each character has one request under way at most; those of several wait at the model's process.
State belongs to the character that a take is made for. What happens in between (an undo,
another scene, another file, an armature that is removed) is expected.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from ..backend.jobs import Job, JobState
from ..backend.process import Launch, LaunchError
from ..core.body.motion import MotionClip, MotionError
from ..core.pose_constraints.rig_pose import PoseError
from ..core.timeline.frame_range import FrameRangeError
from ..core.timeline.plan import PlanError
from ..core.translation import tr, translate_received
from ..scene.errors import RigError, WriteError
from ..scene.take.report import ApplyReport
from ..wire import Result
from .adapters import Backend, Blender, Character, CharacterKey
from .job import GenerateError, any_script, max_frames, request_message, write_job_folder
from .request import prepare
from .state import CharacterState, OnDone, PendingTake, Phase
from .take_request import PreparedTake, TakeRequest

#: What a request may be refused with; each message is one sentence.
REFUSED: Final = (GenerateError, PlanError, PoseError, RigError, FrameRangeError, LaunchError)
#: What may keep a motion from being written; each message is one sentence.
NOT_WRITTEN: Final = (RigError, WriteError, MotionError, PoseError)
#: Seconds that Blender gets between two slices of writing.
PAUSE: Final = 0.001

_log = logging.getLogger(__name__)


class Controller:
    """The takes of all characters. Each has one request under way at a time."""

    def __init__(
        self, blender: Blender, backend: Backend, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.blender = blender
        self._backend = backend
        self._clock = clock
        self._states: dict[int, CharacterState] = {}
        #: The takes under way, in the order of the clicks.
        self.under_way: list[PendingTake] = []
        #: What there is to say of a character that is gone, or of none.
        self.notice = CharacterState()

    def state(self, armature: int) -> CharacterState:
        """The state of a character, by its armature's session id."""
        return self._states.setdefault(armature, CharacterState())

    def shown(self, armature: int) -> CharacterState:
        """The state whose message the panel shows for a character."""
        return self.notice if self.notice.message else self.state(armature)

    def tell(self, character: CharacterKey, message: str, *, failed: bool = False) -> None:
        """Show a sentence in the character's panel; where it is gone, in any."""
        gone = self.blender.find(character) is None
        self.notice = CharacterState()
        state = self.notice if gone else self.state(character.armature)
        state.message, state.failed = message, failed
        self.blender.redraw()

    @property
    def pending(self) -> PendingTake | None:
        """The take whose turn it is, or None; one that is held is nobody's turn."""
        return next((take for take in self.under_way if not take.held), None)

    def pending_of(self, armature: int) -> PendingTake | None:
        """The take under way for a character, by its armature's session id; or None."""
        return next((t for t in self.under_way if t.character.armature == armature), None)

    def why_busy(self, armature: int) -> str:
        """Why nothing can be asked for a character now, or ""."""
        take = self.pending_of(armature)
        if take is None:
            return ""
        if take.phase is Phase.GENERATING:
            return tr("A motion is being generated: wait or cancel it")
        return tr("The last motion is being written: wait a moment")

    def start(
        self,
        character: Character,
        request: TakeRequest,
        launch: Launch,
        on_done: OnDone | None = None,
    ) -> Job:
        """Prepare a take and send its request.

        Args:
            character: who moves.
            request: what is asked for.
            launch: how the model's process is started.
            on_done: called once when the take has ended: True after it was written.

        Raises:
            GenerateError, PlanError, PoseError, RigError, LaunchError: nothing is under way for the
                character then, or what was before.
        """
        clicked, key = self._clock(), character.key
        if reason := self.why_busy(key.armature):
            raise GenerateError(f"{reason}.")
        prepared = prepare(
            character,
            request,
            self.blender.time(),
            max_frames(launch.pack),
            any_script=any_script(launch.pack),
        )
        folder = write_job_folder(prepared)
        message = request_message(prepared, folder)
        try:
            job = self._backend.submit(launch, message, self._on_end, self.blender.redraw)
        except LaunchError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self.under_way.append(PendingTake(key, prepared, folder, clicked, job, on_done))
        self.notice = CharacterState()
        self.state(key.armature).begin()
        self.blender.redraw()
        return job

    def cancel(self, take: PendingTake) -> None:
        """Ask the model's process to stop, or drop a take that is held; the scene stays."""
        if take.phase is Phase.GENERATING:
            self._backend.cancel(take.job.request.job)
            self.blender.redraw()
        elif take.phase is Phase.HELD:
            self._end(take, written=False)

    def forget_failures(self) -> None:
        """Take away what was said of failures, as their reason is gone."""
        for state in (self.notice, *self._states.values()):
            if state.failed:
                state.begin()

    def cancel_all(self) -> None:
        """Cancel what waits, then what the model works on."""
        for take in reversed(tuple(self.under_way)):
            self.cancel(take)

    def drop_all(self) -> bool:
        """Forget every character and all takes under way; returns whether there were any."""
        takes, self.under_way = self.under_way, []
        self._states.clear()
        self.notice = CharacterState()
        for take in reversed(takes):
            self._backend.forget(take.job.request.job)
            shutil.rmtree(take.folder, ignore_errors=True)
            if take.slices is not None:
                take.slices.close()
        return bool(takes)

    def look_again(self) -> None:
        """After an undo: write the takes of characters that are there again."""
        self._write_next()

    # --- the end of a job ------------------------------------------------------------

    def _on_end(self, job: Job) -> None:
        """Take in the end of a job, whatever it is."""
        take = next((take for take in self.under_way if take.job is job), None)
        if take is None:
            return
        try:
            self._take_in(take)
        except Exception as error:  # Blender drops a timer that raises, and says nothing
            take.clips = ()
            self._tell_unexpected(take, error)
        finally:
            shutil.rmtree(take.folder, ignore_errors=True)
        if take.clips:
            self._write_next()
        else:
            self._end(take, written=False)

    def _take_in(self, take: PendingTake) -> None:
        """Read the answer, or tell why there is none."""
        job = take.job
        if job.state is JobState.CANCELLED:
            self.tell(take.character, tr("Cancelled: nothing was changed."))
            return
        if job.state is not JobState.DONE:
            if job.detail:
                _log.error("%s", job.detail)
            self.tell(take.character, job.error, failed=True)
            return
        assert isinstance(job.result, Result)
        try:
            take.clips = load_clips(take.prepared, job.result, take.folder)
        except MotionError as error:
            self.tell(take.character, str(error), failed=True)
            return
        notes = (*take.prepared.notes, *map(translate_received, job.result.notes))
        take.prepared = replace(take.prepared, notes=notes)

    def _write_next(self) -> None:
        """Begin to write the first take whose answer has come, unless one is being written."""
        if any(take.slices is not None for take in self.under_way):
            return
        for take in self.under_way:
            character = self.blender.find(take.character) if take.clips else None
            if character is not None:
                take.held = False
                take.slices = character.write(take.clips, take.prepared)
                self.blender.run_slices(partial(self._write_slice, take))
                return
            if take.clips and not take.held:
                self._hold(take)

    def _hold(self, take: PendingTake) -> None:
        """Keep the answer for a character that is gone, until an undo brings it back."""
        take.held, take.slices = True, None
        message = tr(
            "The armature '{name}' is gone: undo its removal to get its motion, or choose another "
            "armature and press Generate.",
            name=take.character.name,
        )
        self.tell(take.character, message, failed=True)

    def _write_slice(self, take: PendingTake) -> float | None:
        """Write one slice; returns seconds until the next, or None after the last."""
        if take not in self.under_way or take.slices is None:
            return None
        written = False
        try:
            with self.blender.in_scene(take.character):
                next(take.slices)
        except StopIteration as end:
            self._report(take, end.value)
            written = True
        except NOT_WRITTEN as error:
            if self.blender.find(take.character) is None:
                self._hold(take)
                self._write_next()
                return None
            self.tell(take.character, str(error), failed=True)
        except Exception as error:
            self._tell_unexpected(take, error)
        else:
            return PAUSE
        self._end(take, written=written)
        return None

    def _report(self, take: PendingTake, reports: Sequence[ApplyReport]) -> None:
        """Tell of what was written."""
        assert isinstance(take.job.result, Result)
        total = self._clock() - take.clicked
        state = self.state(take.character.armature)
        state.seconds = {**take.job.result.seconds, **reports[0].seconds, "total": total}
        self.blender.push_undo("MotionGPT: Generate")
        text = tr("{made} ({seconds:.1f} s).", made=made_text(reports), seconds=total)
        self.tell(take.character, text)

    def _end(self, take: PendingTake, *, written: bool) -> None:
        """Free the character for its next request, then tell who waits for the end."""
        self.under_way.remove(take)
        self.blender.redraw()
        if take.on_done is not None:
            take.on_done(written)
        self._write_next()

    def _tell_unexpected(self, take: PendingTake, error: Exception) -> None:
        name = take.character.name
        _log.error("The motion could not be put on '%s'", name, exc_info=error)
        reason = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".")
        self.tell(
            take.character,
            tr(
                "The motion could not be put on '{name}' ({reason}): the console has the "
                "details; press Generate to try again.",
                name=name,
                reason=reason,
            ),
            failed=True,
        )


def load_clips(take: PreparedTake, result: Result, folder: Path) -> tuple[MotionClip, ...]:
    """The clips of an answer that takes are made of, best first; raises MotionError."""
    wanted = take.request.takes
    names = result.clips[:1] if wanted == 1 else (result.alternatives or result.clips)[:wanted]
    return tuple(take.cut(MotionClip.load(folder / name)) for name in names)


def made_text(reports: Sequence[ApplyReport]) -> str:
    """What was made, in words; short, so that a long name moves nothing in the panel."""
    if len(reports) == 1:
        return tr("The take is on a new NLA track")
    return tr("{count} takes: choose one below, then Keep it", count=len(reports))

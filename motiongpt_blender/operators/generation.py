"""Generate and Cancel: from the panel's wish to a take on the armature."""

import json
import shutil
import time
import traceback
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .. import paths, wire
from ..backend import pump
from ..backend.jobs import Job, JobState
from ..backend.process import Launch, LaunchError
from ..core.keys import PoseError
from ..core.motion import MODEL_FPS, MotionClip, MotionError
from ..core.plan import Plan, PlanError, plan
from ..core.poses import MarkedPose
from ..preferences import Settings, settings
from ..properties.scene import target
from ..scene.action_writer import WriteError
from ..scene.apply import ApplyReport, scene_fps, steps_of_take
from ..scene.rig import RigError, check_usable, describe
from .poses import NO_ARMATURE
from .session import SESSION, in_a_window, redraw

#: Frames of the longest motion when the pack does not say.
MAX_FRAMES = 196


class GenerateError(RuntimeError):
    """The wish cannot be sent; the message is one sentence for the user."""


@dataclass(frozen=True)
class Ticket:
    """What has to be known when the answer comes, taken down at the click.

    Names, not data-blocks: an undo in between gives the blocks new addresses.
    """

    scene: str
    armature: str
    plan: Plan
    marked: tuple[MarkedPose, ...]
    folder: Path
    clicked: float


class MOTIONGPT_OT_generate(bpy.types.Operator):
    """Send the prompt and the marked poses to the model; the motion arrives as a new NLA track"""

    bl_idname = "motiongpt.generate"
    bl_label = "Generate"
    # The undo step is pushed when the result arrives: one step for the whole.
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """An armature, a prompt, and no job under way."""
        reason = _why_not(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def execute(self, context: Any) -> set[str]:
        """Plan, write the poses, send; the answer is taken in by a timer."""
        try:
            start(context)
        except (GenerateError, PlanError, PoseError, RigError, LaunchError) as error:
            SESSION.tell(str(error), failed=True)
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class MOTIONGPT_OT_cancel(bpy.types.Operator):
    """Stop generating; the scene stays as it is"""

    bl_idname = "motiongpt.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Something must be under way."""
        if SESSION.job is None:
            cls.poll_message_set("Nothing is being generated")
        return SESSION.job is not None

    def execute(self, context: Any) -> set[str]:
        """Ask the process to stop."""
        assert SESSION.job is not None
        pump.cancel(SESSION.job.request.job)
        redraw()
        return {"FINISHED"}


def _why_not(context: Any) -> str:
    if SESSION.job is not None:
        return "A motion is being generated: wait or cancel it"
    if SESSION.writing is not None:
        return "The last motion is being written: wait a moment"
    if target(context) is None:
        return NO_ARMATURE
    return ""


def start(context: Any) -> Job:
    """Send what the panel asks for; raises one of the errors that ``execute`` reports."""
    obj, wish, chosen = target(context), context.scene.motiongpt, settings(context)
    check_usable(obj)
    describe(obj)  # a rig that cannot be mapped is refused before the model works
    launch = _launch(chosen)
    marked = tuple(sorted((p.load() for p in obj.motiongpt.poses), key=lambda m: m.frame))
    planned = plan(
        wish.prompt,
        [(m.frame, m.role) for m in marked],
        context.scene.frame_current,
        wish.seconds,
        scene_fps(),
        MODEL_FPS,
        _max_frames(chosen.pack),
    )
    folder = _job_folder(marked)
    ticket = Ticket(context.scene.name, obj.name, planned, marked, folder, time.perf_counter())
    request = wire.Generate(
        job=uuid.uuid4().hex[:12],
        prompt=planned.prompt,
        frames=planned.frames,
        folder=str(folder),
        pose_frames=planned.pose_frames,
        seed=wish.seed,
        tries=wish.tries,
    )
    try:
        job = pump.submit(launch, request, lambda ended: finish(ticket, ended), redraw)
    except LaunchError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    SESSION.job, SESSION.report, SESSION.notes = job, None, ()
    SESSION.tell("")
    return job


def _launch(chosen: Settings) -> Launch:
    if chosen.python is None:
        raise GenerateError(
            "The model's Python is not set up: run 'python build.py demo' once, or name a Python "
            "in the add-on's preferences."
        )
    if not chosen.fake and not (chosen.pack / "pack.json").is_file():
        raise GenerateError(
            f"There is no model pack in {chosen.pack}: choose its folder in the add-on's "
            "preferences."
        )
    return Launch(chosen.python, paths.ROOT, chosen.pack, chosen.device, chosen.fake)


def _job_folder(marked: tuple[MarkedPose, ...]) -> Path:
    """A folder for one job, with the marked poses in it."""
    folder = None
    try:
        folder = paths.new_job_folder()
        if marked:
            np.savez(folder / wire.POSES_FILE, joints=np.stack([m.joints for m in marked]))
    except OSError as error:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        raise GenerateError(
            f"The request cannot be written to the temporary folder ({error.strerror}): make "
            "room on its disk, then press Generate again."
        ) from None
    return folder


def _max_frames(pack: Path) -> int:
    """Longest motion of a pack; a pack that cannot be read is refused by its own process."""
    try:
        return int(json.loads((pack / "pack.json").read_text(encoding="utf-8"))["max_frames"])
    except (OSError, ValueError, KeyError, TypeError):
        return MAX_FRAMES


def finish(ticket: Ticket, job: Job) -> None:
    """Take in the end of a job, whatever it is; runs from a timer."""
    SESSION.job = None
    try:
        if job.state is JobState.DONE:
            _apply(ticket, job)
        elif job.state is JobState.CANCELLED:
            SESSION.tell("Cancelled; nothing was changed.")
        else:
            if job.detail:
                print(job.detail)
            SESSION.tell(job.error, failed=True)
    except Exception as error:  # Blender drops a timer that raises, and nobody would hear of it
        _tell_broken(ticket, error)
    finally:
        shutil.rmtree(ticket.folder, ignore_errors=True)


def _tell_broken(ticket: Ticket, error: Exception) -> None:
    traceback.print_exc()
    said = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".")
    SESSION.tell(
        f"The motion could not be put on '{ticket.armature}' ({said}): the console has the "
        "details; press Generate to try again.",
        failed=True,
    )


def _apply(ticket: Ticket, job: Job) -> None:
    """Begin to write the motion; Blender gets its turn between two slices of the work."""
    assert job.result is not None
    scene = bpy.data.scenes.get(ticket.scene)
    obj = scene.objects.get(ticket.armature) if scene else None
    if obj is None or obj.type != "ARMATURE":
        SESSION.tell(
            f"The armature '{ticket.armature}' is gone: the motion that was made for it was "
            "dropped; choose an armature and press Generate again.",
            failed=True,
        )
        return
    try:
        clip = MotionClip.load(ticket.folder / job.result.clips[0])
    except MotionError as error:
        SESSION.tell(str(error), failed=True)
        return
    SESSION.writing = steps_of_take(
        obj,
        clip,
        ticket.marked,
        ticket.plan.start_frame,
        take_name(ticket.plan.prompt),
        obj.motiongpt.retargeting.options(),
    )
    if bpy.app.background:  # no window to keep alive, and no timers that run
        while _write_slice(ticket, job) is not None:
            pass
    else:
        bpy.app.timers.register(lambda: _write_slice(ticket, job), first_interval=0.0)


def _write_slice(ticket: Ticket, job: Job) -> float | None:
    """One slice; seconds until the next, or None after the last."""
    if SESSION.writing is None:
        return None
    try:
        next(SESSION.writing)
    except StopIteration as end:
        SESSION.writing = None
        _written(ticket, job, end.value)
    except (RigError, WriteError, MotionError, PoseError) as error:
        SESSION.writing = None
        SESSION.tell(str(error), failed=True)
    except Exception as error:
        SESSION.writing = None
        _tell_broken(ticket, error)
    else:
        return 0.001
    return None


def _written(ticket: Ticket, job: Job, report: ApplyReport) -> None:
    assert job.result is not None
    SESSION.report, SESSION.notes = report, (*job.result.notes, *report.notes)
    total = time.perf_counter() - ticket.clicked
    SESSION.seconds = {**job.result.seconds, **report.seconds, "total": total}
    in_a_window(lambda: bpy.ops.ed.undo_push(message="MotionGPT: Generate"))
    SESSION.tell(f"'{report.action_name}' is on a new NLA track ({total:.1f} s).")


def take_name(prompt: str) -> str:
    """Name of a take: the prompt, cut at a word so that Blender's 63 bytes hold it."""
    words, name = prompt.split(), ""
    for word in words:
        longer = f"{name} {word}".strip()
        if len(longer.encode("utf-8")) > 48:
            break
        name = longer
    return name or words[0].encode("utf-8")[:48].decode("utf-8", "ignore")

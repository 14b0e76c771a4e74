"""Generate and Cancel: from the panel's wish to a take on the armature."""

import contextlib
import json
import shutil
import time
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .. import paths, wire
from ..backend import pump
from ..backend.jobs import Job, JobState
from ..backend.process import Launch, LaunchError
from ..core.body.motion import MotionClip, MotionError
from ..core.pose_constraints.correction import PoseError
from ..core.pose_constraints.marked_pose import PoseRole
from ..core.timeline.frame_range import Fit, FrameRangeError, FrameRangeMode, find_frame_range
from ..core.timeline.plan import PlanError
from ..generate.request import MAX_FRAMES, PreparedTake, TakeRequest, prepare
from ..generate.state import SESSION, in_a_window, redraw
from ..preferences import Settings, settings
from ..properties.scene import target
from ..scene.action.action_writer import WriteError
from ..scene.rig.description import RigError, check_usable
from ..scene.scene_time import current_frame
from ..scene.take.apply import ApplyReport, apply_slices
from ..scene.take.provenance import record_provenance
from ..scene.take.surroundings import keyed_frames
from .poses import NO_ARMATURE


class GenerateError(RuntimeError):
    """The wish cannot be sent; the message is one sentence for the user."""


#: Told whether the take was written.
OnDone = Callable[[bool], None]


@dataclass(frozen=True)
class PendingTake:
    """What has to be known when the answer comes, taken down at the click.

    Names, not data-blocks: an undo in between gives the blocks new addresses.
    """

    scene: str
    armature: str
    prepare: PreparedTake
    folder: Path
    clicked: float
    on_done: OnDone | None = None

    def end(self, *, written: bool) -> None:
        """Tell who waits for the end."""
        if self.on_done is not None:
            self.on_done(written)


#: What a wish may be refused with, one sentence each.
REFUSED = (GenerateError, PlanError, PoseError, RigError, FrameRangeError, LaunchError)


class MOTIONGPT_OT_generate(bpy.types.Operator):
    """Send the prompt and the marked poses to the model; the motion arrives as a new NLA track"""

    bl_idname = "motiongpt.generate"
    bl_label = "Generate"
    # The undo step is pushed when the result arrives: one step for the whole.
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        """An armature, a prompt, and no job under way."""
        reason = why_not(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def execute(self, context: Any) -> set[str]:
        """Plan, write the poses, send; the answer is taken in by a timer."""
        try:
            start(context)
        except REFUSED as error:
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


def why_not(context: Any) -> str:
    """Why nothing can be sent now, or ""."""
    if SESSION.job is not None:
        return "A motion is being generated: wait or cancel it"
    if SESSION.writing is not None:
        return "The last motion is being written: wait a moment"
    if target(context) is None:
        return NO_ARMATURE
    return ""


def start(context: Any) -> Job:
    """Send what the panel asks for; raises one of the errors that ``execute`` reports."""
    obj = target(context)
    check_usable(obj)
    return send(context, obj, panel_wish(context, obj))


def panel_wish(context: Any, obj: Any) -> TakeRequest:
    """What the panel asks for; raises WindowError or PoseError."""
    wish, place = context.scene.motiongpt, context.scene.motiongpt.frame_range
    mode = FrameRangeMode(place.mode)
    own = mode is not FrameRangeMode.BETWEEN
    keyed = (
        []
        if mode in (FrameRangeMode.FREE, FrameRangeMode.RANGE)
        else keyed_frames(obj, generated=own)
    )
    window = find_frame_range(mode, current_frame(), (place.start, place.end), keyed)
    return TakeRequest(
        prompt=wish.prompt,
        seconds=wish.seconds,
        seed=wish.seed,
        marked=tuple(p.load() for p in obj.motiongpt.poses),
        frame_range=window,
        joined=frozenset((PoseRole.START, PoseRole.END)),
        fit=Fit(
            alone=window is None,
            holds=window is None or window.end is None,
            loop=place.loop,
            cyclic=place.cyclic,
        ),
    )


def send(context: Any, obj: Any, wish: TakeRequest, on_done: OnDone | None = None) -> Job:
    """Send a request.

    Args:
        context: for the scene and the preferences.
        obj: the armature that moves.
        wish: the take that is asked for.
        on_done: called once when it has ended: True after a take was written.
    """
    chosen = settings(context)
    launch = _launch(chosen)
    prepared = prepare(obj, wish, max_frames(chosen.pack))
    folder = _job_folder(prepared)
    pending = PendingTake(
        context.scene.name, obj.name, prepared, folder, time.perf_counter(), on_done
    )
    request = wire.Generate(
        job=uuid.uuid4().hex[:12],
        prompt=prepared.plan.prompt,
        frames=prepared.frames,
        folder=str(folder),
        pose_frames=tuple(told.at for told in prepared.poses),
        seed=prepared.seed,
        candidates=context.scene.motiongpt.candidates,
        guidance_strength=context.scene.motiongpt.guidance,
        continues=prepared.before is not None,
    )
    try:
        job = pump.submit(launch, request, lambda ended: finish(pending, ended), redraw)
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


def _job_folder(prepared: PreparedTake) -> Path:
    """A folder for one job, with the poses and the beginning in it."""
    folder = None
    arrays: dict[str, Any] = {}
    if prepared.poses:
        arrays["joints"] = np.stack([told.joints for told in prepared.poses])
        arrays["bound"] = np.stack([told.bound for told in prepared.poses])
    if prepared.before is not None:
        arrays["history"] = prepared.before
    try:
        folder = paths.new_job_folder()
        if arrays:
            np.savez(folder / wire.POSES_FILE, **arrays)
    except OSError as error:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        raise GenerateError(
            f"The request cannot be written to the temporary folder ({error.strerror}): make "
            "room on its disk, then press Generate again."
        ) from None
    return folder


def max_frames(pack: Path) -> int:
    """Longest motion of a pack; a pack that cannot be read is refused by its own process."""
    try:
        return int(json.loads((pack / "pack.json").read_text(encoding="utf-8"))["max_frames"])
    except (OSError, ValueError, KeyError, TypeError):
        return MAX_FRAMES


def finish(pending: PendingTake, job: Job) -> None:
    """Take in the end of a job, whatever it is; runs from a timer."""
    SESSION.job, writes = None, False
    try:
        if job.state is JobState.DONE:
            writes = _apply(pending, job)
        elif job.state is JobState.CANCELLED:
            SESSION.tell("Cancelled; nothing was changed.")
        else:
            if job.detail:
                print(job.detail)
            SESSION.tell(job.error, failed=True)
    except Exception as error:  # Blender drops a timer that raises, and nobody would hear of it
        _tell_broken(pending, error)
    finally:
        shutil.rmtree(pending.folder, ignore_errors=True)
    if not writes:
        pending.end(written=False)


def _tell_broken(pending: PendingTake, error: Exception) -> None:
    traceback.print_exc()
    said = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".")
    SESSION.tell(
        f"The motion could not be put on '{pending.armature}' ({said}): the console has the "
        "details; press Generate to try again.",
        failed=True,
    )


def _apply(pending: PendingTake, job: Job) -> bool:
    """Begin to write the motion; Blender gets its turn between two slices of the work.

    Returns whether it began; the last slice tells how it ended.
    """
    assert job.result is not None
    scene = bpy.data.scenes.get(pending.scene)
    obj = scene.objects.get(pending.armature) if scene else None
    if obj is None or obj.type != "ARMATURE":
        SESSION.tell(
            f"The armature '{pending.armature}' is gone: the motion that was made for it was "
            "dropped; choose an armature and press Generate again.",
            failed=True,
        )
        return False
    prepared = pending.prepare
    try:
        clip = prepared.cut(MotionClip.load(pending.folder / job.result.clips[0]))
    except MotionError as error:
        SESSION.tell(str(error), failed=True)
        return False
    SESSION.writing = apply_slices(
        obj,
        clip,
        prepared.marked,
        prepared.plan.start_frame,
        take_name(prepared.plan.prompt),
        obj.motiongpt.retargeting.options(),
        prepared.fit,
        round(prepared.plan.end_frame - prepared.plan.start_frame) + 1,
    )
    if bpy.app.background:  # no window to keep alive, and no timers that run
        while _write_slice(pending, job, clip) is not None:
            pass
    else:
        bpy.app.timers.register(lambda: _write_slice(pending, job, clip), first_interval=0.0)
    return True


def in_scene(name: str) -> contextlib.AbstractContextManager[Any]:
    """The context of the scene that a take was asked for, wherever the animator has gone since."""
    scene = bpy.data.scenes.get(name)
    if scene is None or scene == bpy.context.scene:
        return contextlib.nullcontext()
    return bpy.context.temp_override(scene=scene, view_layer=scene.view_layers[0])


def _write_slice(pending: PendingTake, job: Job, clip: MotionClip) -> float | None:
    """One slice; seconds until the next, or None after the last."""
    if SESSION.writing is None:
        return None
    written = False
    try:
        with in_scene(pending.scene):
            next(SESSION.writing)
    except StopIteration as end:
        SESSION.writing, written = None, True
        _written(pending, job, clip, end.value)
    except (RigError, WriteError, MotionError, PoseError) as error:
        SESSION.writing = None
        SESSION.tell(str(error), failed=True)
    except Exception as error:
        SESSION.writing = None
        _tell_broken(pending, error)
    else:
        return 0.001
    pending.end(written=written)
    return None


def _written(pending: PendingTake, job: Job, clip: MotionClip, report: ApplyReport) -> None:
    assert job.result is not None
    SESSION.report, SESSION.notes = (
        report,
        (
            *pending.prepare.notes,
            *job.result.notes,
            *report.notes,
        ),
    )
    if (action := bpy.data.actions.get(report.action_name)) is not None:
        record_provenance(action, clip)
    total = time.perf_counter() - pending.clicked
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

"""The controller of this Blender while the add-on is enabled, and what it needs of Blender."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeGuard

import bpy

from .. import paths, preferences
from ..backend.child_task import ChildTask
from ..backend.log_file import close_log, open_log
from ..backend.pump import Pump
from ..compat import session_id, stored_values
from ..core.translation import tr
from ..generate.adapters import CharacterKey, SceneTime
from ..generate.controller import Controller
from ..generate.description import Describer
from ..generate.prompt_questions import PromptQuestions
from ..generate.state import CharacterState, Phase, progress_text
from ..properties import armature
from ..properties.scene import target
from ..scene.kept import PROPERTY
from ..scene.scene_time import current_frame, scene_fps
from ..scene.take.placing import restore_properties
from ..scene.take.provenance import carry_terms
from .character import ArmatureCharacter, scene_of
from .targets import OperatorResult

#: The add-on's package, above all of its loggers.
LOGGERS: Final = __name__.rpartition(".operators.")[0]


class BlenderAdapter:
    """Blender, as ``generate`` sees it."""

    def __init__(self) -> None:
        #: Whether somebody waits, so that nothing may be left to a timer.
        self.waited_for = False
        self._step: Callable[[], float | None] | None = None

    def time(self) -> SceneTime:
        """The current scene's time."""
        return SceneTime(current_frame(), scene_fps())

    def find(self, key: CharacterKey) -> ArmatureCharacter | None:
        """The character again, or None when it is gone."""
        return ArmatureCharacter.find(key)

    def in_scene(self, key: CharacterKey) -> contextlib.AbstractContextManager[object]:
        """The context of the character's scene, whichever scene is shown by now."""
        scene = scene_of(key)
        if scene is None or scene == bpy.context.scene:
            return contextlib.nullcontext()
        return bpy.context.temp_override(scene=scene, view_layer=scene.view_layers[0])

    def run_slices(self, step: Callable[[], float | None]) -> None:
        """Call ``step`` from a timer until it returns None."""
        self._step = step
        if bpy.app.background or self.waited_for:  # no window to keep alive, or one that waits
            self.finish_slices()
        else:
            bpy.app.timers.register(step, first_interval=0.0)

    def finish_slices(self) -> None:
        """Do at once what is left to a timer."""
        step, self._step = self._step, None
        if step is None:
            return
        if bpy.app.timers.is_registered(step):
            bpy.app.timers.unregister(step)
        while step() is not None:
            pass

    def push_undo(self, message: str) -> None:
        """End an undo step; a timer's context has no window, and without windows there is none."""
        manager = bpy.context.window_manager
        if manager is not None and manager.windows:
            with bpy.context.temp_override(window=manager.windows[0]):
                bpy.ops.ed.undo_push(message=message)

    def redraw(self) -> None:
        """Redraw the side bars, and tell the progress in the status bar."""
        manager = bpy.context.window_manager
        if not _has_windows(manager):
            return
        text = _status_text()
        for window in manager.windows:
            window.workspace.status_text_set(text)
            for area in window.screen.areas:
                if area.type == "VIEW_3D":
                    area.tag_redraw()


def _has_windows(manager: bpy.types.WindowManager | None) -> TypeGuard[bpy.types.WindowManager]:
    """Whether there is a window to draw in: in the background Blender has those of the file.

    To write into the status bar of one of these ends Blender 5.2.
    """
    return manager is not None and len(manager.windows) > 0 and not bpy.app.background


def _status_text() -> str | None:
    """What the status bar says of the take under way; None, its usual text, without one."""
    controller = _session.controller if _session is not None else None
    take = controller.pending if controller is not None else None
    if controller is None or take is None:
        return None
    name, progress = take.character.name, progress_text(take)
    if behind := len(controller.under_way) - 1:
        progress = tr("{progress}, {count} more wait", progress=progress, count=behind)
    if take.phase is Phase.WRITING:
        return tr("MotionGPT: {name}, {progress}", name=name, progress=progress)
    return tr(
        "MotionGPT: {name}, {fraction:.0%}, {progress}   Esc: Cancel",
        name=name,
        fraction=take.job.fraction,
        progress=progress,
    )


class Session:
    """What the add-on holds from ``register`` to ``unregister``."""

    def __init__(self) -> None:
        self._log = open_log(LOGGERS)
        self.pump = Pump(bpy.app.timers, idle_limit=preferences.idle_seconds)
        self.blender = blender = BlenderAdapter()
        self.controller = Controller(blender, self.pump)
        self.questions = PromptQuestions(self.pump, bpy.app.timers, blender.redraw)
        self.describer = Describer(self.pump, self.controller.blender.redraw)
        #: Set Up or a download, under way or the last one that ended.
        self.task: ChildTask | None = None
        #: Whether a Python was found for some preferences; panels ask at every redraw.
        self.found: tuple[tuple[str, bool], bool] | None = None

    def close(self) -> None:
        """Drop what is under way and end the model's process."""
        if self.task is not None:
            self.task.cancel()
        self.questions.close()
        self.controller.drop_all()
        self.describer.drop()
        self.pump.close()
        close_log(LOGGERS, self._log)


_session: Session | None = None


def start() -> None:
    """Begin a session; no process is started before the first request."""
    global _session  # noqa: PLW0603 - the one that register makes and unregister drops
    _session = Session()
    bpy.app.handlers.load_pre.append(on_load)
    bpy.app.handlers.load_post.append(on_loaded)
    bpy.app.handlers.save_pre.append(on_save)
    bpy.app.handlers.undo_post.append(on_undone)
    bpy.app.handlers.redo_post.append(on_undone)
    threading.Thread(target=paths.sweep_job_folders, daemon=True).start()


def stop() -> None:
    """End the session."""
    global _session
    bpy.app.handlers.load_pre.remove(on_load)
    bpy.app.handlers.load_post.remove(on_loaded)
    bpy.app.handlers.save_pre.remove(on_save)
    bpy.app.handlers.undo_post.remove(on_undone)
    bpy.app.handlers.redo_post.remove(on_undone)
    session, _session = _session, None
    if session is not None:
        session.close()


def current() -> Session:
    """The session of the enabled add-on."""
    assert _session is not None, "the add-on is not registered"
    return _session


def last_task() -> ChildTask | None:
    """The session's task; None without one, or when the add-on is disabled."""
    return _session.task if _session is not None else None


def controller() -> Controller:
    """The controller of the enabled add-on."""
    return current().controller


@contextlib.contextmanager
def by_hand() -> Iterator[None]:
    """Within it, what is written is written at once, as nobody calls a timer."""
    blender = current().blender
    before, blender.waited_for = blender.waited_for, True
    try:
        blender.finish_slices()
        yield
    finally:
        blender.waited_for = before


def state_of(obj: bpy.types.Object | None) -> CharacterState:
    """The state of an armature; without one, the notice."""
    return controller().state(session_id(obj)) if obj is not None else controller().notice


def shown_state(obj: bpy.types.Object | None) -> CharacterState:
    """The state whose message the panel shows for an armature."""
    return controller().shown(session_id(obj)) if obj is not None else controller().notice


def active_state(context: bpy.types.Context) -> CharacterState:
    """The state of the armature that the panel is about."""
    return state_of(target(context))


def why_busy(obj: bpy.types.Object) -> str:
    """Why nothing can be asked for an armature now, or ""."""
    return controller().why_busy(session_id(obj))


def take_in_description(key: CharacterKey, action_id: int, sentence: str, why: str) -> None:
    """Show a sentence about an action of a character, or why there is none."""
    if not sentence:
        controller().tell(key, why, failed=True)
        return
    state = controller().state(key.armature)
    state.description, state.described = sentence, action_id
    controller().blender.redraw()


def refuse(operator: bpy.types.Operator, obj: bpy.types.Object, error: Exception) -> OperatorResult:
    """Say in the panel and in Blender's status bar why a request is refused."""
    tell_refused(obj, error)
    operator.report({"ERROR"}, str(error))
    return {"CANCELLED"}


def tell(obj: bpy.types.Object, text: str, *, failed: bool = False) -> None:
    """Say something in an armature's panel, and draw the view anew."""
    controller().tell(ArmatureCharacter.of(obj, bpy.context.scene).key, text, failed=failed)


def tell_refused(obj: bpy.types.Object, error: Exception) -> None:
    """Say in an armature's panel why its request is refused."""
    tell(obj, str(error), failed=True)


@bpy.app.handlers.persistent
def on_save(*_: Any) -> None:
    """Let bakes and assets bear the terms of the takes that they show."""
    carry_terms()


@bpy.app.handlers.persistent
def on_load(*_: Any) -> None:
    """Drop a take under way before another file is loaded."""
    current().describer.drop()
    if controller().drop_all():
        notice = tr("Another file was opened: the motion under way was dropped.")
        controller().notice = CharacterState(notice)


@bpy.app.handlers.persistent
def on_loaded(*_: Any) -> None:
    """Take over what an older version kept, and complete library overrides."""
    for scene in bpy.data.scenes:
        older = stored_values(scene, PROPERTY)
        for obj in scene.objects:
            if obj.type == "ARMATURE" and obj.library is None and obj.override_library is None:
                armature.of(obj).request.take_over(older)
    for obj in bpy.data.objects:
        ours = obj.type == "ARMATURE" and obj.library is None
        if ours and (strips := armature.of(obj).takes.unlisted(obj)):
            armature.editable_of(obj).takes.adopt(strips)
        if ours and obj.override_library is not None:
            restore_properties(obj)


@bpy.app.handlers.persistent
def on_undone(*_: Any) -> None:
    """Write the takes of characters whose removal was undone."""
    controller().look_again()

"""Set Up and downloads as the operators see them: one at a time, watched by a timer, stopped."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

import bpy

from ..backend.child_task import SET_UP, ChildTask, Phase
from ..core.translation import msgid, tr
from . import session
from .targets import OperatorResult

#: Seconds between two looks at a task.
INTERVAL: Final = 0.25
#: What is said where nothing may be downloaded.
OFFLINE: Final = msgid(
    "Online access is off, so nothing is sent: allow it in Preferences > System > Network, or "
    "point pip to a folder of wheels"
)

OnDone = Callable[[bpy.types.Context, ChildTask], None]


class MOTIONGPT_OT_stop_task(bpy.types.Operator):
    """Stop what is being downloaded. The next time goes on from here"""

    bl_idname = "motiongpt.stop_task"
    bl_label = "Stop Download"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A task must be under way."""
        return is_running()

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """End the child and all that it started."""
        if (task := session.last_task()) is not None:
            task.cancel()
        return {"FINISHED"}


def is_running() -> bool:
    """Whether a task is under way."""
    task = session.last_task()
    return task is not None and task.progress.phase is Phase.RUNNING


def is_being_set_up() -> bool:
    """Whether that task is Set Up."""
    task = session.last_task()
    return is_running() and task is not None and task.wording is SET_UP


def may_download() -> bool:
    """Whether Blender's user allows the network, or pip needs none."""
    return bool(bpy.app.online_access or pip_needs_no_network())


def pip_needs_no_network() -> bool:
    """Whether pip is told to look in folders only."""
    return bool(os.environ.get("PIP_NO_INDEX"))


def can_begin(cls: type[bpy.types.Operator]) -> bool:
    """Whether an operator may begin a task; says why not."""
    if is_running():
        cls.poll_message_set(tr("A download is under way"))
        return False
    if not may_download():
        cls.poll_message_set(tr(OFFLINE))
        return False
    return True


def run(
    operator: bpy.types.Operator, context: bpy.types.Context, task: ChildTask, on_done: OnDone
) -> OperatorResult:
    """Keep a task in the session until it has ended; a script waits for that.

    Args:
        operator: tells a script how the task ended.
        context: Blender's.
        task: has been started.
        on_done: called once, when all went well.
    """
    session.current().task = task
    if not bpy.app.background:
        bpy.app.timers.register(lambda: _look(task, on_done), first_interval=INTERVAL)
        return {"FINISHED"}
    task.wait()
    end = task.progress
    if end.phase is not Phase.DONE:
        operator.report({"ERROR"}, end.text)
        return {"CANCELLED"}
    on_done(context, task)
    operator.report({"INFO"}, end.text)
    return {"FINISHED"}


def _look(task: ChildTask, on_done: OnDone) -> float | None:
    """Redraw while a task runs, and take over what it made."""
    if session.last_task() is not task:
        return None  # the add-on was disabled meanwhile
    _redraw()
    if task.progress.phase is Phase.RUNNING:
        return INTERVAL
    if task.progress.phase is Phase.DONE:
        on_done(bpy.context, task)
    return None


def _redraw() -> None:
    manager = bpy.context.window_manager
    for window in manager.windows if manager is not None else ():
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "PREFERENCES"):
                area.tag_redraw()

"""Checking the backend and unloading the model, from the preferences."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from contextlib import suppress

import bpy

from .. import paths, preferences
from ..backend.process import Launch
from ..core.systems import child_options
from ..core.translation import tr
from . import session
from .targets import OperatorResult

#: Time limit in seconds; the first import of PyTorch reads a gigabyte.
CHECK_SECONDS = 90.0
INTERVAL = 0.2
CODE = "import torch, transformers, peft, ext_models; print('torch', torch.__version__)"


class MOTIONGPT_OT_check_backend(bpy.types.Operator):
    """Start the Python of the model process and check that it has all packages"""

    bl_idname = "motiongpt.check_backend"
    bl_label = "Check Backend"
    bl_options = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Start the check; Blender stays usable until it is done, Escape ends it."""
        if not self._start(context):
            return {"CANCELLED"}
        manager = context.window_manager
        self._timer = manager.event_timer_add(INTERVAL, window=context.window)
        manager.modal_handler_add(self)
        context.workspace.status_text_set(tr("Checking the model's Python (Esc: stop)"))
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Poll the check."""
        if event.type != "ESC" and not self._done():
            return {"PASS_THROUGH"}
        context.workspace.status_text_set(None)
        context.window_manager.event_timer_remove(self._timer)
        return self._outcome()

    def cancel(self, context: bpy.types.Context) -> None:
        """Called when Blender ends during a check."""
        self._kill()

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """The same from a script: wait for the outcome."""
        if not self._start(context):
            return {"CANCELLED"}
        while not self._done():
            time.sleep(0.05)
        return self._outcome()

    def _start(self, context: bpy.types.Context) -> bool:
        """Start the backend's Python; reports why when that is not possible."""
        chosen = preferences.settings(context)
        if chosen.python is None:
            self.report({"ERROR"}, tr("Not set up yet: press Set Up"))
            return False
        launch = Launch(chosen.python, paths.ROOT, chosen.pack, chosen.device)
        # A file, not a pipe: nothing reads while the check runs, and a full pipe would block it.
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the outcome
        self._python, self._end = chosen.python, time.monotonic() + CHECK_SECONDS
        try:
            self._child = subprocess.Popen(
                [str(chosen.python), "-s", "-c", CODE],
                cwd=paths.ROOT,
                env=launch.environment(),
                stdin=subprocess.DEVNULL,
                stdout=self._said,
                stderr=subprocess.STDOUT,
                **child_options(own_group=True),
            )
        except OSError as error:
            self._said.close()
            self.report(
                {"ERROR"},
                tr(
                    "{python} cannot be started: {reason}",
                    python=chosen.python,
                    reason=error.strerror,
                ),
            )
            return False
        return True

    def _done(self) -> bool:
        return self._child.poll() is not None or time.monotonic() > self._end

    def _outcome(self) -> OperatorResult:
        """Report the outcome; a check that still runs is ended."""
        code = self._child.poll()
        self._kill()
        self._said.seek(0)
        lines = self._said.read().decode("utf-8", "replace").strip().splitlines()
        self._said.close()
        last = lines[-1].strip() if lines else tr("no reason given")
        if code is None:
            self.report(
                {"ERROR"}, tr("{python} did not answer: the check was stopped", python=self._python)
            )
        elif code:
            self.report(
                {"ERROR"}, tr("{python} is no backend: {last}", python=self._python, last=last)
            )
        else:
            self.report({"INFO"}, tr("The backend answers: {last}", last=last))
        return {"CANCELLED"} if code != 0 else {"FINISHED"}

    def _kill(self) -> None:
        if self._child.poll() is None:
            with suppress(OSError):
                if os.name == "nt":
                    self._child.terminate()
                else:
                    os.killpg(self._child.pid, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(2.0)


class MOTIONGPT_OT_unload_model(bpy.types.Operator):
    """End the model's process, which gives its memory back. The next request starts it again"""

    bl_idname = "motiongpt.unload_model"
    bl_label = "Unload Model"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A process must wait for work."""
        if session.current().pump.memory is None:
            cls.poll_message_set(tr("The model is not loaded, or it is at work"))
            return False
        return True

    @classmethod
    def description(cls, context: bpy.types.Context, properties: object) -> str:
        """The tooltip, with the memory that comes back."""
        held = session.current().pump.memory
        what = tr(
            "End the model's process, which gives its memory back. The next request starts it again"
        )
        much = tr("It holds {gigabytes:.1f} GB", gigabytes=held / 1e9) if held else ""
        return f"{what}. {much}".rstrip()

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """End it."""
        pump = session.current().pump
        held = pump.memory
        pump.unload()
        said = (
            tr("The model is unloaded: {gigabytes:.1f} GB are free again.", gigabytes=held / 1e9)
            if held
            else tr("The model is unloaded.")
        )
        self.report({"INFO"}, said)
        return {"FINISHED"}

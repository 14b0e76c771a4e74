"""Checking the backend from the preferences."""

import subprocess
from typing import Any

import bpy

from .. import paths
from ..backend.process import Launch
from ..preferences import settings

CHECK_SECONDS = 60


class MOTIONGPT_OT_check_backend(bpy.types.Operator):
    """Start the backend's Python once and ask which model packs it sees"""

    bl_idname = "motiongpt.check_backend"
    bl_label = "Check Backend"
    bl_options = {"INTERNAL"}

    def execute(self, context: Any) -> set[str]:
        """Run ``python -m ext_models packs`` and report the outcome."""
        chosen = settings(context)
        if chosen.python is None:
            self.report({"ERROR"}, "No backend yet: run 'python build.py demo' once")
            return {"CANCELLED"}
        launch = Launch(chosen.python, paths.ROOT, chosen.pack, chosen.device)
        code = "import torch, transformers, peft, ext_models; print('torch', torch.__version__)"
        command = [str(chosen.python), "-s", "-c", code]
        try:
            done = subprocess.run(
                command,
                cwd=paths.ROOT,
                env=launch.environment(),
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=CHECK_SECONDS,
                check=False,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            self.report({"ERROR"}, f"{chosen.python} cannot be started: {error}")
            return {"CANCELLED"}
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            self.report({"ERROR"}, f"{chosen.python} is no backend: {last}")
            return {"CANCELLED"}
        self.report({"INFO"}, f"The backend answers: {done.stdout.strip()}")
        return {"FINISHED"}

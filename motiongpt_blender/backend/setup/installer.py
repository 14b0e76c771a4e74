"""Python environments made from the pinned requirements of ``pyproject.toml``.

``build.py`` makes ``.venv`` and the environments of the test matrix with it. Standard
library only, and no bpy. pip does the work, so that a user's own pip settings hold;
PyTorch alone may come through uv, because on Linux the plain wheel carries several
gigabytes for a GPU that may not be there.

Whatever goes wrong leaves as one ``InstallError``: a sentence that says what, where, what to do.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ...core.systems import LONGEST_PATH, child_options, room_in
from ...core.translation import tr
from . import torch_source
from .asking import ask
from .environment_folder import EnvironmentFolder, Say
from .install_errors import (
    InstallError,
    cannot_write,
    explain,
    missing_library,
    without_passwords,
)
from .pins import Pins

#: Characters of the longest path in an environment: licences of PyTorch (measured).
LONGEST_NAME: Final = len("Lib/site-packages/") + 171
#: Unpacked size over download size, with room for the largest wheel on its way (measured).
DISK_FACTOR: Final = 4
#: The lines of an installer's stderr that show its progress.
_PROGRESS: Final = re.compile(r"^\s*(Resolved|Downloading|Downloaded|Prepared|Installed)\b")


@dataclass(frozen=True)
class Environment(EnvironmentFolder):
    """A virtual environment that this project makes and keeps, with its packages."""

    def ensure(self, pins: Pins, groups: Sequence[str], say: Say = print) -> bool:
        """Make the environment hold these groups; False when it already did."""
        try:
            return self._ensure(pins, groups, say)
        except OSError as error:
            raise InstallError(cannot_write(error, self.folder)) from None

    def _ensure(self, pins: Pins, groups: Sequence[str], say: Say) -> bool:
        self._check_paths()
        self.make(say)
        wanted = self.unmet(pins, groups)
        if not wanted:
            return False
        self.forget(wanted)
        source = self._announce(pins, wanted, say)
        for name in _torch_first(wanted):
            self._install(name, pins.groups[name], source, say)
            self.remember(name, pins.groups[name])
        if any(line.startswith("bpy") for name in wanted for line in pins.groups[name]):
            self._check_bpy(wanted)
        say(tr("Compiling ..."))
        self._compile()
        say(tr("{name} is ready.", name=self.folder.name))
        return True

    def _check_paths(self) -> None:
        """Refuse a folder in which files would have longer paths than Windows can write."""
        if (room := room_in(self.folder.absolute())) < LONGEST_NAME:
            raise InstallError(
                tr(
                    "The path {folder} is {excess} characters too long: Windows writes paths "
                    "of {longest} characters at most; choose a shorter folder, or switch on "
                    "long paths in Windows.",
                    folder=self.folder,
                    excess=LONGEST_NAME - room,
                    longest=LONGEST_PATH,
                )
            )

    def _announce(
        self, pins: Pins, groups: Sequence[str], say: Say
    ) -> torch_source.TorchSource | None:
        """Say the download size first, and see that the disk can take what follows."""
        sizes = {name: pins.megabytes.get(name, 0) for name in groups}
        source = None
        if "torch" in groups:
            source = torch_source.choose(self.python, pins.groups["torch"])
            say(tr("PyTorch: {reason}.", reason=source.reason))
            if source.gpu:
                sizes["torch"] = pins.megabytes["torch-gpu"]
        unpacked = DISK_FACTOR * sum(sizes.values())
        if source and source.on_disk:
            sizes["torch"] = 0
        free = shutil.disk_usage(self.folder).free // 2**20
        say(
            tr(
                "To download: about {total} MB ({groups}).",
                total=sum(sizes.values()),
                groups=", ".join(map(_in_words, groups)),
            )
        )
        if free < unpacked:
            raise InstallError(
                tr(
                    "The disk of {folder} has {free} MB free and this needs about {unpacked} "
                    "MB: make room there and try again.",
                    folder=self.folder,
                    free=free,
                    unpacked=unpacked,
                )
            )
        return source

    def _install(
        self, name: str, lines: Sequence[str], source: torch_source.TorchSource | None, say: Say
    ) -> None:
        what = _in_words(name)
        say(tr("Installing {name} ...", name=what))
        if name == "torch" and source:
            for command in source.commands(self.python):
                self._call(command, what, say, source.secret(self.python))
        else:
            self._call([str(self.python), "-m", "pip", "install", *lines], what, say)

    def _call(
        self, command: Sequence[str], what: str, say: Say, secret: Mapping[str, str] | None = None
    ) -> None:
        """Run an installer; its progress is shown, its output goes to the log.

        ``secret`` are variables of its environment, which no list of processes shows.
        """
        settings = {
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_RETRIES": "2",
            "PIP_COMPILE": "0",  # pip would do it on one core
            "PYTHONUTF8": "1",
        }
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        environment = {**settings, **inherited, **(secret or {})}
        output: list[str] = []
        with subprocess.Popen(
            command,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            env=environment,
            **child_options(),
        ) as process:
            for line in process.stderr or ():
                output.append(line)
                if _PROGRESS.match(line):
                    say(line.rstrip())
        text = without_passwords("".join(output))
        self.log_text(f"$ {' '.join(command)}\n{text}")
        if process.returncode:
            raise InstallError(explain(text, what, self.folder, self.base))

    def _compile(self) -> None:
        """Compile what was installed, on every core; files that do not compile are let be."""
        command = [str(self.python), "-m", "compileall", "-q", "-j", "0", str(self.folder)]
        ask(command)

    def _check_bpy(self, groups: Sequence[str]) -> None:
        """Import bpy once: a desktop's libraries may be missing."""
        command = [str(self.python), "-c", "import bpy"]
        done = ask(command)
        if done.returncode:
            self.forget(groups)
            text = done.stdout + done.stderr
            sentence = missing_library(text) or explain(text, "bpy", self.folder, self.base)
            raise InstallError(sentence)


def _torch_first(groups: Sequence[str]) -> list[str]:
    """PyTorch before the packages that would otherwise pull a build of their own choice."""
    return sorted(groups, key=lambda name: name != "torch")


def _in_words(group: str) -> str:
    """What a dependency group is called before people."""
    return {"torch": "PyTorch", "backend": tr("the model's packages")}.get(group, group)

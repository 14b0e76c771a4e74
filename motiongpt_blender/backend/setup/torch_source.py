"""Which PyTorch build is installed, and with pip or uv: a CPU build where there is no GPU.

Standard library only, no bpy. Used by ``installer``. pip is preferred, because a user's own
indexes and wheel folders are set there. uv, which knows the build for each GPU, gets the
same settings as options.
"""

from __future__ import annotations

import ast
import contextlib
import enum
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ...core.translation import tr
from .asking import ask

#: Pinned like everything else; CONTRIBUTING.md says why it is used at all.
UV: Final = "uv==0.13.9"
#: Seconds within which a driver answers; Blender's dialog waits for it.
PATIENCE: Final = 10.0


class Installer(enum.Enum):
    """What installs PyTorch."""

    PIP = "pip"
    UV = "uv"


@dataclass(frozen=True)
class TorchSource:
    """Which PyTorch is installed, and how.

    Attributes:
        installer: what installs it.
        lines: the requirement lines to install.
        reason: the decision in words, for the user.
        gpu: whether the build is one for a GPU.
        on_disk: whether the wheel lies on this machine already.
    """

    installer: Installer
    lines: tuple[str, ...]
    reason: str
    gpu: bool = False
    on_disk: bool = False

    def commands(self, python: Path) -> list[list[str]]:
        """The commands that install PyTorch into ``python``'s environment."""
        pip = [str(python), "-m", "pip"]
        if self.installer is Installer.PIP:
            return [[*pip, "install", *self.lines]]
        backend = os.environ.get("UV_TORCH_BACKEND") or ("auto" if self.gpu else "cpu")
        uv = [str(python), "-m", "uv", "pip", "install", "--python", str(python)]
        options = uv_options(pip_settings(python))
        return [[*pip, "install", UV], [*uv, "--torch-backend", backend, *options, *self.lines]]

    def secret(self, python: Path) -> dict[str, str]:
        """Variables for these commands: addresses may hold passwords, so no option names them."""
        return uv_variables(pip_settings(python)) if self.installer is Installer.UV else {}


def choose(python: Path, lines: Sequence[str]) -> TorchSource:
    """Decide for this machine; ``python`` is the environment's."""
    plain = tuple(lines)
    if sys.platform == "darwin":
        return TorchSource(Installer.PIP, plain, tr("the macOS build, through pip"))
    if has_gpu():
        return TorchSource(
            Installer.UV, plain, tr("a GPU is here; uv picks the build for it"), gpu=True
        )
    if sys.platform == "win32":
        return TorchSource(Installer.PIP, plain, tr("no GPU here; the CPU build, through pip"))
    labelled = cpu_only(lines)
    address = _pip_finds(python, labelled)
    if address:
        local = address.startswith("file:")
        where = tr("lies on this machine") if local else tr("comes from pip's own indexes")
        return TorchSource(
            Installer.PIP,
            labelled,
            tr("no GPU here; the CPU build {where}", where=where),
            on_disk=local,
        )
    return TorchSource(Installer.UV, plain, tr("no GPU here; the CPU build, through uv"))


def has_gpu() -> bool:
    """Whether this machine has a GPU with a PyTorch build of its own (Apple's need none)."""
    tool = shutil.which("nvidia-smi")
    if tool:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):  # a driver that hangs
            done = ask([tool, "-L"], timeout=PATIENCE)
            if done.returncode == 0 and "GPU" in done.stdout:
                return True
    return Path("/proc/driver/nvidia/version").exists() or bool(
        shutil.which("rocm_agent_enumerator")
    )


def pip_settings(python: Path) -> dict[str, str]:
    """The pip settings in force by their bare names ("find-links"); environment wins over files."""
    command = [str(python), "-m", "pip", "config", "list"]
    done = ask(command)
    files: dict[str, str] = {}
    environment: dict[str, str] = {}
    for line in done.stdout.splitlines():
        key, _, value = line.partition("=")
        place = environment if key.startswith(":env:") else files
        try:
            place[key.rpartition(".")[2]] = str(ast.literal_eval(value))
        except (ValueError, SyntaxError):
            continue
    return {**files, **environment}


def uv_variables(pip: Mapping[str, str]) -> dict[str, str]:
    """Addresses, proxy and certificates of pip's settings as uv's variables."""
    found = {
        "UV_DEFAULT_INDEX": pip.get("index-url", ""),
        "UV_INDEX": " ".join(pip.get("extra-index-url", "").split()),
        "UV_FIND_LINKS": ",".join(pip.get("find-links", "").split()),
        "UV_INSECURE_HOST": " ".join(pip.get("trusted-host", "").split()),
        "HTTPS_PROXY": pip.get("proxy", ""),
        "HTTP_PROXY": pip.get("proxy", ""),
        "SSL_CERT_FILE": pip.get("cert", ""),
    }
    return {name: value for name, value in found.items() if value}


def uv_options(pip: Mapping[str, str]) -> list[str]:
    """The other settings of pip as uv's options."""
    no_index = pip.get("no-index", "").lower() in ("1", "true", "yes", "on")
    options = ["--no-index"] if no_index else []
    # pip takes the best version of all indexes; uv would stop at the first that has the name.
    if no_index or any(name.startswith("UV_") for name in uv_variables(pip)):
        options += ["--index-strategy", "unsafe-best-match"]
    return options


def cpu_only(lines: Sequence[str]) -> tuple[str, ...]:
    """The pins with the local label that only CPU builds carry, so that no other can match."""
    return tuple(line.split(";")[0].strip() + "+cpu" for line in lines)


def _pip_finds(python: Path, lines: Sequence[str]) -> str | None:
    """The address of the first wheel that pip, with the user's settings, would take.

    Also where it is installed already, by a run that was killed.
    """
    command = [str(python), "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps"]
    command += ["-q", "--report", "-", *lines]
    environment = {"PIP_RETRIES": "0", **os.environ}
    done = ask(command, environment)
    if done.returncode:
        return None
    try:
        return str(json.loads(done.stdout)["install"][0]["download_info"]["url"])
    except (ValueError, LookupError):
        return None

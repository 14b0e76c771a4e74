"""The Blenders on this machine that have a window and take extensions.

``MOTIONGPT_BLENDER`` names executables (separated as in PATH); a ``blender`` on PATH
counts too; so does the tool of the folder that ``MOTIONGPT_SHARED`` names, once its
Blenders are set up.
"""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("MOTIONGPT_SHARED", ROOT.parent / "shared"))
TOOL_VERSIONS = ("5.2", "4.3")
NONE_HERE = "no Blender with a window here; MOTIONGPT_BLENDER can name one"


def commands() -> dict[str, list[str]]:
    """A name for each Blender and the start of its command line."""
    named = os.environ.get("MOTIONGPT_BLENDER", "").split(os.pathsep)
    found = {Path(path).as_posix(): [path] for path in named if path}
    if not found and (path := shutil.which("blender")):
        found["blender"] = [path]
    tool = SHARED / "tools" / "real-blender"
    base = Path(os.environ.get("REAL_BLENDER_ROOT", Path.home() / ".cache" / "real-blender"))
    for version in TOOL_VERSIONS:
        if tool.is_file() and (base / version / ".ready").exists():
            found[version] = [str(tool), "run", version]
    return found


def run(
    name: str, *arguments: object, folder: Path, timeout: float = 300, **settings: str
) -> tuple[int, str]:
    """Start a Blender in a folder, with settings of its own; its exit status and words.

    The tool's Blenders see the temporary folder but not always the checkout, and what a
    version manager of Python puts on PATH looks at PWD: neither is passed on.

    Args:
        name: one of ``commands()``.
        arguments: what follows on Blender's command line.
        folder: a temporary folder to work in, which also holds Blender's preferences.
        timeout: seconds.
        settings: further variables of the environment.
    """
    home = folder / "blender"
    home.mkdir(exist_ok=True)
    managed = {"PWD": str(folder), "BLENDER_USER_RESOURCES": str(home)}
    managed |= {"MOTIONGPT_PROMPTS": str(home / "prompts.json"), **settings}
    path = [
        d for d in os.environ["PATH"].split(os.pathsep) if "pyenv" not in d and ".venv" not in d
    ]
    environment = {**os.environ, "PATH": os.pathsep.join(path), **managed}
    log = folder / "log.txt"
    # Into a file: a process that Blender leaves behind would keep a pipe open.
    with log.open("w") as out:
        done = subprocess.run(
            [*commands()[name], *map(str, arguments)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            cwd=folder,
        )
    return done.returncode, log.read_text(errors="replace")


def copy_of_checkout(folder: Path) -> Path:
    """The add-on, the backend and the tests, copied to where every Blender can see them."""
    for part in ("motiongpt_blender", "ext_models", "icons", "tests"):
        left_out = shutil.ignore_patterns("__pycache__", "model_packs")
        shutil.copytree(ROOT / part, folder / part, ignore=left_out)
    shutil.copy(ROOT / "blender_manifest.toml", folder)
    return folder

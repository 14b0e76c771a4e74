"""The Blenders on this machine that have a window and take extensions.

``MOTIONGPT_BLENDER`` names executables (separated as in PATH); a ``blender`` on PATH
counts too; so does the tool of the folder that ``MOTIONGPT_SHARED`` names, once its
Blenders are set up.
"""

import os
import shutil
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

"""Where the add-on's own things lie."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

#: Folder that holds both packages, ``motiongpt_blender`` and ``ext_models``.
ROOT = Path(__file__).resolve().parents[1]
ICONS = ROOT / "icons"
PACKS = ROOT / "ext_models" / "model_packs"


def addon_id() -> str:
    """The name under which Blender keeps the add-on's preferences.

    An extension is nested one level deeper than its id, which has three parts.
    """
    parts = (__package__ or "motiongpt_blender").split(".")
    return ".".join(parts[:3]) if parts[0] == "bl_ext" else parts[0]


def shipped_packs() -> list[Path]:
    """Folders of the model packs that came with the add-on, by name."""
    return sorted(p.parent for p in PACKS.glob("*/pack.json")) if PACKS.is_dir() else []


def pack_title(folder: Path) -> str:
    """Title and licence of a pack; the folder's name when it cannot be read."""
    try:
        body = json.loads((folder / "pack.json").read_text(encoding="utf-8"))
        return f"{body['title']}: {body['licence']}"
    except (OSError, ValueError, KeyError, TypeError):
        return folder.name


def new_job_folder() -> Path:
    """A fresh folder for one job's arrays."""
    return Path(tempfile.mkdtemp(prefix="motiongpt-"))

"""The terms of a generated motion, in a text file beside a format that has no field for them."""

from __future__ import annotations

from pathlib import Path

from .motion import Origin


def terms_beside(path: Path) -> Path:
    """The file with the terms of a motion: ``walk.licence.txt`` for ``walk.bvh``."""
    return path.with_suffix(".licence.txt")


def terms_text(origin: Origin, name: str) -> str:
    """What that file says of a motion in a file of this name."""
    sentence = f"{name} was made with MotionGPT for Blender."
    lines = [sentence, f"Model pack: {origin.pack}", f"Licence: {origin.licence}", *origin.credits]
    return "\n".join(lines) + "\n"

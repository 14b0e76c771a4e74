"""A report of a problem that can be shown to others: versions, last lines, no personal paths.

Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

#: What a person fills in.
QUESTIONS: Final = ("What I did: ", "What happened: ")
#: How many of the last lines a report holds.
LAST_LINES: Final = 40
#: An absolute path of any system, with its folders apart from its name.
_PATH: Final = re.compile(
    r"(?<![\w.>~-])(?:[A-Za-z]:[\\/]+|\\\\+|/)(?:[^\\/\n\"'<>|:*?]+[\\/]+)+([^\\/\s\"'<>|:*?]*)"
)


def problem_report(
    facts: Mapping[str, str], lines: Sequence[str], folders: Mapping[str, Path]
) -> str:
    """The report as text: the body of a bug report, with two lines to fill in.

    Args:
        facts: what is known, by name: versions, device, pack.
        lines: of the log; the last of them are taken.
        folders: folders that keep a name of their own in paths, such as "add-on".
    """
    told = [f"{name}: {value}" for name, value in facts.items()]
    text = "\n".join(["MotionGPT for Blender", "", *QUESTIONS, "", *told, "", *lines[-LAST_LINES:]])
    return without_paths(text, folders).rstrip() + "\n"


def without_paths(text: str, folders: Mapping[str, Path]) -> str:
    """The text with each absolute path cut to its name, or to its place in a named folder."""
    for name, folder in sorted(folders.items(), key=lambda item: -len(str(item[1]))):
        text = text.replace(str(folder), f"<{name}>")
    return _PATH.sub(r".../\1", text)

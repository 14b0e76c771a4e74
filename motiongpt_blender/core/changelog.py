"""What is new in a version, as ``CHANGELOG.md`` tells it."""

from __future__ import annotations

import re

_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def news(text: str, version: str) -> tuple[str, ...]:
    """The entries of a version, each as one line of plain text; none where it has none.

    Args:
        text: of the changelog: ``## VERSION ...``, below it lists of ``- entry``.
        version: as ``0.2.0``.
    """
    section = re.search(rf"^## {re.escape(version)}(?=\s).*?(?=^## |\Z)", text, re.M | re.S)
    if section is None:
        return ()
    entries = re.findall(r"^- (.*?)(?=^- |^#|^\s*$|\Z)", section[0], re.M | re.S)
    return tuple(_plain(entry) for entry in entries)


def _plain(entry: str) -> str:
    """Without line breaks and without the signs of Markdown."""
    return re.sub(r"[*`]", "", _LINK.sub(r"\1", " ".join(entry.split())))

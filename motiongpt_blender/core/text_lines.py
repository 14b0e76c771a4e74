"""Sentences in lines that fit a width, also in scripts that have no spaces."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

#: Chinese and Japanese letters, between any two of which a line may end.
_WIDE: Final = "\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef"
#: Signs with which no line begins.
_CLOSING: Final = "、。，：；！？）」』】〉》”’ーっゃゅょッャュョ…"
#: Signs with which no line ends.
_OPENING: Final = "（「『【〈《“‘"
#: What stays together: a word with the spaces after it, or one wide letter and its signs.
_PIECE: Final = re.compile(
    rf"[{_OPENING}]*(?:[{_WIDE}]|[^\s{_WIDE}{_OPENING}{_CLOSING}]+)?[{_CLOSING}]*\s*"
)


def wrapped(text: str, room: float, width: Callable[[str], float]) -> list[str]:
    """The lines of a text.

    Args:
        text: one paragraph.
        room: the most that a line may take.
        width: what a piece of text takes, in the same unit.
    """
    lines: list[str] = []
    line = ""
    for piece in _pieces(" ".join(text.split()), room, width):
        if line and width(f"{line}{piece}".rstrip()) > room:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return [*lines, line.rstrip()] if line.strip() else lines


def _pieces(text: str, room: float, width: Callable[[str], float]) -> Iterator[str]:
    """What may stand on a line of its own; a word that is too long for one is cut."""
    for match in _PIECE.finditer(text):
        piece = match[0]
        while width(piece.rstrip()) > room and len(piece) > 1:
            size = next(
                k for k in range(len(piece) - 1, 0, -1) if k == 1 or width(piece[:k]) <= room
            )
            yield piece[:size]
            piece = piece[size:]
        if piece:
            yield piece

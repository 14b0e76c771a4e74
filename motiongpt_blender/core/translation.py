"""Messages in the language of Blender's interface.

A message with values is a template: ``tr("The take '{name}' is kept", name=take.name)``. The
template is what the files in ``translations/`` translate; the values are filled in afterwards.
Labels, tooltips and other texts that Blender draws itself need no ``tr``: Blender translates them.
Without Blender, as in the model's process, every message stays English.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final


class _Translator:
    """Finds the translation of a message; Blender's, once the add-on is enabled."""

    def __init__(self) -> None:
        self.find: Callable[[str], str] = str


_TRANSLATOR: Final = _Translator()


def tr(template: str, **values: object) -> str:
    """A message in the language of the interface.

    Args:
        template: the English message, or one that ``msgid`` marked.
        values: what stands in the template's braces.
    """
    text = _TRANSLATOR.find(template)
    return text.format(**values) if values else text


def msgid(text: str) -> str:
    """Mark a text that ``tr`` or Blender translates later, where it is used."""
    return text


def translate_with(find: Callable[[str], str]) -> None:
    """Translate with this function from now on; ``str`` goes back to English."""
    _TRANSLATOR.find = find

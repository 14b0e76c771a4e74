"""Messages in the language of Blender's interface.

A message with values is a template: ``tr("The take '{name}' is kept", name=take.name)``. The
template is what the files in ``translations/`` translate; the values are filled in afterwards.
Labels, tooltips and other texts that Blender draws itself need no ``tr``: Blender translates them.
Without Blender, as in the model's process and in that of Set Up, every message stays English;
``translate_received`` translates it when it arrives in Blender.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

#: Where our words would mean something else in Blender: "Feet" are a unit there.
CONTEXT: Final = "MotionGPT"
_PLACEHOLDER: Final = re.compile(r"\{(\w+)[^{}]*\}")


class _Translator:
    """Finds the translation of a message; Blender's, once the add-on is enabled."""

    def __init__(self) -> None:
        self.find: Callable[[str], str] = str
        #: Templates with the form of the messages that are made of them, the longest first.
        self.forms: tuple[tuple[str, re.Pattern[str]], ...] = ()


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


def translate_received(message: str) -> str:
    """An English message of another process, in the language of the interface.

    The template of which it was made is found by its form. What stands in its braces may be such
    a message itself. A message without a translation stays as it is.
    """
    found = _TRANSLATOR.find(message)
    if found != message:
        return found
    for template, form in _TRANSLATOR.forms:
        if (match := form.fullmatch(message)) is not None:
            translated = _TRANSLATOR.find(template)
            if translated == template:
                return message  # the interface is English
            values = {name: translate_received(text) for name, text in match.groupdict().items()}
            return _PLACEHOLDER.sub(lambda brace: values[brace[1]], translated)  # noqa: B023
    return message


def translate_with(find: Callable[[str], str], messages: Iterable[str] = ()) -> None:
    """Translate with a function from now on; ``str`` goes back to English.

    Args:
        find: gives the translation of an English message, or the message itself.
        messages: those that have a translation in some language.
    """
    templates = sorted((m for m in messages if _PLACEHOLDER.search(m)), key=_letters, reverse=True)
    _TRANSLATOR.find = find
    _TRANSLATOR.forms = tuple((template, _form(template)) for template in templates)


def _letters(template: str) -> int:
    """Number of characters of a template outside its braces."""
    return len(_PLACEHOLDER.sub("", template))


def _form(template: str) -> re.Pattern[str]:
    """What matches every message that is made of a template."""
    pattern, end, seen = "", 0, set[str]()
    for brace in _PLACEHOLDER.finditer(template):
        name = brace[1]
        pattern += re.escape(template[end : brace.start()])
        pattern += f"(?P={name})" if name in seen else f"(?P<{name}>.+?)"
        seen.add(name)
        end = brace.end()
    return re.compile(pattern + re.escape(template[end:]), re.DOTALL)

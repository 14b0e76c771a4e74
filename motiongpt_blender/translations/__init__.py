"""The add-on's texts in other languages, a folder of TOML files for each.

A folder has the name that Blender gives the language. A file holds lines ``"English" = "..."``;
which file holds an entry is for its translators alone.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

import bpy

from ..core.translation import CONTEXT, translate_with

FOLDER: Final = Path(__file__).resolve().parent
#: Blender looks for the names of operators in a context of their own, and in its own words first;
#: ours are alone in CONTEXT.
CONTEXTS: Final = ("*", "Operator", CONTEXT)


def read_languages(folder: Path = FOLDER) -> dict[str, dict[str, str]]:
    """For each language the translations by their English texts."""
    languages: dict[str, dict[str, str]] = {}
    for path in sorted(folder.glob("*/*.toml")):
        entries = tomllib.loads(path.read_text("utf-8"))
        languages.setdefault(path.parent.name, {}).update(entries)
    return languages


def blender_entries(
    languages: dict[str, dict[str, str]],
) -> dict[str, dict[tuple[str, str], str]]:
    """The same as Blender takes them, by context and English text."""
    return {
        language: {
            (context, english): translation
            for english, translation in entries.items()
            for context in CONTEXTS
        }
        for language, entries in languages.items()
    }


def add() -> None:
    """Hand the translations to Blender, and translate messages with them."""
    languages = read_languages()
    bpy.app.translations.register(__name__, blender_entries(languages))
    messages = {english for entries in languages.values() for english in entries}
    translate_with(_find, messages)


def _find(english: str) -> str:
    return bpy.app.translations.pgettext_iface(english, CONTEXT)


def remove() -> None:
    """Take them back."""
    translate_with(str)
    bpy.app.translations.unregister(__name__)

"""Prompts: the check that the panel and the command line share."""

from __future__ import annotations

import unicodedata
from typing import Final

from ..translation import tr

MAX_PROMPT: Final = 400
#: A break without width, which text from a web page may have between two words.
_ZERO_WIDTH_SPACE: Final = "\u200b"
#: How Unicode names begin the letters of the languages that a sentence reader knows.
_READ_SCRIPTS: Final = (
    "LATIN", "CYRILLIC", "ARABIC", "CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "HANGUL", "THAI",
)  # fmt: skip


class PromptError(ValueError):
    """A prompt that cannot be used; the message is one sentence for the user."""


def clean_prompt(text: str, *, any_script: bool = False) -> str:
    """The prompt as the animator sees it, with single spaces.

    Characters that format text unseen (joiners, marks of the writing direction) are left out,
    and full-width letters become plain ones.

    Args:
        text: as typed or pasted.
        any_script: whether letters of all scripts are taken that a pack's sentence reader knows
            (``PackInfo.any_script``), not Latin ones alone.

    Raises:
        PromptError: for a prompt that cannot be used.
    """
    prompt = _seen(text)
    if not prompt:
        raise PromptError(
            tr("The prompt is empty: describe the motion, for example 'a person walks forward'.")
        )
    if len(prompt) > MAX_PROMPT:
        raise PromptError(
            tr(
                "The prompt has {count} characters: shorten it to {most} at most.",
                count=len(prompt),
                most=MAX_PROMPT,
            )
        )
    for character in prompt:
        _check_control(character, prompt)
    if any_script:
        _check_read(prompt)
    else:
        check_latin(prompt)
    if not any(c.isalpha() for c in prompt):
        raise PromptError(
            tr(
                "The prompt has no words: describe the motion, for example 'a person "
                "walks forward'."
            )
        )
    return prompt


def check_latin(prompt: str) -> None:
    """Raise PromptError for a prompt with letters other than Latin."""
    for character in prompt:
        if character.isalpha() and "LATIN" not in unicodedata.name(character, ""):
            raise PromptError(
                tr(
                    "The prompt has the letter '{character}', and the model knows English "
                    "only: write it in English.",
                    character=character,
                )
            )


def _check_read(prompt: str) -> None:
    for character in prompt:
        name = unicodedata.name(character, "")
        if character.isalpha() and not name.startswith(_READ_SCRIPTS):
            raise PromptError(
                tr(
                    "The prompt has the letter '{character}', and the model reads no "
                    "language that is written so: write it in English.",
                    character=character,
                )
            )


def _seen(text: str) -> str:
    """The text without what formats it unseen, in compatibility form, with single spaces."""
    text = text.replace(_ZERO_WIDTH_SPACE, " ")
    seen = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return " ".join(unicodedata.normalize("NFKC", seen).split())


def _check_control(character: str, prompt: str) -> None:
    if unicodedata.category(character).startswith("C"):
        raise PromptError(
            tr(
                "The prompt has an invisible control character (code {code:#06x}) at "
                "position {position}: delete it.",
                code=ord(character),
                position=prompt.index(character) + 1,
            )
        )

"""Prompts: the check that the panel and the command line share."""

from __future__ import annotations

import unicodedata
from typing import Final

MAX_PROMPT: Final = 400


class PromptError(ValueError):
    """A prompt that cannot be used; the message is one sentence for the user."""


def clean_prompt(text: str) -> str:
    """The prompt with single spaces; raises PromptError for one that cannot be used."""
    prompt = " ".join(text.split())
    if not prompt:
        raise PromptError(
            "The prompt is empty: describe the motion, for example 'a person walks forward'."
        )
    if len(prompt) > MAX_PROMPT:
        raise PromptError(
            f"The prompt has {len(prompt)} characters: shorten it to {MAX_PROMPT} at most."
        )
    for character in prompt:
        _check_character(character, prompt)
    if not any(c.isalpha() for c in prompt):
        raise PromptError("The prompt has no words: describe the motion in English.")
    return prompt


def _check_character(character: str, prompt: str) -> None:
    if unicodedata.category(character).startswith("C"):
        raise PromptError(
            f"The prompt has an invisible control character (code {ord(character):#06x}) at "
            f"position {prompt.index(character) + 1}: delete it."
        )
    if character.isalpha() and "LATIN" not in unicodedata.name(character, ""):
        raise PromptError(
            f"The prompt has the letter '{character}', and the model knows English only: "
            "write it in English."
        )

"""Instructions in the style ``paper``: the reference system's prompt, codes as digits.

The template is Alpaca's, the four tasks and the tag around the codes are those of Zhang
et al. 2023; checkpoints tuned on exactly this text expect exactly this text. Its codes of
poses carry no times. An answer is ``259,494,17``: a code costs about four steps.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import Any, Final

import torch
from transformers import LogitsProcessor

from ext_models.language.instructions import PoseCode
from ext_models.packs import PackError

#: Most characters of a caption, so that the template after it always fits.
MAX_CAPTION: Final = 400
#: Characters that an answer is made of.
DIGITS: Final = "0123456789"
BETWEEN: Final = ","

_TEMPLATE: Final = (
    "Below is an instruction that describes a task, paired with an input that provides further "
    "context. Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:"
)
_REQUEST: Final = (
    "Generate a sequence of motion tokens matching the following human motion description"
)


class Task(Enum):
    """The four tasks; the value ends the instruction's sentence."""

    TEXT = "."
    INITIAL = " given the initial token."
    LAST = " given the last token."
    KEYS = " given several key tokens."


def task_of(poses: Sequence[PoseCode], steps: int) -> Task:
    """Which task a request of ``steps`` code steps is: told by where its poses stand."""
    if not poses:
        return Task.TEXT
    if len(poses) > 1:
        return Task.KEYS
    if poses[0].step == 0:
        return Task.INITIAL
    return Task.LAST if poses[0].step == steps - 1 else Task.KEYS


def prompt(caption: str, steps: int, poses: Sequence[PoseCode], task: Task | None = None) -> str:
    """The whole prompt of a request, up to where the answer begins.

    Args:
        caption: what happens.
        steps: code steps of the motion.
        poses: the given ones.
        task: by default, the one that the poses tell.
    """
    words = " ".join(caption.split())[:MAX_CAPTION]
    if poses:
        ordered = sorted(poses, key=lambda pose: pose.step)
        codes = BETWEEN.join(str(pose.codes[0]) for pose in ordered)
        words += f"<Motion Token>{codes}</Motion Token>"
    asked = (task or task_of(poses, steps)).value
    return _TEMPLATE.format(instruction=_REQUEST + asked, input=words)


def answer(codes: Sequence[Sequence[int]]) -> str:
    """The answer's text for codes (S, 1)."""
    return BETWEEN.join(str(step[0]) for step in codes)


def parse(text: str, codes: int) -> list[int]:
    """The codes of an answer, whatever a model wrote: never fails.

    What follows a closing tag or a new heading is not the answer; words, empty places and
    numbers that are no code are left out.
    """
    answered = re.split(r"</Motion Token>|###|\n\n", text.strip(), maxsplit=1)[0]
    numbers = re.findall(r"(?<![\d.-])\d{1,9}(?![\d.])", answered, flags=re.ASCII)
    return [code for code in map(int, numbers) if code < codes]


class DigitsGrammar(LogitsProcessor):
    """Allows, after the prompt, exactly ``steps`` codes as digits between commas, then the end.

    Pieces of several characters, as some tokenizers have, count as what they spell. With
    ``least`` the end may come from so many codes on.
    """

    def __init__(
        self, text: Any, codes: int, steps: int, prompt_length: int, least: int = 0
    ) -> None:
        if text.eos_token_id is None:
            raise PackError("the text tokenizer has no token for the end: it cannot answer.")
        self.codes, self.steps, self.prompt_length = codes, steps, prompt_length
        self.end = int(text.eos_token_id)
        self.least = least or steps
        allowed = set(DIGITS + BETWEEN)
        spelled = {str(piece): int(i) for piece, i in text.get_vocab().items()}
        self.pieces = {p: i for p, i in spelled.items() if p and set(p) <= allowed}
        if lacking := [c for c in DIGITS + BETWEEN if c not in self.pieces]:
            raise PackError(
                f"the text tokenizer has no piece for '{lacking[0]}': the prompt style 'paper' "
                "needs one for each digit and the comma."
            )
        self.spelling = {i: p for p, i in self.pieces.items()}

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Scores (B, V) with everything that breaks the answer at minus infinity."""
        held = torch.full_like(scores, -torch.inf)
        for row, written in enumerate(input_ids[:, self.prompt_length :].tolist()):
            allowed = self.following(self.spell(written))
            held[row, allowed] = scores[row, allowed]
        return held

    def spell(self, ids: Sequence[int]) -> str:
        """Text of the ids of an answer; those of no piece spell nothing."""
        return "".join(self.spelling.get(i, "") for i in ids)

    def following(self, written: str) -> list[int]:
        """Ids that may follow an answer's text."""
        done, _, last = written.rpartition(BETWEEN)
        count = len(done.split(BETWEEN)) if done else 0
        if last and count + 1 == self.steps:
            more = [i for p, i in self.pieces.items() if self._is_code(last + p)]
            return [*more, self.end]
        more = [i for p, i in self.pieces.items() if self._fits(count, last + p)]
        return [*more, self.end] if last and count + 1 >= self.least else more

    def _fits(self, done: int, text: str) -> bool:
        """Whether the text after ``done`` codes can still become a valid answer."""
        *complete, last = text.split(BETWEEN)
        if not all(map(self._is_code, complete)) or done + len(complete) >= self.steps:
            return False
        return not last or self._is_code(last)

    def _is_code(self, digits: str) -> bool:
        """Whether digits are a code as an answer writes it, without leading zeros."""
        return digits.isdigit() and str(int(digits)) == digits and int(digits) < self.codes

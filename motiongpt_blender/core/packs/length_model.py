"""The length that suits a prompt, from a pack's ``lengths.json``. Standard library only.

A linear model of the logarithm of the seconds on the words of the prompt, fitted to the
captions that the pack was trained on (``ext_models.language.length_fitting``). The panel asks
at every redraw, so that it reads words and adds numbers, nothing more.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from ..actions import cut_at_then
from ..bounded_files import MB, read_json
from ..translation import tr
from .manifest import PackError

LENGTHS: Final = "lengths.json"
#: The largest file of it that is read.
LENGTHS_LIMIT: Final = 8 * MB
#: Letters that words of one stem share: "kick", "kicks" and "kicking".
STEM: Final = 4
_WORD: Final = re.compile(r"[a-z']+")


@dataclass(frozen=True)
class LengthModel:
    """The seconds that prompts take.

    Attributes:
        bias: logarithm of the seconds of a prompt without any known word.
        weights: what each feature of ``features`` adds to it.
        shortest: seconds; nothing shorter is suggested.
        longest: seconds; nothing longer is suggested.
    """

    bias: float
    weights: Mapping[str, float]
    shortest: float
    longest: float

    def seconds(self, prompt: str) -> float:
        """The length that suits a prompt, in tenths of a second; actions in a row add up."""
        return round(min(sum(map(self._of_one, cut_at_then(prompt))), self.longest), 1)

    def _of_one(self, action: str) -> float:
        # Sorted, because floats added in another order differ in the last digit.
        total = self.bias + sum(self.weights.get(f, 0.0) for f in sorted(features(action)))
        return min(max(math.exp(total), self.shortest), self.longest)

    def save(self, folder: Path) -> None:
        """Write ``lengths.json`` into a pack."""
        text = json.dumps(asdict(self), indent=1, sort_keys=True)
        (folder / LENGTHS).write_text(text + "\n", encoding="utf-8")


def features(prompt: str) -> frozenset[str]:
    """The words of a prompt, and their stems, which begin with ``~``."""
    words = _WORD.findall(prompt.lower())
    return frozenset([*words, *(f"~{w[:STEM]}" for w in words if len(w) >= STEM)])


def read_lengths(folder: Path) -> LengthModel | None:
    """The length model of a pack, None if it has none; raises PackError if it is damaged."""
    path = folder / LENGTHS
    try:
        body: Any = read_json(path, LENGTHS_LIMIT)
        weights = {str(word): float(weight) for word, weight in body["weights"].items()}
        bias, shortest, longest = (float(body[k]) for k in ("bias", "shortest", "longest"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, OverflowError, TypeError, KeyError, AttributeError) as error:
        raise PackError(
            tr(
                "{path} does not hold a length model ({error}): install the pack again.",
                path=path,
                error=error,
            )
        ) from None
    if not (all(map(math.isfinite, (bias, *weights.values()))) and 0 < shortest <= longest):
        raise PackError(
            tr("{path} holds lengths that are no numbers: install the pack again.", path=path)
        )
    return LengthModel(bias, weights, shortest, longest)

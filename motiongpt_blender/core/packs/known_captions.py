"""The captions that a pack keeps: examples of what it knows. Standard library only.

They lie beside their vectors in one safetensors file, whose header is JSON. The panel reads the
captions; the vectors are for the model's process (``ext_models.language.known_captions``).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ..bounded_files import MB, check_regular, parse_json
from ..systems import CONTROL
from ..translation import tr
from .manifest import PackError

#: The file in a pack.
CAPTIONS: Final = "known_captions.safetensors"
#: The largest header of it that is read.
HEADER_LIMIT: Final = 4 * MB
#: Captions that are shown as examples, and most letters of one.
EXAMPLES, LONGEST_EXAMPLE = 3, 60
#: Letters that the forms of a word share: "bow", "bows", "bowing"; "wave", "waving".
STEM: Final = 3
#: Words that say nothing of a motion.
_PLAIN: Final = frozenset({
    "the", "person", "someone", "somebody", "man", "woman", "she", "they", "her", "his", "its",
    "their", "him", "them", "who", "and", "then", "but", "while", "with", "without", "for",
    "from", "into", "are", "does", "not", "this", "that", "something", "one", "both",
})  # fmt: skip
_WORD: Final = re.compile(r"[a-z']{3,}")


def read_captions(folder: Path) -> tuple[str, ...]:
    """The captions of a pack; none where it keeps none.

    Raises:
        PackError: naming the file, if it is damaged.
    """
    path = folder / CAPTIONS
    try:
        check_regular(path)
        with path.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            if size > HEADER_LIMIT:
                raise ValueError(f"a header of {size} bytes")
            header: Any = parse_json(file.read(size))
        captions = map(str, parse_json(header["__metadata__"]["captions"]))
        return tuple(caption for caption in captions if not CONTROL.search(caption))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, struct.error, KeyError, TypeError) as error:
        raise PackError(
            tr("{path} is damaged ({error}): install the pack again.", path=path, error=error)
        ) from None


def examples(captions: Sequence[str]) -> tuple[str, ...]:
    """Three of some captions, spread evenly, short ones where there are enough."""
    short = [caption for caption in captions if len(caption) <= LONGEST_EXAMPLE]
    chosen = short if len(short) >= EXAMPLES else captions
    step = max(1, len(chosen) // EXAMPLES)
    return tuple(chosen[step // 2 :: step][:EXAMPLES])


def stems(text: str) -> frozenset[str]:
    """The first letters of the words of a text that say something of a motion."""
    words = _WORD.findall(text.lower())
    return frozenset(word[:STEM] for word in words if word not in _PLAIN)

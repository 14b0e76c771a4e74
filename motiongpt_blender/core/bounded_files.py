"""Files from outside, read with limits: nothing is allocated because a file claims it.

Packs, captions, clips and poses may come from anybody, cut off, damaged or made to do harm.
Standard library only; arrays are read by ``bounded_arrays``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from .translation import tr

MB: Final = 2**20
#: An escape that may stand for half a character.
_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")


class FileError(ValueError):
    """A file that is not read; the message goes on a sentence that begins with the file's name."""


def check_regular(path: Path) -> None:
    """Refuse a pipe or a device, which may never end; a missing file raises FileNotFoundError."""
    path.stat()
    if not path.is_file():
        raise FileError(tr("is no file"))


def read_bytes(path: Path, limit: int) -> bytes:
    """A file of at most ``limit`` bytes.

    Raises:
        FileError: for a larger file, or none with contents.
        OSError: when it is missing or cannot be read.
    """
    check_regular(path)
    with path.open("rb") as file:
        data = file.read(min(path.stat().st_size, limit) + 1)
    if len(data) > limit:
        raise FileError(tr("is larger than {limit:g} MB", limit=limit / MB))
    return data


def read_json(path: Path, limit: int) -> Any:
    """A JSON file of at most ``limit`` bytes; raises what ``read_bytes`` and ``parse_json`` do."""
    return parse_json(read_bytes(path, limit))


def parse_json(text: str | bytes) -> Any:
    """Strict JSON: finite numbers and whole characters; raises FileError."""
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        body = json.loads(text, parse_constant=_no_number)
        if _HALF.search(text):
            json.dumps(body, ensure_ascii=False).encode()
    except RecursionError:
        raise FileError(tr("is nested too deeply")) from None
    except ValueError as error:
        raise FileError(tr("is not readable JSON ({error!s:.200})", error=error)) from None
    return body


def _no_number(name: str) -> None:
    raise ValueError(tr("{name} is no number", name=name))

"""A folder of clips with captions: what the add-on exports and ``prepare-data`` reads.

Each clip is ``NAME.npz`` (``MotionClip.save``); ``captions.json`` beside them is
``{NAME: [caption, ...]}``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final, cast

from ..body.motion import MotionClip
from ..bounded_files import MB, FileError, read_json
from ..patience import patiently
from ..systems import is_writable_name
from ..translation import tr

CAPTIONS: Final = "captions.json"
#: The largest captions file that is read.
CAPTIONS_LIMIT: Final = 64 * MB


class ClipFolderError(ValueError):
    """A folder that cannot be added to; the message is one sentence for the user."""


def clip_name(text: str) -> str:
    """A file name of an action's name: "Walk, left (2)" becomes "Walk_left_2"."""
    return re.sub(r"[^\w-]+", "_", text).strip("_") or "clip"


def add_clip(path: Path, clip: MotionClip, caption: str) -> None:
    """Write a clip and note its caption; captions that are there stay.

    Nothing is written unless both can be.

    Args:
        path: the ``.npz`` to write, new or not.
        clip: the motion.
        caption: what it shows.

    Raises:
        ClipFolderError: naming the file that prevents it.
    """
    if path.suffix != ".npz":
        raise ClipFolderError(
            tr("{name} must end in .npz: clips are stored in that format.", name=path.name)
        )
    if not is_writable_name(path.name):
        raise ClipFolderError(
            tr("{name} cannot be written on Windows: choose another name.", name=path.name)
        )
    if not path.parent.is_dir():
        raise ClipFolderError(
            tr("There is no folder {folder}: make it, or choose another.", folder=path.parent)
        )
    captions = read_captions(path.parent / CAPTIONS)
    own_captions = captions.setdefault(path.stem, [])
    if caption not in own_captions:
        own_captions.append(caption)
    text = json.dumps(captions, ensure_ascii=False, indent=1) + "\n"
    # hidden names: a reader of the folder never meets a half-written file
    fresh_clip = path.with_name(f".{path.stem}.part.npz")
    fresh_captions = path.with_name(f".{CAPTIONS}.part")
    try:
        clip.save(fresh_clip)
        fresh_captions.write_text(text, encoding="utf-8")
        patiently(fresh_clip.replace, path)
        patiently(fresh_captions.replace, path.with_name(CAPTIONS))
    except OSError as error:
        raise ClipFolderError(
            tr(
                "{path} cannot be written ({reason}): choose another folder.",
                path=path,
                reason=error.strerror,
            )
        ) from None
    finally:
        for left in (fresh_clip, fresh_captions):
            patiently(left.unlink, True)


def read_captions(path: Path) -> dict[str, list[str]]:
    """The captions of a folder, none where there is no file yet.

    Raises:
        ClipFolderError: when the file is not a list of captions.
    """
    try:
        data: Any = read_json(path, CAPTIONS_LIMIT)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ClipFolderError(
            tr(
                "{path} cannot be read ({reason}): choose another folder.",
                path=path,
                reason=error.strerror,
            )
        ) from None
    except FileError as error:
        raise ClipFolderError(
            tr("{path} {error}: correct it, or choose another folder.", path=path, error=error)
        ) from None
    found: dict[str, list[str]] = {}
    rows = cast(dict[str, Any], data) if isinstance(data, dict) else {"": None}
    for name, entry in rows.items():
        listed = _sentences(entry)
        if listed is None:
            raise ClipFolderError(
                tr(
                    '{path} is not of the form {{"clip": ["caption"]}}: correct it, or '
                    "choose another folder.",
                    path=path,
                )
            )
        found[name] = listed
    return found


def _sentences(entry: Any) -> list[str] | None:
    """A caption or a list of them as a list; None when it is neither."""
    if isinstance(entry, str):
        return [entry]
    if not isinstance(entry, list):
        return None
    listed = cast(list[Any], entry)
    return [str(c) for c in listed] if all(isinstance(c, str) for c in listed) else None

"""Model packs: a folder with ``pack.json``, weights as safetensors, and a card.

``read_manifest`` needs the standard library only, so that the handshake, ``packs``
and the add-on's preferences answer at once. Nothing in a pack is ever unpickled.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from motiongpt_blender.core.bounded_files import FileError, read_json
from motiongpt_blender.core.packs.manifest import (
    FORMAT_VERSION,
    LONGEST,
    MANIFEST,
    MANIFEST_LIMIT,
    PackError,
    packs_in,
    user_packs,
)

TOKENIZER_CONFIG: Final = "motion_tokenizer.json"
TOKENIZER_WEIGHTS: Final = "motion_tokenizer.safetensors"
#: Folder of a pack's reranker, and its table in a recipe.
RERANKER: Final = "reranker"
#: How the language model was trained: sizes, share, settings. A pack may lack it.
TRAINING: Final = "training.json"
#: What a pack may know beyond text and poses.
SKILLS: Final = ("places", "continue", "denoise", "caption")
#: The packs that come with the project.
SHIPPED: Final = Path(__file__).parent / "model_packs"
DEFAULT_PACK: Final = SHIPPED / "starter"


@dataclass(frozen=True)
class PackManifest:
    """The contents of ``pack.json``.

    Attributes:
        format_version: version of this layout.
        name: short name, that of the folder.
        title: name for people.
        licence: SPDX identifier or a phrase; what the output may be used for.
        credits: notices that must travel with the pack.
        representation: ``humanml3d_263`` or ``kit_251``.
        fps: frames a second of its motions.
        max_frames: longest motion it was trained for.
        skeleton: (22, 3) offsets of each joint from its parent in metres; (21, 3) for KIT-ML.
        prompt_style: how instructions are written: ``tokens``, or ``paper`` as the reference does.
        levels: residual levels of the tokenizer that the language model writes.
        words: words of the training captions; the model has never read any other.
        base_model: folder inside the pack (``./base``), or the Hugging Face id of a base that
            has to be fetched.
        adapter: folder inside the pack with the peft adapter; empty if the base needs none.
        cfg_scale: scale of classifier-free guidance by the caption; 1 does without.
        skills: what it knows beyond text and poses: ``places``, ``continue``, ``denoise``,
            ``caption``.
        summary: number of summary tokens before an answer's codes, and of the codes of each;
            empty if the pack has none.
        reader: the sentence reader whose vectors stand before a prompt's words; empty without one.
        soft_tokens: how many embeddings such a vector becomes.
        base_revision: commit of a fetched base on the hub; empty for any.
        base_layers: how many of its layers the pack uses, the first ones; 0 is all.
        version: of the pack, for people; empty if it was never published.
    """

    format_version: int
    name: str
    title: str
    licence: str
    credits: tuple[str, ...]
    representation: str
    fps: float
    max_frames: int
    skeleton: tuple[tuple[float, ...], ...]
    prompt_style: str
    levels: int
    words: tuple[str, ...]
    base_model: str
    adapter: str
    cfg_scale: float = 1.0
    skills: tuple[str, ...] = ()
    summary: tuple[int, ...] = ()
    reader: str = ""
    soft_tokens: int = 0
    base_revision: str = ""
    base_layers: int = 0
    version: str = ""


def read_manifest(folder: Path) -> PackManifest:
    """Read and check ``pack.json``; raises PackError naming file and field."""
    path = folder / MANIFEST
    if not folder.is_dir():
        raise PackError(f"{folder}: there is no such model pack folder.")
    try:
        body: Any = read_json(path, MANIFEST_LIMIT)
    except FileNotFoundError:
        raise PackError(f"{path} is missing: this folder is not a model pack.") from None
    except FileError as error:
        raise PackError(f"{path} {error}: install the pack again.") from None
    except OSError as error:
        raise PackError(
            f"{path} cannot be read ({error.strerror}): check its permissions."
        ) from None
    if not isinstance(body, dict) or body.get("format_version") != FORMAT_VERSION:
        version = body.get("format_version") if isinstance(body, dict) else None
        raise PackError(
            f"{path}: format_version is {version!r:.40}, this version reads {FORMAT_VERSION}: "
            "update the add-on or use an older pack."
        )
    known = [f.name for f in fields(PackManifest) if f.name not in OPTIONAL]
    named = [*known, *(name for name in OPTIONAL if name in body)]
    values = {name: _field(body, name, path) for name in named}
    return PackManifest(**values)


def write_manifest(folder: Path, manifest: PackManifest) -> None:
    """Write ``pack.json``."""
    body = {f.name: getattr(manifest, f.name) for f in fields(PackManifest)}
    for name in OPTIONAL:
        if not body[name]:
            del body[name]
    (folder / MANIFEST).write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")


#: Fields that not every pack has: those of a fetched base, and of a published pack.
OPTIONAL: Final = ("base_revision", "base_layers", "version")
_TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    "format_version": int,
    "credits": list,
    "fps": (int, float),
    "max_frames": int,
    "skeleton": list,
    "levels": int,
    "words": list,
    "cfg_scale": (int, float),
    "skills": list,
    "summary": list,
    "soft_tokens": int,
    "base_layers": int,
}


#: The limits of each number, both ends included.
_LIMITS: Final[dict[str, tuple[float, float]]] = {
    "fps": (1, 240),
    "max_frames": (1, LONGEST),
    "levels": (1, 64),
    "cfg_scale": (0, 100),
}


def _is_offset(row: Any) -> bool:
    """Whether a row of a skeleton is three numbers of a body's size."""
    return (
        isinstance(row, list)
        and len(row) == 3
        and all(type(x) in (int, float) and abs(x) < 100 for x in row)
    )


def _field(body: dict[str, Any], name: str, path: Path) -> Any:
    if name not in body:
        raise PackError(f"{path}: the field '{name}' is missing: install the pack again.")
    value = body[name]
    if not isinstance(value, _TYPES.get(name, str)) or isinstance(value, bool):
        raise PackError(f"{path}: the field '{name}' has the wrong type.")
    if name in _LIMITS and not _LIMITS[name][0] <= value <= _LIMITS[name][1]:
        low, high = _LIMITS[name]
        raise PackError(f"{path}: the field '{name}' must be {low:g} to {high:g}: correct it.")
    if name == "skeleton":
        joints = 21 if body.get("representation") == "kit_251" else 22
        if len(value) != joints or not all(map(_is_offset, value)):
            raise PackError(f"{path}: the field 'skeleton' must be {joints} rows of 3 numbers.")
        return tuple(tuple(float(x) for x in row) for row in value)
    if name == "skills" and (strange := [str(s) for s in value if s not in SKILLS]):
        raise PackError(f"{path}: the skill '{strange[0]}' is unknown: update the add-on.")
    if name == "summary":
        if value and (len(value) != 2 or not all(type(n) is int and 0 < n < 10**5 for n in value)):
            raise PackError(f"{path}: the field 'summary' must be two whole numbers, or empty.")
        return tuple(value)
    if name in ("credits", "words", "skills"):
        return tuple(str(line) for line in value)
    return value


def require(path: Path) -> Path:
    """That file, or a PackError that names it."""
    if not path.exists():
        raise PackError(f"{path} is missing: install the pack again.")
    return path


def check_finite(path: Path, arrays: Iterable[Any]) -> None:
    """Raise PackError for weights, of NumPy or PyTorch, that are not all finite numbers."""
    import numpy as np

    if not all(np.isfinite(np.asarray(array)).all() for array in arrays):
        raise PackError(f"{path} holds numbers that are not finite: install the pack again.")


def shipped_packs() -> list[Path]:
    """Folders of the packs that come with the project, by name."""
    return packs_in(SHIPPED)


def named(text: str) -> Path:
    """The folder of a pack that is given by name, shipped or installed, or by its folder."""
    folder = Path(text)
    if folder.is_dir() or len(folder.parts) != 1:
        return folder
    known = (parent / text for parent in (SHIPPED, user_packs()))
    return next((k for k in known if (k / MANIFEST).is_file()), folder)

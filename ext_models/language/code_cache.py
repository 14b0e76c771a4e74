"""The codes of encoded clips on disk, so that a training that goes on encodes no clip again.

An entry is found by the hash that ``corpus`` makes of motion, tokenizer, levels and steps: what
any of them changes is encoded anew.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

import numpy as np

from ext_models.packs import PackError
from motiongpt_blender.core.patience import patiently

from .corpus import Seen

#: The file in the folder of a training.
CODES: Final = "codes.npz"
#: Length of a hash in bytes, and what stands for the length of a motion that is too short.
_DIGEST: Final = 16
_TOO_SHORT: Final = -1


def read_codes(run: Path) -> Seen:
    """The codes in the folder of a training, by their hashes; none without a file.

    Raises:
        PackError: when the file is damaged.
    """
    path = run / CODES
    if not path.is_file():
        return {}
    try:
        with np.load(path, allow_pickle=False) as file:
            keys, lengths = file["keys"], file["lengths"]
            columns = [file[name] for name in ("codes", "poses", "stands")]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise PackError(
            f"{path} is damaged ({error}): delete it, and the clips are encoded anew."
        ) from None
    ends = np.maximum(lengths, 0).cumsum()
    seen: Seen = {}
    for key, length, end in zip(keys, lengths, ends, strict=True):
        codes, poses, stands = (column[end - max(length, 0) : end] for column in columns)
        short = length == _TOO_SHORT
        variant = (codes.astype(np.int64), poses.astype(np.int64), stands)
        seen[key.tobytes()] = None if short else variant
    return seen


def write_codes(run: Path, seen: Seen) -> None:
    """Replace the file as a whole; a process that is killed in the middle leaves the old one."""
    run.mkdir(parents=True, exist_ok=True)
    variants = [variant for variant in seen.values() if variant is not None]
    if not variants:
        return
    codes, poses, stands = (np.concatenate(column) for column in zip(*variants, strict=True))
    lengths = [_TOO_SHORT if one is None else len(one[0]) for one in seen.values()]
    partial = run / f"{CODES}.partial"
    with partial.open("wb") as file:
        np.savez(
            file,
            keys=np.frombuffer(b"".join(seen), np.uint8).reshape(-1, _DIGEST),
            lengths=np.array(lengths),
            codes=codes.astype(np.int32),
            poses=poses.astype(np.int32),
            stands=stands,
        )
    patiently(partial.replace, run / CODES)

"""Arrays of ``.npz`` files from outside, read with limits."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from .bounded_files import MB, FileError, check_regular
from .translation import tr


def read_arrays(
    path: Path, limit: int, names: Collection[str] | None = None
) -> dict[str, NDArray[Any]]:
    """The arrays of an ``.npz``, all or those that are named; absent ones are left out.

    Args:
        path: the file.
        limit: bytes of these arrays, unpacked.
        names: which arrays.

    Raises:
        FileError: for a damaged file, one that unpacks to more, or Python objects in it.
        FileNotFoundError: when it is missing.
    """
    check_regular(path)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {e.filename.removesuffix(".npy"): e for e in archive.infolist()}
            wanted = {n: e for n, e in entries.items() if names is None or n in names}
            if sum(e.file_size for e in wanted.values()) > limit:
                raise FileError(tr("unpacks to more than {limit:g} MB", limit=limit / MB))
            return {n: _array(archive.read(e)) for n, e in wanted.items()}
    except FileError:
        raise
    except Exception as error:  # a damaged file can raise anything
        raise FileError(tr("is no .npz of plain arrays ({error!s:.200})", error=error)) from None


def _array(data: bytes) -> NDArray[Any]:
    """The array of a ``.npy``; its header must not claim more than follows."""
    stream, reader = io.BytesIO(data), cast("Any", np.lib.format)
    version = reader.read_magic(stream)
    header = {(1, 0): reader.read_array_header_1_0, (2, 0): reader.read_array_header_2_0}[version]
    shape, _, dtype = header(stream)
    if dtype.hasobject:
        raise FileError(tr("holds Python objects"))
    if math.prod(shape) * dtype.itemsize > len(data) - stream.tell():
        raise FileError(tr("is cut off: an array claims the shape {shape!s:.80}", shape=shape))
    stream.seek(0)
    return reader.read_array(stream, allow_pickle=False)

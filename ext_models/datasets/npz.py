"""Shapes of arrays in ``.npz`` files, read from their headers alone.

A file may hold an array of any size; reading its header first bounds the memory.
"""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from motiongpt_blender.core.bounded_files import check_regular

from .examples import DataError

#: Exceptions of reading a damaged archive.
BROKEN: Final = (
    OSError, ValueError, KeyError, TypeError, EOFError, OverflowError, zipfile.BadZipFile,
    zlib.error, lzma.LZMAError, struct.error, NotImplementedError, RuntimeError, MemoryError,
)  # fmt: skip


@contextmanager
def open_rows(path: Path, name: str) -> Iterator[tuple[tuple[int, ...], Any, IO[bytes]]]:
    """Shape and type of an array, and a stream at the first of its bytes, row by row.

    Raises:
        DataError: for an array that is stored by columns or holds Python objects.
    """
    check_regular(path)
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as stream:
        version = np.lib.format.read_magic(stream)
        header = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, by_column, dtype = header(stream)
        if by_column or dtype.hasobject:
            raise DataError(f"{path.name}: {name} must be a plain array, stored row by row.")
        yield shape, dtype, stream


def npz_shape(path: Path, name: str) -> tuple[int, ...]:
    """Shape of an array; raises DataError when the file has none of that name."""
    try:
        with open_rows(path, name) as (shape, _, _):
            return shape
    except BROKEN as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"it is no .npz with an array '{name}' ({error}).") from None

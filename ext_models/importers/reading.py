"""Safe readers of downloaded files: no code in a file is ever run.

Every checkpoint and pickle from outside is read by this module: PyTorch files with
``weights_only=True``, plain pickles with an unpickler that refuses all classes. A file that
cannot be read raises a CheckpointError, which names the file, the key and both shapes.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import re
import warnings
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ext_models.packs import PackError
from motiongpt_blender.core.bounded_files import MB, FileError, check_regular, read_bytes

#: A shape to expect; None stands for any size.
Shape = Sequence[int | None]
#: First bytes of PyTorch files since 1.6; these can be memory-mapped.
_ZIP: Final = b"PK\x03\x04"
#: The largest pickle of plain lists that is read.
PICKLE_LIMIT: Final = 64 * MB
#: First byte of a pickle, and of older PyTorch files.
_PICKLE: Final = b"\x80"


class CheckpointError(PackError):
    """A downloaded file that cannot be used; one sentence for the user."""


@dataclass(frozen=True)
class Tensors:
    """The named tensors of one file; each is checked when it is taken.

    Attributes:
        path: the file, for messages.
        part: where in the file they are, for messages: ``net/`` or nothing.
        values: the tensors.
    """

    path: Path
    part: str
    values: dict[str, Tensor]

    def take(self, key: str, shape: Shape) -> Tensor:
        """One tensor of floating point numbers; raises CheckpointError naming key and shapes."""
        name = f"{self.part}{key}"
        if key not in self.values:
            raise CheckpointError(
                f"{self.path}: the key '{name}' of shape {_written(shape)} is missing: this is "
                "another kind of checkpoint, or another version of it."
            )
        found = self.values[key]
        fits = [e in (None, s) for e, s in zip(shape, found.shape, strict=False)]
        if found.dim() != len(shape) or not all(fits):
            raise CheckpointError(
                f"{self.path}: the key '{name}' should have the shape {_written(shape)} and has "
                f"{_written(found.shape)}: this is a checkpoint of another model."
            )
        if not found.is_floating_point():
            raise CheckpointError(
                f"{self.path}: the key '{name}' holds {found.dtype} instead of floating point "
                "numbers: import the checkpoint before it was quantised."
            )
        return found

    def count(self, pattern: str) -> int:
        """Number of values 0, 1, 2 ... of ``{}`` for which a key begins with the pattern."""
        count = 0
        while any(key.startswith(pattern.format(count)) for key in self.values):
            count += 1
        return count

    def refuse_others(self, known: Collection[str], ignored: Iterable[str] = ()) -> None:
        """Raise CheckpointError for a key that is not known and has no ignored prefix."""
        starts = tuple(ignored)
        for key in self.values:
            if key not in known and not (starts and key.startswith(starts)):
                raise CheckpointError(
                    f"{self.path}: the key '{self.part}{key}' of shape "
                    f"{_written(self.values[key].shape)} has no place in this model: this is "
                    "another kind of checkpoint."
                )

    def fill(self, module: nn.Module) -> None:
        """Copy each tensor of the module's state dict from the file; other keys are refused."""
        own = module.state_dict()
        state = {key: self.finite(key, value.shape) for key, value in own.items()}
        self.refuse_others(own)
        module.load_state_dict(state)

    def finite(self, key: str, shape: Shape) -> Tensor:
        """``take`` in single precision; numbers that are not finite are refused."""
        found = self.take(key, shape).float()
        if not torch.isfinite(found).all():
            raise CheckpointError(
                f"{self.path}: the key '{self.part}{key}' holds numbers that are not finite: "
                "the training behind this file has failed; take an earlier checkpoint."
            )
        return found


def read_checkpoint(path: Path | str) -> dict[str, Any]:
    """The dictionary in a PyTorch file, with all tensors on the CPU.

    Only tensors, numbers, strings and their containers are built.

    Raises:
        CheckpointError: with one sentence.
    """
    path = Path(path)
    start = _first_bytes(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the pickle; the error below is enough
            body = torch.load(path, map_location="cpu", weights_only=True, mmap=start == _ZIP)
    except Exception as error:
        # A damaged file can raise anything; a traceback would not help the user.
        raise CheckpointError(f"{path} {_why(error, start)}") from None
    if not isinstance(body, dict):
        raise CheckpointError(
            f"{path} holds a {type(body).__name__}, not the named tensors of a checkpoint: "
            "check that it is the file you meant."
        )
    return body


def tensors_in(path: Path | str, body: dict[str, Any], part: str = "") -> Tensors:
    """The tensors of a checkpoint's dictionary, or of one part of it."""
    path = Path(path)
    if part and part not in body:
        raise CheckpointError(
            f"{path}: the key '{part}' is missing (found {_some(body)}): this is another kind "
            "of checkpoint."
        )
    values = body[part] if part else body
    prefix = f"{part}/" if part else ""
    if not isinstance(values, dict):
        raise CheckpointError(f"{path}: the key '{part}' holds no named tensors.")
    for key, value in values.items():
        if not isinstance(value, Tensor):
            raise CheckpointError(
                f"{path}: the key '{prefix}{key}' holds a {type(value).__name__} instead of a "
                "tensor: this is another kind of checkpoint."
            )
        plain = not value.is_nested and value.layout == torch.strided
        if not plain or value.device.type != "cpu":
            raise CheckpointError(
                f"{path}: the key '{prefix}{key}' holds no plain tensor: this is another kind of "
                "checkpoint."
            )
        # With strides of 0 a few bytes can describe a tensor of any size.
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise CheckpointError(
                f"{path}: the key '{prefix}{key}' claims the shape {_written(value.shape)}, "
                "more than its data: the file is damaged or made to do harm."
            )
    return Tensors(path, prefix, {str(k): v.detach() for k, v in values.items()})


class _PlainUnpickler(pickle.Unpickler):
    """Builds numbers, strings and containers; refuses classes and functions."""

    def find_class(self, module: str, name: str) -> Any:
        """Refuse every import."""
        raise _RefusedError(f"{module}.{name}")


class _RefusedError(Exception):
    """Carries the name that a pickle wanted to import."""


def read_plain_pickle(path: Path | str) -> Any:
    """The contents of a pickle of plain lists and dictionaries; raises CheckpointError."""
    path = Path(path)
    start = _first_bytes(path)
    try:
        data = read_bytes(path, PICKLE_LIMIT)
        _check_memo(data)
        return _PlainUnpickler(io.BytesIO(data)).load()
    except _RefusedError as error:
        raise CheckpointError(f"{path} {_refusal(str(error))}") from None
    except FileError as error:
        raise CheckpointError(f"{path} {error}: check that it is the file you meant.") from None
    except Exception as error:
        raise CheckpointError(f"{path} {_why(error, start)}") from None


def _check_memo(data: bytes) -> None:
    """Refuse a pickle that numbers its objects beyond its size: a table of so many is allocated."""
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and int(argument or 0) > len(data):
            raise pickle.UnpicklingError("memo")


def read_array(path: Path | str, shape: Shape) -> NDArray[np.float32]:
    """A ``.npy`` of finite numbers in single precision; raises CheckpointError."""
    path = Path(path)
    start = _first_bytes(path)
    try:
        # Mapped: a header that claims more than the file holds is refused, not allocated.
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:
        raise CheckpointError(f"{path} {_why(error, start)}") from None
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "fiu":
        raise CheckpointError(f"{path} holds no array of numbers: give a .npy file.")
    fits = [e in (None, s) for e, s in zip(shape, found.shape, strict=False)]
    if found.ndim != len(shape) or not all(fits):
        raise CheckpointError(
            f"{path} should have the shape {_written(shape)} and has {_written(found.shape)}."
        )
    if not np.isfinite(found).all():
        raise CheckpointError(f"{path} holds numbers that are not finite.")
    return found.astype(np.float32)


def _first_bytes(path: Path) -> bytes:
    """The file's first bytes; raises CheckpointError when it is missing, unreadable or empty."""
    if path.is_dir():
        raise CheckpointError(f"{path} is a folder: name the file itself.")
    try:
        check_regular(path)
        with path.open("rb") as file:
            start = file.read(4)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: there is no such file.") from None
    except FileError as error:
        raise CheckpointError(f"{path} {error}: name the file itself.") from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}).") from None
    if not start:
        raise CheckpointError(f"{path} is empty: download it again.")
    return start


def _why(error: Exception, start: bytes) -> str:
    """Why a file cannot be read: the end of a sentence that begins with its name."""
    text = str(error)
    if isinstance(error, pickle.UnpicklingError):
        if asked := re.search(r"GLOBAL (\S+)", text):
            return _refusal(asked[1])
        if "Unsupported operand" in text and start[:1] == _PICKLE:
            return "is a pickle of something else than tensors: it was refused, nothing of it ran."
    if isinstance(error, MemoryError):
        return "is larger than this machine's memory, or damaged."
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read ({error.strerror})."
    if start in (_ZIP, b"\x93NUM") or start[:1] == _PICKLE:
        return "is cut off, damaged, or another kind of file: download it again."
    return "is not a file of the kind asked for: check that it is the one you meant."


def _refusal(what: str) -> str:
    return (
        f"asks for '{what}', which a file of numbers does not need: it was refused and nothing "
        "of it was run; get the file from its authors."
    )


def _written(shape: Shape) -> str:
    return "(" + ", ".join("any" if size is None else str(int(size)) for size in shape) + ")"


def _some(body: dict[Any, Any]) -> str:
    names = [f"'{key}'" for key in list(body)[:3]]
    return ", ".join([*names, "..."] if len(body) > 3 else names) or "nothing"

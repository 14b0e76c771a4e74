"""The memory that a pack needs, and what of the computer's is free, told before it is loaded.

Standard library only, so that the panel can ask. It is an estimate: the program, and every weight
in the form in which it is computed with.
"""

from __future__ import annotations

import ctypes
import json
import re
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..translation import tr
from .fetched_bases import find_fetched, named_bases

#: Bytes of Python with PyTorch, transformers and a batch (measured).
PROGRAM: Final = 0.9e9
#: Bytes of a weight that is computed with, and what comes on top for buffers.
_FLOAT32: Final = 4.0
_OVERHEAD: Final = 1.1
#: The number of a layer in the name of a tensor.
_LAYER: Final = re.compile(r"\blayers\.(\d+)\.")
#: The longest header of a weights file that is read.
_LONGEST_HEADER: Final = 2**24


@dataclass(frozen=True)
class MemoryNeed:
    """What a pack needs, and what there is.

    Attributes:
        needed: bytes of the model's process with the pack.
        free: bytes that a program can have; None where the system hides it.
    """

    needed: float
    free: float | None

    @property
    def fits(self) -> bool:
        """Whether the pack can be loaded; True where nobody knows."""
        return self.free is None or self.needed <= self.free

    def __str__(self) -> str:
        """In words."""
        needs = tr("Needs about {gigabytes:.1f} GB of memory", gigabytes=self.needed / 1e9)
        if self.free is None:
            return needs
        free = tr("{gigabytes:.1f} GB are free", gigabytes=self.free / 1e9)
        if self.fits:
            return f"{needs}; {free}"
        return tr(
            "{needs}, and {free}: close other programs, or choose a smaller pack",
            needs=needs,
            free=free,
        )


def needed_memory(pack: Path) -> float:
    """Bytes that the model's process takes with a pack, about."""
    weights = sum(map(weights_in, (*pack.rglob("*.safetensors"),)))
    for named in named_bases(pack):
        if (base := find_fetched(named.id, named.revision)) is not None:
            weights += sum(weights_in(f, named.layers) for f in base.folder.glob("*.safetensors"))
    return PROGRAM + weights * _FLOAT32 * _OVERHEAD


def weights_in(path: Path, layers: int = 0) -> int:
    """Numbers in a file of weights, by its header; 0 for one that cannot be read.

    ``layers``: those of the first layers alone, and of what belongs to no layer; 0 is all.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _LONGEST_HEADER:
                return 0
            header: dict[str, Any] = json.loads(file.read(length))
        return sum(
            _count(tensor)
            for name, tensor in header.items()
            if name != "__metadata__" and not (layers and _layer(name) >= layers)
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError, struct.error):
        return 0


def _layer(name: str) -> int:
    """The layer that a tensor belongs to; -1 for one that belongs to none."""
    found = _LAYER.search(name)
    return int(found[1]) if found else -1


def _count(tensor: dict[str, Any]) -> int:
    count = 1
    for size in tensor["shape"]:
        count *= int(size)
    return count


def free_memory() -> float | None:
    """Bytes of the computer's memory that a program can have; None where the system hides it."""
    if sys.platform == "win32":
        return _free_on_windows()
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found = {line.partition(":")[0]: line.split()[1] for line in lines}
        return 1024.0 * int(found["MemAvailable"])
    except (OSError, ValueError, KeyError, IndexError):
        return None


def _free_on_windows() -> float | None:
    class Status(ctypes.Structure):
        """MEMORYSTATUSEX."""

        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("total", "free", "b", "c", "d", "e", "f")),
        )

    status = Status(length=ctypes.sizeof(Status))
    library: Any = getattr(ctypes, "windll")  # noqa: B009 - Windows alone has it
    if not library.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return float(status.free)

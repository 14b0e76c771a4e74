"""The bones of an armature as plain arrays: names, parents, rest heads and tails."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Bones:
    """Bones at rest, in the armature's own space.

    Attributes:
        names: N names.
        parents: N indices, -1 for a bone without a parent; None when not known.
        heads: (N, 3) where each bone begins; None when not known.
        tails: (N, 3) where each ends.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...] | None = None
    heads: NDArray[np.float64] | None = None
    tails: NDArray[np.float64] | None = None

    @staticmethod
    def named(names: Iterable[str]) -> Bones:
        """Bones of which only the names are known."""
        return Bones(tuple(names))

    @cached_property
    def index(self) -> dict[str, int]:
        """Name -> index."""
        return {name: i for i, name in enumerate(self.names)}

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """For each bone the indices of its children."""
        out: list[list[int]] = [[] for _ in self.names]
        for child, parent in enumerate(self.parents or ()):
            if parent >= 0:
                out[parent].append(child)
        return tuple(tuple(c) for c in out)

    def ancestors(self, bone: int) -> list[int]:
        """The bone itself, its parent, and so on up."""
        if self.parents is None:
            return [bone]
        line = [bone]
        while self.parents[line[-1]] >= 0:
            line.append(self.parents[line[-1]])
        return line

    def is_below(self, bone: str, other: str) -> bool:
        """Whether ``bone`` is a descendant of ``other``; True where parents are unknown."""
        if self.parents is None:
            return True
        return bone != other and self.index[other] in self.ancestors(self.index[bone])

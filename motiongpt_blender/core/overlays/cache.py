"""A value that is made again only when what it depends on has changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


class LastValue(Generic[_Value]):
    """Keeps the last value and its key."""

    def __init__(self) -> None:
        self._kept: tuple[Hashable, _Value] | None = None

    def get(self, key: Hashable, make: Callable[[], _Value]) -> _Value:
        """The value for a key: the kept one, or a new one."""
        if self._kept is None or self._kept[0] != key:
            self._kept = key, make()
        return self._kept[1]

    def forget(self) -> None:
        """Make the value anew at the next call."""
        self._kept = None

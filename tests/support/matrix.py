"""Which parameters of a test the matrix of Blenders takes: those whose outcome is Blender's.

Rigs differ by their names and rest poses, motions by their numbers, refusals by their sentences;
all of these are the same in every Blender. One or two of each run there, to show that the way
through Blender is open; the tier ``bpy`` runs all.
"""

from collections.abc import Collection, Sequence
from typing import Any

import pytest


def sweep(values: Sequence[Any], every: int = 8) -> list[Any]:
    """Test parameters of which the matrix takes every n-th only, the first among them."""
    return _marked(values, range(0, len(values), every))


def sweep_but(values: Sequence[Any], kept: Collection[Any]) -> list[Any]:
    """Test parameters of which the matrix takes only ``kept``."""
    return _marked(values, [index for index, value in enumerate(values) if value in kept])


def _marked(values: Sequence[Any], kept: Collection[int]) -> list[Any]:
    rows = (value if isinstance(value, tuple) else (value,) for value in values)
    return [
        pytest.param(*row, marks=() if index in kept else pytest.mark.sweep)
        for index, row in enumerate(rows)
    ]

"""Blender ships no types: everything in this module is Any, so that pyright follows the rest."""

from typing import Any

def __getattr__(name: str) -> Any: ...

"""Recipes: TOML files read into frozen dataclasses, strictly.

A recipe's table is a dataclass, a key of it a field. The reader refuses what the dataclass does
not have and names file, table and key, with the nearest right name; so a misspelt key never
trains to the end in silence. Which tables there are is in ``ext_models.recipes.schema`` and in
the modules of the parts.
"""

from __future__ import annotations

import difflib
import math
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin

from ext_models.packs import PackError

T = TypeVar("T")

_FLAT = "flat"


def flat() -> Any:
    """A dataclass field whose own fields stand in the same table of the recipe."""
    return field(metadata={_FLAT: True})


def read_toml(path: Path) -> dict[str, Any]:
    """A recipe as nested dictionaries; raises PackError naming the file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PackError(f"{path}: there is no such recipe.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PackError(f"{path} is not a readable recipe: {error}.") from None
    except OSError as error:
        raise PackError(f"{path} cannot be read ({error.strerror}).") from None


def read_table(kind: type[T], table: Any, where: str, name: str = "") -> T:
    """A table as a dataclass.

    Args:
        kind: the dataclass; its fields are the keys, those without a default are required.
        table: the table's keys and values, as TOML gives them.
        where: the file, for messages.
        name: the table's dotted name; empty for a whole recipe.

    Raises:
        PackError: for an unknown or missing key, or a value that the field does not take.
    """
    return _Reader(where).table(kind, table, name)


class _Reader:
    """Reads the tables of one file."""

    def __init__(self, where: str) -> None:
        self.where = where

    def table(self, kind: type[T], table: Any, name: str, also: Iterable[str] = ()) -> T:
        """A table as a dataclass; ``also`` are keys of its alternatives, to suggest."""
        if not isinstance(table, Mapping):
            raise self.error(f"{name} is {_toml(table)}; write a table [{name}].")
        types_of = typing.get_type_hints(kind)
        inner = {f.name: types_of[f.name] for f in fields(_dataclass(kind)) if _FLAT in f.metadata}
        known = keys_of(kind)
        for key in table:
            if key not in known:
                raise self.unknown(key, name, {*known, *also})
        values: dict[str, Any] = {}
        for each in _init_fields(kind):
            if each.name in inner:
                own = {k: v for k, v in table.items() if k in keys_of(inner[each.name])}
                values[each.name] = self.table(inner[each.name], own, name)
            elif each.name in table:
                dotted = f"{name}.{each.name}" if name else each.name
                values[each.name] = self.value(types_of[each.name], table[each.name], dotted)
            elif _required(each):
                raise self.error(
                    f"{_table(name)} has no '{each.name}'; write it."
                    if name
                    else f"the recipe has no [{each.name}] table."
                )
        try:
            return kind(**values)
        except (PackError, ValueError) as error:
            raise self.error(f"{_table(name)}: {error}") from None

    def value(self, kind: Any, value: Any, name: str) -> Any:
        """A value as the type of its field."""
        origin = get_origin(kind)
        if origin in (Union, types.UnionType):
            return self.union([k for k in get_args(kind) if k is not types.NoneType], value, name)
        if is_dataclass(kind):
            return self.table(cast("type[Any]", kind), value, name)
        if origin in (tuple, Sequence):
            return self.sequence(kind, value, name)
        if origin in (dict, Mapping):
            if not isinstance(value, Mapping):
                raise self.error(f"{name} is {_toml(value)}; write a table [{name}].")
            return dict(value)
        if origin is Literal:
            return self.choice(get_args(kind), value, name)
        return value if kind is Any else self.scalar(kind, value, name)

    def choice(self, options: Sequence[Any], value: Any, name: str) -> Any:
        """One of a few values."""
        if not any(value == one and type(value) is type(one) for one in options):
            raise self.error(f"{name} is {_toml(value)}; write {_either(options)}.")
        return value

    def scalar(self, kind: Any, value: Any, name: str) -> Any:
        """A number, a truth value, a text, a path or a member of an enum."""
        if kind is float and type(value) in (int, float) and not math.isnan(value):
            return float(value)
        if kind is Path and isinstance(value, str):
            return Path(value)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return kind(self.choice([member.value for member in kind], value, name))
        if type(value) is not kind or kind is float:
            raise self.error(f"{name} is {_toml(value)}; write {_NAMES.get(kind, 'a table')}.")
        return value

    def sequence(self, kind: Any, value: Any, name: str) -> tuple[Any, ...]:
        """A list as a tuple, of one type or of one type a place."""
        if not isinstance(value, (list, tuple)):
            raise self.error(f"{name} is {_toml(value)}; write a list.")
        parts = [part for part in get_args(kind) if part is not Ellipsis]
        if Ellipsis in get_args(kind) or get_origin(kind) is not tuple:
            parts = parts * len(value)
        if len(parts) != len(value):
            raise self.error(f"{name} has {len(value)} values; write {len(parts)}.")
        pairs = enumerate(zip(parts, value, strict=True), 1)
        return tuple(self.value(part, one, f"{name}[{k}]") for k, (part, one) in pairs)

    def union(self, kinds: Sequence[Any], value: Any, name: str) -> Any:
        """A value as the first of several types that fits it."""
        tables = [kind for kind in kinds if is_dataclass(kind)]
        if isinstance(value, Mapping) and tables:
            also = {key for kind in tables for key in keys_of(kind)}
            fitting = next((kind for kind in tables if _fits(kind, value)), tables[-1])
            return self.table(cast("type[Any]", fitting), value, name, also)
        errors: list[PackError] = []
        for kind in [kind for kind in kinds if kind not in tables] or kinds:
            try:
                return self.value(kind, value, name)
            except PackError as error:
                errors.append(error)
        raise errors[0]

    def unknown(self, key: str, name: str, known: Iterable[str]) -> PackError:
        """The refusal of a key that no table of this name has."""
        near = difflib.get_close_matches(key, sorted(known), n=1, cutoff=0.5)
        if not name:
            hint = f"; did you mean [{near[0]}]?" if near else "."
            return self.error(f"there is no table [{key}] in a recipe{hint}")
        hint = f"; did you mean '{near[0]}'?" if near else f"; it knows {', '.join(sorted(known))}."
        return self.error(f"{_table(name)} has no key '{key}'{hint}")

    def error(self, message: str) -> PackError:
        """A refusal that names the file."""
        return PackError(f"{self.where}: {message}")


def keys_of(kind: Any) -> list[str]:
    """The keys that a table read as this dataclass may have."""
    types_of = typing.get_type_hints(kind)
    keys: list[str] = []
    for each in _init_fields(kind):
        keys += keys_of(types_of[each.name]) if _FLAT in each.metadata else [each.name]
    return keys


def _fits(kind: Any, table: Mapping[str, Any]) -> bool:
    """Whether a table has all that a dataclass requires, and its required literals."""
    types_of = typing.get_type_hints(kind)
    for each in _init_fields(kind):
        if _FLAT in each.metadata or not _required(each):
            continue
        wanted = types_of[each.name]
        if each.name not in table:
            return False
        if get_origin(wanted) is Literal and table[each.name] not in get_args(wanted):
            return False
    return True


def _init_fields(kind: Any) -> list[Field[Any]]:
    return [each for each in fields(_dataclass(kind)) if each.init]


def _dataclass(kind: Any) -> Any:
    if not is_dataclass(kind):
        raise TypeError(f"{kind} is no dataclass: a recipe's table is read as one.")
    return kind


def _required(each: Field[Any]) -> bool:
    return each.default is MISSING and each.default_factory is MISSING


def _table(name: str) -> str:
    return f"[{name}]" if name else "the recipe"


def _toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    return "a table" if isinstance(value, Mapping) else str(value)


def _either(values: Iterable[Any]) -> str:
    *most, last = [_toml(value) for value in values]
    return f"{', '.join(most)} or {last}" if most else last


_NAMES: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a text",
    Path: "a path",
}

"""Recipes: TOML files read into frozen dataclasses, strictly.

A recipe's table is a dataclass, a key of it a field. The reader refuses what the dataclass does
not have and names file, table and key, with the nearest right name; so a misspelt key never
trains to the end in silence. Which tables there are is in ``ext_models.recipes.schema`` and in
the modules of the parts.
"""

from __future__ import annotations

import difflib
import functools
import math
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin

from ext_models.packs import PackError

T = TypeVar("T")

_FLAT: Final = "flat"
#: Metadata of a dataclass field whose own fields stand in the same table of the recipe.
FLAT: Final = {_FLAT: True}


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
        types_of = _types(kind)
        inner = {f.name: types_of[f.name] for f in fields(_dataclass(kind)) if _FLAT in f.metadata}
        required = [f.name for f in _init_fields(kind) if _required(f) and f.name not in inner]
        self.check_keys(table, keys_of(kind), required, name, also)
        values: dict[str, Any] = {}
        for each in _init_fields(kind):
            if each.name in inner:
                own = {k: v for k, v in table.items() if k in keys_of(inner[each.name])}
                values[each.name] = self.table(inner[each.name], own, name)
            elif each.name in table:
                dotted = f"{name}.{each.name}" if name else each.name
                values[each.name] = self.value(types_of[each.name], table[each.name], dotted)
        try:
            return kind(**values)
        except (PackError, ValueError) as error:
            raise self.error(f"{_table(name)}: {error}") from None

    def check_keys(
        self,
        table: Mapping[str, Any],
        known: Sequence[str],
        required: Sequence[str],
        name: str,
        also: Iterable[str],
    ) -> None:
        """Refuse unknown and missing keys; a misspelt key is both, and named as it stands."""
        missing = [key for key in required if key not in table]
        if missing and not name:
            raise self.error(f"the recipe has no [{missing[0]}] table.")
        for key in table:
            if key not in known:
                raise self.unknown(key, name, {*known, *also})
        if missing:
            raise self.error(f"[{name}] has no '{missing[0]}'; write it.")

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
            self.check_choices(tables, value, name)
            also = {key for kind in tables for key in keys_of(kind)}
            likely = max(reversed(tables), key=lambda kind: _likelihood(kind, value))
            return self.table(cast("type[Any]", likely), value, name, also)
        errors: list[PackError] = []
        for kind in [kind for kind in kinds if kind not in tables] or kinds:
            try:
                return self.value(kind, value, name)
            except PackError as error:
                errors.append(error)
        raise errors[0]

    def check_choices(self, tables: Sequence[Any], value: Mapping[str, Any], name: str) -> None:
        """Refuse a value that none of several tables takes for a key of a few values."""
        options: dict[str, list[Any]] = {}
        for kind in tables:
            for key, wanted in _types(kind).items():
                choices = get_args(wanted) if get_origin(wanted) is Literal else [wanted]
                options[key] = [*options.get(key, ()), *choices]
        for key in options.keys() & value.keys():
            if not any(_is_type(option) for option in options[key]):
                self.choice(options[key], value[key], f"{name}.{key}")

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
    types_of = _types(kind)
    keys: list[str] = []
    for each in _init_fields(kind):
        keys += keys_of(types_of[each.name]) if _FLAT in each.metadata else [each.name]
    return keys


def _likelihood(kind: Any, table: Mapping[str, Any]) -> tuple[bool, int, bool]:
    """How well a table fits a dataclass: its literals, its known keys, its required keys."""
    literals = {k: get_args(v) for k, v in _types(kind).items() if get_origin(v) is Literal}
    matching = all(table[key] in literals[key] for key in literals.keys() & table.keys())
    required = {f.name for f in _init_fields(kind) if _required(f) and _FLAT not in f.metadata}
    return matching, len(set(keys_of(kind)) & table.keys()), required <= table.keys()


@functools.cache
def _types(kind: Any) -> dict[str, Any]:
    """The types of a dataclass' fields."""
    return typing.get_type_hints(_dataclass(kind))


def _is_type(option: Any) -> bool:
    """Whether it is a type, or a value of a literal type."""
    return not isinstance(option, str | int | float)


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

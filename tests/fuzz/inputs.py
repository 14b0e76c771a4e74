"""Strategies that damage a good file: JSON by its meaning, anything else by its bytes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

#: What nobody expects in a field.
ODD_VALUES = st.one_of(
    st.sampled_from(
        [None, True, False, 0, -1, 1, 10**5, 10**9, 2**63, 10**400, 0.5, 1e308, -1e308, 1e-320,
         "", "x", "x" * 100_000, "\ud800", "\x1b[2J", "../x", "/dev/zero", "CON", [], {}, [[]],
         [0], [1] * 1000, [None], {"x": 1}]
    ),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
)  # fmt: skip
#: Where in a file, as a share of it, and what is done there.
_PLACES = st.floats(0, 1, exclude_max=True)
_EDITS = st.lists(
    st.tuples(_PLACES, st.sampled_from(["replace", "remove", "repeat", "wrap"]), ODD_VALUES),
    min_size=1,
    max_size=3,
)
_BYTE_EDITS = st.lists(
    st.tuples(
        _PLACES,
        st.sampled_from(["flip", "write", "cut", "insert", "end"]),
        st.one_of(
            st.binary(min_size=1, max_size=16),
            st.sampled_from([b"\xff" * 4, b"\xff" * 8, b"\0" * 8, b"\0\0\0\x7f", b"1e308", b"-1"]),
        ),
    ),
    min_size=1,
    max_size=4,
)


def damaged_json(good: Any) -> st.SearchStrategy[bytes]:
    """The text of a JSON value of which some places hold something else, or no JSON at all."""
    edited = _EDITS.map(lambda edits: _written(_edited(good, edits)))
    deep = st.integers(10, 100_000).map(lambda n: b"[" * n)
    return st.one_of(edited, edited, edited, damaged_bytes(_written(good)), deep)


def damaged_bytes(good: bytes) -> st.SearchStrategy[bytes]:
    """A file of which some bytes are others, missing or too many."""
    return _BYTE_EDITS.map(lambda edits: _with_edits(good, edits))


def damaged_text(good: str, words: Callable[[str], list[str]] = str.split) -> st.SearchStrategy:
    """A text of which some words are others; ``words`` splits it."""
    odd = st.sampled_from(
        ["nan", "inf", "1e308", "-1e308", "1e-320", "0", "-1", "999999999999", "{", "}", "",
         "\0", "\ud800", "x" * 100_000, "#", ",", '"']
    )  # fmt: skip
    edits = st.lists(st.tuples(_PLACES, odd), min_size=1, max_size=4)

    def edited(changes: list[tuple[float, str]]) -> bytes:
        text = good
        for place, word in changes:
            found = words(text)
            if found:
                old = found[int(place * len(found))]
                text = text.replace(old, word, 1)
        return text.encode("utf-8", "surrogatepass")

    return st.one_of(edits.map(edited), damaged_bytes(good.encode()))


def _written(value: Any) -> bytes:
    return json.dumps(value).encode()


def _edited(good: Any, edits: list[tuple[float, str, Any]]) -> Any:
    body = [copy.deepcopy(good)]
    for place, action, value in edits:
        odd = copy.deepcopy(value)  # another edit may change it in turn
        slots = list(_slots(body))
        owner, key = slots[int(place * len(slots))]
        if action == "remove" and owner is not body:
            del owner[key]
        elif action == "repeat" and isinstance(owner[key], list):
            owner[key] = owner[key] * 3
        elif action == "wrap":
            owner[key] = [owner[key]]
        else:
            owner[key] = odd
    return body[0]


def _slots(owner: Any) -> Any:
    """Every place of a JSON value: its list or object, and the index or key there."""
    keys = range(len(owner)) if isinstance(owner, list) else list(owner)
    for key in list(keys)[:50]:  # of long lists the first entries stand for all
        yield owner, key
        if isinstance(owner[key], list | dict):
            yield from _slots(owner[key])


def _with_edits(good: bytes, edits: list[tuple[float, str, bytes]]) -> bytes:
    data = bytearray(good)
    for place, action, odd in edits:
        at = int(place * len(data))
        if action == "flip" and data:
            data[at] ^= odd[0] or 1
        elif action == "write":
            data[at : at + len(odd)] = odd
        elif action == "cut":
            del data[at : at + 3 * len(odd)]
        elif action == "insert":
            data[at:at] = odd
        elif action == "end":
            del data[at:]
    return bytes(data)

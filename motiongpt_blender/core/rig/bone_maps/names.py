"""Canonical bone names, independent of the exporter's spelling.

A name is its side and its base: ``mixamorig:LeftUpLeg`` is ``l`` and ``upleg``,
``thigh_twist_01.R`` is ``r`` and ``thightwist1``, ``左足D`` is ``l`` and ``足d``.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

_SIDES: Final = {"l": "l", "left": "l", "lft": "l", "左": "l"} | {
    "r": "r", "right": "r", "rgt": "r", "右": "r",
}  # fmt: skip
#: Prefixes that exporters put before every name.
_PREFIX: Final = re.compile(r"^(mixamorig\d*[ _:]?|[mf]_avg_)")
_SWAPS: Final = (
    ("Left", "Right"), ("left", "right"), ("LEFT", "RIGHT"), ("左", "右"),
)  # fmt: skip
_LETTER: Final = {"l": "r", "r": "l", "L": "R", "R": "L"}
#: A first word is dropped when this share of all names begins with it.
_COMMON: Final = 0.6


@lru_cache(maxsize=8192)
def split_name(name: str) -> tuple[str, tuple[str, ...]]:
    """Side (``l``, ``r`` or nothing) and the other words of a name, lower case.

    Numbers are words of their own, without leading zeros.
    """
    name = unicodedata.normalize("NFKC", name)
    spaces = [part for part in re.split(r"[:|]", name) if part.strip()]
    name = _PREFIX.sub("", spaces[-1] if spaces else name)
    name = re.sub(r"^([左右])|([左右])$", r"\1 \2 ", name)
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    name = re.sub(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])", "_", name)
    words = [w.lstrip("0") or "0" if w.isdecimal() else w for w in re.findall(r"[^\W_]+", name)]
    side = next((w for w in words if w in _SIDES), "")
    if side:
        words.remove(side)
    return _SIDES.get(side, ""), tuple(words)


def _key(side: str, words: Iterable[str]) -> str:
    base = "".join(words)
    return f"{side}_{base}" if side else base


def canonical(name: str) -> str:
    """A bone name without namespace, case and punctuation, its side put first.

    ``mixamorig:LeftHip``, ``hip.L``, ``L_Hip`` and ``m_avg_L_Hip`` give ``l_hip``.
    """
    return _key(*split_name(name))


def keys_of(names: Iterable[str]) -> dict[str, str]:
    """Canonical key -> name, for all bones of one armature.

    All names are compared: a first word that nearly all share is left
    away (``Hero_Hips``), and ``lfemur`` has a side where there is an ``rfemur``.
    """
    spelt = list(names)
    split = {name: split_name(name) for name in spelt}
    keys: dict[str, str] = {}
    for name in spelt:
        keys.setdefault(_key(*split[name]), name)
    for name, side in _glued_sides(split).items():
        keys.setdefault(_key(side, [split[name][1][0][1:], *split[name][1][1:]]), name)
    first = Counter(words[0] for _, words in split.values() if len(words) > 1)
    for word, count in first.most_common(1):
        if count >= _COMMON * len(spelt) and len(spelt) > 5:
            for name, (side, words) in split.items():
                if len(words) > 1 and words[0] == word:
                    keys.setdefault(_key(side, words[1:]), name)
    return keys


def _glued_sides(split: Mapping[str, tuple[str, tuple[str, ...]]]) -> dict[str, str]:
    """Names whose first letter is their side, because the other side is there as well."""
    plain = {"".join(words): name for name, (side, words) in split.items() if not side and words}
    sides: dict[str, str] = {}
    for base, name in plain.items():
        other = _LETTER.get(base[:1], "") + base[1:]
        if len(base) > 3 and base[0] in "lr" and other in plain:
            sides[name] = base[0]
    return sides


def mirrored_name(name: str, names: Iterable[str]) -> str | None:
    """The bone of the other side among ``names``, or None."""
    known = set(names)
    for one, other in _SWAPS:
        for old, new in ((one, other), (other, one)):
            if old in name and name.replace(old, new, 1) in known:
                return name.replace(old, new, 1)
    for match in re.finditer(r"(?<![A-Za-z])[lLrR](?![a-z])|^[lr](?=[A-Z])", name):
        swapped = name[: match.start()] + _LETTER[match[0]] + name[match.end() :]
        if swapped in known:
            return swapped
    side, words = split_name(name)
    if not side:
        return None
    wanted = ("r" if side == "l" else "l", words)
    return next((n for n in known if split_name(n) == wanted), None)

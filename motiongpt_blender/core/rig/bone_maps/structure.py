"""The bone map of a skeleton by its shape alone, without its bones' names.

Two pairs of long, similar branches are the legs and the arms; pelvis and chest are the bones where
the pairs meet; the feet point forward, which gives left and right.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...translation import msgid, tr
from .bones import Bones
from .limbs import Joints, Row, arm_joints, leg_joints
from .names import split_name
from .parts import BoneMap, Failure, MappedBone, Part, Source

Vector = NDArray[np.float64]

#: Name of a map by shape, in files and for users.
SHAPE: Final = "structure"
SHAPE_LABEL: Final = msgid("Found by shape")
#: Highest confidence of a map by shape.
SUREST: Final = 0.75
#: A limb's length is at least this share of the longest branch's.
_SHORTEST: Final = 0.15
#: Least likeness of the two sides of a pair, 0 to 1.
_ALIKE: Final = 0.75
#: Length of a direction that is guessed.
GUESSED: Final = 0.5
#: Words in the names of bones that only mark an end.
_STUBS: Final = frozenset({"end", "leaf", "nub", "tip", "site"})


@dataclass(frozen=True)
class _Pair:
    """Two branches of one bone that look alike.

    Attributes:
        fork: index of the bone that they leave.
        rows: the bones along each.
        alike: 0 to 1.
    """

    fork: int
    rows: tuple[Row, Row]
    alike: float

    @property
    def start(self) -> Vector:
        """(3,) between both beginnings."""
        return 0.5 * (self.rows[0].points[0] + self.rows[1].points[0])

    @property
    def across(self) -> Vector:
        """(3,) unit vector from the second branch to the first, where they separate."""
        count = min(len(row.points) for row in self.rows)
        apart = self.rows[0].points[:count] - self.rows[1].points[:count]
        parted = np.linalg.norm(apart, axis=-1) > 0.03 * self.length
        return _unit(apart[int(np.argmax(parted)) if parted.any() else -1])

    @property
    def length(self) -> float:
        """Mean length of both."""
        return 0.5 * (self.rows[0].length + self.rows[1].length)


@dataclass(frozen=True)
class _Body:
    """Legs, arms and where they meet."""

    legs: _Pair
    arms: _Pair
    pelvis: int
    trunk: tuple[int, ...]
    fit: float


def by_structure(bones: Bones) -> BoneMap:
    """The map by shape; without any bone where no body is recognised."""
    body = _find_body(bones)
    if body is None:
        reason = tr("No two legs and two arms were found in the shape of the skeleton.")
        return _map([], [Failure(part, reason) for part in Part])
    return _Assignment(bones, body).run()


def _map(entries: list[MappedBone], failures: list[Failure]) -> BoneMap:
    order = list(Part)
    entries = sorted(entries, key=lambda e: order.index(e.part))
    return BoneMap(SHAPE, SHAPE_LABEL, tuple(entries), failures=tuple(failures))


def _unit(vector: Vector) -> Vector:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


def _find_body(bones: Bones) -> _Body | None:
    """The two pairs that make the best body."""
    if bones.parents is None or bones.heads is None or len(bones.names) < 8:
        return None
    pairs = _pairs(bones)
    bodies = [_body(bones, legs, arms) for legs in pairs for arms in pairs if legs is not arms]
    return max((b for b in bodies if b is not None), key=lambda b: b.fit, default=None)


def _pairs(bones: Bones) -> list[_Pair]:
    """All pairs of long branches that look alike."""
    reach, follow = _reach(bones)
    longest = max(reach)
    out: list[_Pair] = []
    for fork, children in enumerate(bones.children):
        long = [c for c in children if reach[c] > _SHORTEST * longest]
        for pair in combinations(long, 2):
            one, other = (_row(bones, c, follow) for c in pair)
            alike = _likeness(one, other)
            if alike >= _ALIKE:
                out.append(_Pair(fork, (one, other), alike))
    return out


def _reach(bones: Bones) -> tuple[list[float], list[int]]:
    """Length of the longest chain from each bone's head to an end, and its first child."""
    heads, tails = _points(bones)
    reach = [float(d) for d in np.linalg.norm(tails - heads, axis=-1)]
    follow = [-1] * len(bones.names)
    for bone in _ends_first(bones):
        children = [c for c in bones.children[bone] if not _is_stub(bones, c)]
        if children:
            lengths = [float(np.linalg.norm(heads[c] - heads[bone])) + reach[c] for c in children]
            best = int(np.argmax(lengths))
            reach[bone], follow[bone] = lengths[best], children[best]
    return reach, follow


def _is_stub(bones: Bones, bone: int) -> bool:
    """Whether a bone only marks its parent's end, as exporters add."""
    words = split_name(bones.names[bone])[1]
    return not bones.children[bone] and bool(_STUBS.intersection(words))


def _points(bones: Bones) -> tuple[Vector, Vector]:
    heads = bones.heads if bones.heads is not None else np.zeros((len(bones.names), 3))
    return heads, bones.tails if bones.tails is not None else heads


def _ends_first(bones: Bones) -> list[int]:
    """All bones, children before parents."""
    parents = bones.parents or ()
    order = [b for b, p in enumerate(parents) if p < 0]
    for bone in order:
        order.extend(bones.children[bone])
    return order[::-1]


def _row(bones: Bones, start: int, follow: list[int]) -> Row:
    line = [start]
    while follow[line[-1]] >= 0:
        line.append(follow[line[-1]])
    heads, tails = _points(bones)
    return Row(tuple(line), np.concatenate([heads[line], tails[line[-1:]]]))


def _extent(bones: Bones, start: int) -> Vector:
    """(3,) from a bone's head to the end of its longest row."""
    row = _row(bones, start, _reach(bones)[1])
    return row.points[-1] - row.points[0]


def _likeness(one: Row, other: Row) -> float:
    """How alike two branches are in length and in where their joints are, 0 to 1."""
    total = max(one.length, other.length)
    if total <= 0:
        return 0.0
    a, b = (np.cumsum(row.lengths) / total for row in (one, other))
    count = min(len(a), len(b))
    apart = float(np.abs(a[:count] - b[:count]).mean()) + abs(float(a[-1] - b[-1]))
    return max(0.0, 1.0 - 2.0 * apart - 0.05 * abs(len(a) - len(b)))


def _body(bones: Bones, legs: _Pair, arms: _Pair) -> _Body | None:
    """The body that two pairs make, or None when they make none."""
    up_from_arms = bones.ancestors(arms.fork)
    if any(set(row.bones) & set(up_from_arms) for row in legs.rows):
        return None
    meeting = next((b for b in bones.ancestors(legs.fork) if b in up_from_arms), None)
    if meeting is None:
        return None
    up = _unit(arms.start - legs.start)
    apart = float(np.linalg.norm(arms.start - legs.start)) / legs.length
    tips = 0.5 * (legs.rows[0].points[-1] + legs.rows[1].points[-1])
    down = float((legs.start - tips) @ up) / legs.length
    same = abs(float(legs.across @ arms.across))
    square = abs(float(legs.across @ up))
    if down < 0.35 or same < 0.6 or square > 0.6 or not 0.1 < apart < 2.0:
        return None
    sizes = [np.log(arms.length / legs.length / 0.85), np.log(apart / 0.5)]
    fit = legs.alike + arms.alike + same + down - square - sum(0.5 * (s / 0.4) ** 2 for s in sizes)
    trunk = tuple(reversed(up_from_arms[: up_from_arms.index(meeting)]))
    return _Body(legs, arms, meeting, trunk, float(fit))


class _Assignment:
    """Assigns parts to the bones of a body."""

    def __init__(self, bones: Bones, body: _Body) -> None:
        self.bones, self.body = bones, body
        self.entries: list[MappedBone] = []
        self.failures: list[Failure] = []
        self.legs = leg_joints(body.legs.rows)
        spans = [sum(j.spans(r)) for j, r in zip(self.legs, body.legs.rows, strict=False)]
        self.leg = float(np.mean(spans)) if spans else body.legs.length
        self.arms = arm_joints(body.arms.rows, self.leg)
        self.sure = SUREST * body.legs.alike * body.arms.alike

    def run(self) -> BoneMap:
        """Trunk, head, then the limbs of each side."""
        body = self.body
        self._put(Part.PELVIS, body.pelvis)
        if body.trunk:
            self._put(Part.CHEST, body.trunk[-1])
        else:
            self._fail(Part.CHEST, tr("The arms and the legs are children of the same bone."))
        for bone in body.trunk[:-1]:
            self._put(Part.SPINE, bone)
        if len(body.trunk) < 2:
            self._fail(Part.SPINE, tr("The chest is the only bone of the spine that was found."))
        self._head()
        first_is_left, sided = self._sides()
        if not sided:
            self.sure *= 0.7
        arms_first = bool(body.legs.across @ body.arms.across > 0) == first_is_left
        for k in (0, 1):
            self._leg("l" if (k == 0) == first_is_left else "r", k)
            self._arm("l" if (k == 0) == arms_first else "r", k)
        return _map(self.entries, self.failures)

    def _put(
        self, part: Part, bone: int, share: float = 1.0, note: str = "", *, detached: bool = False
    ) -> None:
        name = self.bones.names[bone]
        self.entries.append(
            MappedBone(
                part, name, name, False, round(self.sure * share, 3), Source.STRUCTURE, note,
                detached=detached,
            )
        )  # fmt: skip

    def _fail(self, part: Part, reason: str) -> None:
        self.failures.append(Failure(part, reason))

    def _sides(self) -> tuple[bool, bool]:
        """Whether the first leg is the left one, and whether names or feet confirm it."""
        sides = [
            [split_name(self.bones.names[b])[0] for b in row.bones] for row in self.body.legs.rows
        ]
        for first, second in (("l", "r"), ("r", "l")):
            if first in sides[0] and second in sides[1]:
                return first == "l", True
        up = _unit(self.body.arms.start - self.body.legs.start)
        ahead = self._ahead(up)
        left = np.cross(up, ahead)
        return bool(self.body.legs.across @ left > 0), bool(np.linalg.norm(ahead) > GUESSED)

    def _ahead(self, up: Vector) -> Vector:
        """(3,) where the feet point, else the knees, else Blender's front."""
        across = self.body.legs.across
        feet, knees = np.zeros(3), np.zeros(3)
        for row, j in zip(self.body.legs.rows, self.legs, strict=False):
            p = row.points
            foot = self._loose_foot(row, j) if j.end == len(row.bones) else None
            feet += p[-1] - p[j.end] if foot is None else _extent(self.bones, foot)
            knees += 2 * p[j.lower] - p[j.upper] - p[j.end]
        for seen, least in ((feet, 0.05), (knees, 0.02)):
            level = seen - up * (seen @ up) - across * (seen @ across)
            if np.linalg.norm(level) > least * self.leg:
                return _unit(level)
        front = np.array([0.0, -1.0, 0.0] if abs(up[2]) > abs(up[1]) else [0.0, 0.0, 1.0])
        return GUESSED * front

    def _leg(self, side: str, k: int) -> None:
        row = self.body.legs.rows[k]
        parts = [Part(f"{p}_{side}") for p in ("thigh", "shin", "foot", "toe")]
        if not self.legs:
            for part in parts:
                self._fail(part, tr("The leg has too few bones to have a knee."))
            return
        joints = self.legs[k]
        self._put(parts[0], row.bones[joints.upper])
        self._put(parts[1], row.bones[joints.lower])
        self._foot(parts[2], row, joints)
        if joints.end + 1 < len(row.bones):
            self._put(parts[3], row.bones[joints.end + 1], 0.8)
        elif all(e.part is not parts[3] for e in self.entries):
            self._fail(parts[3], tr("The leg ends with the foot."))

    def _foot(self, part: Part, row: Row, joints: Joints) -> None:
        if joints.end < len(row.bones):
            self._put(part, row.bones[joints.end])
            return
        nearest = self._loose_foot(row, joints)
        if nearest is not None:
            shin = self.bones.names[row.bones[joints.lower]]
            note = tr(
                "'{bone}' is not a child of '{shin}'.", bone=self.bones.names[nearest], shin=shin
            )
            self._put(part, nearest, 0.6, note, detached=True)
            toes = self.bones.children[nearest]
            if len(toes) == 1:
                self._put(Part(f"toe_{part.side}"), toes[0], 0.5)
        else:
            self._fail(part, tr("The leg ends with the shin, and no bone is at its end."))

    def _loose_foot(self, row: Row, joints: Joints) -> int | None:
        """The bone at the end of a leg that is not its descendant, if there is one."""
        heads, _ = _points(self.bones)
        far = np.linalg.norm(heads - row.points[joints.end], axis=-1)
        for bone in range(len(self.bones.names)):
            if row.bones[0] in self.bones.ancestors(bone):
                far[bone] = np.inf
        nearest = int(np.argmin(far))
        return nearest if far[nearest] < 0.25 * self.leg else None

    def _arm(self, side: str, k: int) -> None:
        row = self.body.arms.rows[k]
        parts = [Part(f"{p}_{side}") for p in ("collar", "upper_arm", "forearm", "hand")]
        if not self.arms:
            for part in parts:
                self._fail(part, tr("The arm has too few bones to have an elbow."))
            return
        joints = self.arms[k]
        if joints.upper > 0:
            self._put(parts[0], row.bones[0])
        else:
            self._fail(parts[0], tr("The arm begins with the upper arm."))
        self._put(parts[1], row.bones[joints.upper])
        self._put(parts[2], row.bones[joints.lower])
        if joints.end < len(row.bones):
            self._put(parts[3], row.bones[joints.end])
        else:
            self._fail(parts[3], tr("The arm ends with the forearm."))

    def _head(self) -> None:
        """Neck and head: the branch that goes up from the chest."""
        heads, _ = _points(self.bones)
        fork = self.body.arms.fork
        up = _unit(self.body.arms.start - self.body.legs.start)
        limbs = {row.bones[0] for row in (*self.body.arms.rows, *self.body.legs.rows)}
        _, follow = _reach(self.bones)
        rows = [_row(self.bones, c, follow) for c in self.bones.children[fork] if c not in limbs]
        rows = [r for r in rows if (r.points[-1] - heads[fork]) @ up > 0.1 * self.leg]
        if not rows:
            reason = tr("No bone goes up from the chest.")
            self.failures += [Failure(Part.NECK, reason), Failure(Part.HEAD, reason)]
            return
        line = max(rows, key=lambda r: float((r.points[-1] - heads[fork]) @ up)).bones
        forks = [i for i, b in enumerate(line) if len(self.bones.children[b]) > 1]
        low = [i for i, b in enumerate(line) if (heads[b] - heads[line[0]]) @ up < 0.2 * self.leg]
        at = forks[0] if forks and forks[0] > 0 else low[-1]
        for bone in line[:at]:
            self._put(Part.NECK, bone, 0.8)
        if at == 0:
            self._fail(Part.NECK, tr("Only one bone goes up from the chest: it is the head."))
        self._put(Part.HEAD, line[at], 0.9)

"""Few keys instead of one a frame, with an error that is known.

The error is measured where it shows: at head, hands and feet, in place and direction. Where
it is too large, the controls that cause most of it have to be nearer to their own dense
keys, until it is small everywhere. Marked frames keep their keys, and standing feet stay
where they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..body.rotations import Array, angle_between, continuous, multiply, rotate
from ..body.skeleton import SIDES, Joint
from ..feet.foot_contacts import FootContacts
from ..feet.foot_locking import leg_hinge, leg_is_connected
from ..retargeting.two_bone_ik import solve_leg_ik
from ..rig.bone_maps import Part
from ..rig.kinematics import PosedRig, basis_rotation, control_of, joint_position, pose_rig
from ..rig.rig_description import RigDescription
from .hermite import Curve, Fitter
from .leg_reduction import Tolerance, leg_of, reduce_leg_slices
from .sampled_channel import SMALL, SampledChannel, first_keys, own_error, scale_of

#: Metres a second, of the model, by which a standing toe may be off the dense keys' speed.
TOE_SPEED: Final = 0.018
#: What a control may be off at first, as a share of what would be too much by itself.
_LOOSE: Final = 0.7
#: Controls with this share of the worst one's blame have to give way with it.
_GUILTY: Final = 0.6
#: What a control may be off shrinks to this share of what it is off, at the least.
_STEP: Final = 0.5
#: Rounds after which every frame in question has a key anyway.
_ROUNDS: Final = 60


@dataclass(frozen=True)
class Limits:
    """How far sparse keys may be from dense ones.

    Attributes:
        degrees: at head, hands and feet.
        distance: at the same places, in the rig's unit.
    """

    degrees: float
    distance: float


@dataclass(frozen=True)
class ReductionReport:
    """What reducing came to.

    Attributes:
        keys: keys on curves that move.
        dense: those that one key a frame would have taken.
        degrees: the largest error in direction at head, hands and feet.
        distance: the largest error in place, in the rig's unit.
    """

    keys: int
    dense: int
    degrees: float
    distance: float


@dataclass(frozen=True)
class _End:
    """One place at which errors are measured.

    Attributes:
        chain: controls whose turn moves it, root first; "" moves the root.
        turn: the control whose turn is measured.
        joint: the joint whose place is measured; None: where that control's part begins.
    """

    chain: tuple[str, ...]
    turn: str
    joint: Joint | None


def reduce_keys_slices(
    rig: RigDescription,
    rotations: Mapping[str, SampledChannel],
    location: SampledChannel,
    foot_contacts: FootContacts,
    limits: Limits,
    fps: float,
    again: Callable[[str, Array], SampledChannel],
) -> Generator[None, None, tuple[dict[str, Curve], Curve, ReductionReport]]:
    """Curves of all controls and of the root's place, in slices of some milliseconds.

    The body comes first. Then the legs are bent anew below it, so that they make up for what
    its curves are off, and get their own keys.

    Args:
        rig: whose controls they are.
        rotations: control -> its track; those of ``rig.controls`` and any others.
        location: where the root is, in its own axes.
        foot_contacts: when each foot stands.
        limits: the largest errors.
        fps: frames a second.
        again: makes a track of a control from other basis rotations (T, 4).
    """
    shown = {name: track.turns(track.values) for name, track in rotations.items()}
    shown[""] = location.values
    legs = _legs(rig)
    yield
    dense = pose_rig(rig, shown, shown[""])
    yield
    body = {n: t for n, t in {**rotations, "": location}.items() if n not in legs}
    one = _Work(rig, body, shown, _body_ends(rig, legs), dense, limits)
    yield from one.steps()
    bent = _bent_again(rig, one.shown, dense, legs)
    kept = sorted(k for k in location.keys if 0 <= k < len(location.values))
    for name, turned in bent.items():  # where the body is as it was, legs are to the float
        turned[kept] = shown[name][kept]
    below = {name: again(name, continuous(bent[name])) for name in legs}
    yield
    now = pose_rig(rig, {**one.shown, **bent}, one.shown[""])
    yield
    curves: dict[str, Curve] = {}
    for side in sorted(set(legs.values())):
        leg = leg_of(rig, side, now, dense, foot_contacts.mask(side, len(location.values)))
        names = [control.name for control in leg.controls]
        may = Tolerance(np.radians(limits.degrees), limits.distance, TOE_SPEED * rig.scale / fps)
        found = yield from reduce_leg_slices(leg, [below[name] for name in names], may)
        curves |= dict(zip(names, found, strict=True))
        yield
    for name, curve in curves.items():
        bent[name] = below[name].turns(curve.sample(len(location.values)))
    toes = [name for name in legs if name not in curves]
    bent |= _turned_again(rig, {**one.shown, **bent}, dense, toes)
    for name in toes:
        bent[name][kept] = shown[name][kept]
    yield
    shown = {**one.shown, **bent}
    ends = _leg_ends(rig, legs)
    two = _Work(
        rig,
        {name: again(name, continuous(bent[name])) for name in toes},
        shown,
        ends,
        dense,
        limits,
    )
    yield from two.steps()
    curves = {**one.curves, **curves, **two.curves}
    yield
    report = _report({**body, **below}, curves, (one, two), two.shown)
    yield
    return curves, curves.pop(""), report


def _legs(rig: RigDescription) -> dict[str, str]:
    """Controls of legs that hang together, and the side of each."""
    out: dict[str, str] = {}
    for side in SIDES:
        if leg_is_connected(rig, side):
            parts = [Part(f"{p}_{side.lower()}") for p in ("thigh", "shin", "foot", "toe")]
            found = (control_of(rig, part) for part in parts)
            out |= {control.name: side for control in found if control is not None}
    return out


def _bent_again(
    rig: RigDescription, shown: Mapping[str, Array], dense: PosedRig, legs: Mapping[str, str]
) -> dict[str, Array]:
    """Basis rotations of the legs with which feet are where they were, below another body."""
    now = pose_rig(rig, shown, shown[""])
    turns = {**now.turns, **{name: dense.turns[name] for name in legs}}
    for side in sorted(set(legs.values())):
        hip, knee, ankle = (Joint[f"{side}_{j}"] for j in ("HIP", "KNEE", "ANKLE"))
        chain = (joint_position(rig, dense, hip), joint_position(rig, dense, knee),
                 joint_position(rig, dense, ankle))  # fmt: skip
        thigh, shin = (control_of(rig, Part(f"{p}_{side.lower()}")) for p in ("thigh", "shin"))
        assert thigh is not None
        assert shin is not None
        hinge = rotate(dense.turns[thigh.name], leg_hinge(rig, side))
        first, second, _ = solve_leg_ik(chain, hinge, joint_position(rig, now, hip), chain[2])
        turns[thigh.name] = multiply(first, turns[thigh.name])
        turns[shin.name] = multiply(second, turns[shin.name])
    return {c.name: basis_rotation(rig, c, turns, shown) for c in rig.controls if c.name in legs}


def _turned_again(
    rig: RigDescription, shown: Mapping[str, Array], dense: PosedRig, names: Collection[str]
) -> dict[str, Array]:
    """Basis rotations with which controls are turned as they were, below another body."""
    now = pose_rig(rig, shown, shown[""])
    turns = {**now.turns, **{name: dense.turns[name] for name in names}}
    return {
        c.name: continuous(basis_rotation(rig, c, turns, shown))
        for c in rig.controls
        if c.name in names
    }


def _report(
    tracks: Mapping[str, SampledChannel],
    curves: Mapping[str, Curve],
    works: tuple[_Work, ...],
    shown: Mapping[str, Array],
) -> ReductionReport:
    moving = {n: t.values.shape for n, t in tracks.items() if not t.still}
    keys = sum(size * len(curves[n]) for n, (_, size) in moving.items())
    every = sum(count * size for count, size in moving.values())
    degrees = distance = 0.0
    for work in works:
        places, turns = work.away(shown)
        degrees = max([degrees, *(float(np.degrees(t.max())) for t in turns)])
        distance = max([distance, *(float(np.linalg.norm(p, axis=-1).max()) for p in places)])
    return ReductionReport(keys, every, degrees, distance)


class _Work:
    """A reduction under way: what each control may be off shrinks where the body is too far off."""

    def __init__(
        self,
        rig: RigDescription,
        tracks: Mapping[str, SampledChannel],
        shown: Mapping[str, Array],
        ends: Sequence[_End],
        dense: PosedRig,
        limits: Limits,
    ) -> None:
        self.rig, self.limits = rig, limits
        self.tracks, self.shown, self.ends = tracks, dict(shown), ends
        self.count = len(shown[""])
        self.most: dict[str, Array] = {}
        self.fitters: dict[str, Fitter] = {}
        self.curves: dict[str, Curve] = {}
        self.off: dict[str, Array] = {}
        self.figure = dense
        self.dense = _seen(rig, self.ends, dense)
        self.chains = [[n for n in end.chain if n in tracks] for end in ends]
        self.arms = [self._levers(c, p) for c, p in zip(self.chains, self.dense[0], strict=True)]

    def steps(self) -> Generator[None, None, None]:
        """Loosely first, then tighter and tighter where it is needed."""
        for name in self.tracks:
            self.begin(name)
            yield
        for _ in range(_ROUNDS):
            changed = self.tighten()
            yield
            if not changed:
                return
            for name in changed:
                self.fit(name)
                yield

    def _levers(self, chain: Sequence[str], place: Array) -> Array:
        """Errors (N, T) at an end, as shares of the limits, by one unit of each control's own."""
        direction = 1 / np.radians(self.limits.degrees)
        rows = [np.zeros(self.count)]
        for name in chain:
            if name:
                arm = np.linalg.norm(place - self.figure.places[name], axis=-1)
                rows.append(np.maximum(arm / self.limits.distance, direction))
            else:
                rows.append(np.full(self.count, 1 / self.limits.distance))
        return np.stack(rows)[1:] if chain else np.zeros((0, self.count))

    def begin(self, name: str) -> None:
        """Fit a track as loosely as it may be alone."""
        track = self.tracks[name]
        self.fitters[name] = Fitter(track.values, scale_of(track))
        most = np.radians(self.limits.degrees) if track.is_rotation else self.limits.distance
        lever = np.full(self.count, 1 / most)
        for chain, rows in zip(self.chains, self.arms, strict=True):
            if name in chain:
                lever = np.maximum(lever, rows[chain.index(name)])
        self.most[name] = _LOOSE / lever
        self.fit(name)

    def fit(self, name: str) -> None:
        """The fewest keys for what a track may be off now."""
        track = self.tracks[name]
        frames = first_keys(track)
        if not track.still:
            frames = self.fitters[name].fewest(self.most[name], frames)
        self.curves[name] = self.fitters[name].curve(frames)
        values = self.curves[name].sample(self.count)
        self.shown[name] = track.turns(values) if track.is_rotation else values
        self.off[name] = own_error(track, values)

    def tighten(self) -> list[str]:
        """Allow less where the body is too far off; the controls for which that is so."""
        changed: set[str] = set()
        for names, levers, error in zip(self.chains, self.arms, self._errors(), strict=True):
            if not (bad := error > SMALL).any() or not names:
                continue
            off = np.stack([self.off[name] for name in names])
            blame = levers * off
            guilty = bad & (blame > _GUILTY * blame.max(0)) & (off > 0)
            share = np.maximum(_STEP, (SMALL / np.maximum(error, SMALL)) ** 2)
            for name, mask, away in zip(names, guilty, share * off, strict=True):
                if mask.any():
                    self.most[name][mask] = np.minimum(self.most[name], away)[mask]
                    changed.add(name)
        return [name for name in self.tracks if name in changed]

    def _errors(self) -> list[Array]:
        """For each end, errors (T,) as shares of the limits."""
        places, turns = self.away(self.shown)
        out: list[Array] = []
        for i in range(len(self.ends)):
            far = np.linalg.norm(places[i], axis=-1) / self.limits.distance
            far = np.maximum(far, turns[i] / np.radians(self.limits.degrees))
            out.append(far)
        return out

    def away(self, shown: Mapping[str, Array]) -> tuple[list[Array], list[Array]]:
        """Distances (T, 3) and angles (T,) between what is shown and what should be."""
        now = _seen(self.rig, self.ends, pose_rig(self.rig, shown, shown[""]))
        places = [a - b for a, b in zip(now[0], self.dense[0], strict=True)]
        turns = [angle_between(a, b) for a, b in zip(now[1], self.dense[1], strict=True)]
        return places, turns


def _body_ends(rig: RigDescription, legs: Collection[str]) -> list[_End]:
    """Head, hands, hips, and the ends of chains that nothing is measured at."""
    out: list[_End] = []
    head = control_of(rig, Part.HEAD) or control_of(rig, Part.NECK) or control_of(rig, Part.CHEST)
    assert head is not None
    out.append(_End(_chain(rig, head.name), head.name, None))
    for side in SIDES:
        s = side.lower()
        hand = control_of(rig, Part(f"hand_{s}")) or control_of(rig, Part(f"forearm_{s}"))
        thigh = control_of(rig, Part(f"thigh_{s}"))
        assert hand is not None
        assert thigh is not None
        out.append(_End(_chain(rig, hand.name), hand.name, Joint[f"{side}_WRIST"]))
        carrier = thigh.parent or rig.root
        out.append(_End(_chain(rig, carrier), carrier, Joint[f"{side}_HIP"]))
    used = {name for end in out for name in end.chain}
    left = [c.name for c in rig.controls if c.name not in used and c.name not in legs]
    return out + [_End(_chain(rig, name), name, None) for name in left]


def _leg_ends(rig: RigDescription, legs: Mapping[str, str]) -> list[_End]:
    """Ankles, toes' joints, and the bones of toes."""
    out: list[_End] = []
    for side in sorted(set(legs.values())):
        foot = control_of(rig, Part(f"foot_{side.lower()}"))
        toe = control_of(rig, Part(f"toe_{side.lower()}"))
        assert foot is not None
        chain = _chain(rig, foot.name)
        out += [_End(chain, foot.name, Joint[f"{side}_{joint}"]) for joint in ("ANKLE", "FOOT")]
        if toe is not None:
            out.append(_End(_chain(rig, toe.name), toe.name, None))
    return out


def _chain(rig: RigDescription, name: str) -> tuple[str, ...]:
    """Controls from the root to one, both included; the root's place first."""
    carried = {c.name: c.parent for c in rig.controls}
    out = [name]
    while (parent := carried[out[0]]) is not None:
        out.insert(0, parent)
    return ("", *out)


def _seen(
    rig: RigDescription, ends: Sequence[_End], figure: PosedRig
) -> tuple[list[Array], list[Array]]:
    """Place (T, 3) and turn (T, 4) of each end."""
    places = [
        figure.places[e.turn] if e.joint is None else joint_position(rig, figure, e.joint)
        for e in ends
    ]
    return places, [figure.turns[e.turn] for e in ends]

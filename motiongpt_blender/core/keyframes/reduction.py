"""Key reduction: few keys instead of one a frame, with a known error.

The error is measured where it is seen: at head, hands and feet, in position and rotation.
Where it is too large, the controls that cause most of it have to be nearer to their own dense
keys, until it is within the limits everywhere. Marked frames keep their keys, and feet in
contact keep their places.
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
from .hermite import Curve, SpanFitter
from .leg_reduction import LegLimits, leg_target, reduce_leg_slices
from .sampled_channel import LIMIT_SHARE, SampledChannel, channel_error, error_weights, fixed_frames

#: Metres a second, of the model, by which the speed of a toe in contact may differ.
TOE_SPEED: Final = 0.018
#: First limit of a control's error, as a share of what would be too much by itself.
_FIRST_SHARE: Final = 0.7
#: Controls that cause this share of the worst one's error are tightened with it.
_BLAME_SHARE: Final = 0.6
#: The least share of a control's error to which its limit shrinks in a round.
_MIN_SHRINK: Final = 0.5
#: Rounds after which every frame in question has a key.
_ROUNDS: Final = 60


@dataclass(frozen=True)
class Limits:
    """The largest errors of sparse keys.

    Attributes:
        degrees: at head, hands and feet.
        distance: of the same joints, in the rig's unit.
    """

    degrees: float
    distance: float


@dataclass(frozen=True)
class ReductionReport:
    """The result of a reduction.

    Attributes:
        keys: number of keys on curves that change.
        dense: number of keys with one a frame.
        degrees: the largest error in rotation at head, hands and feet.
        distance: the largest error in position, in the rig's unit.
    """

    keys: int
    dense: int
    degrees: float
    distance: float


@dataclass(frozen=True)
class _EndEffector:
    """A control or joint at which errors are measured.

    Attributes:
        chain: controls that move it, root first; "" is the root's location.
        control: the control whose rotation is measured.
        joint: the joint whose position is measured; None: where that control's part begins.
    """

    chain: tuple[str, ...]
    control: str
    joint: Joint | None


def reduce_keys_slices(
    rig: RigDescription,
    rotations: Mapping[str, SampledChannel],
    location: SampledChannel,
    foot_contacts: FootContacts,
    limits: Limits,
    fps: float,
    resample: Callable[[str, Array], SampledChannel],
) -> Generator[None, None, tuple[dict[str, Curve], Curve, ReductionReport]]:
    """Curves of all controls and of the root's location, in slices of some milliseconds.

    The body comes first. Then the legs are solved again below it, so that they make up for
    the error of its curves, and get their own keys.

    Args:
        rig: the controls' rig.
        rotations: control -> its channel; those of ``rig.controls`` and any others.
        location: the root's location, in its own axes.
        foot_contacts: when each foot is in contact.
        limits: the largest errors.
        fps: frames a second.
        resample: makes a channel of a control from other basis rotations (T, 4).
    """
    shown = {name: channel.rotations(channel.values) for name, channel in rotations.items()}
    shown[""] = location.values
    legs = _leg_controls(rig)
    yield
    dense = pose_rig(rig, shown, shown[""])
    yield
    body = {n: t for n, t in {**rotations, "": location}.items() if n not in legs}
    one = _Reduction(rig, body, shown, _body_end_effectors(rig, legs), dense, limits)
    yield from one.steps()
    solved = _bend_legs(rig, one.shown, dense, legs)
    kept = sorted(k for k in location.keys if 0 <= k < len(location.values))
    for (
        name,
        rotation,
    ) in solved.items():  # where the body is unchanged, so are the legs, to the bit
        rotation[kept] = shown[name][kept]
    below = {name: resample(name, continuous(solved[name])) for name in legs}
    yield
    now = pose_rig(rig, {**one.shown, **solved}, one.shown[""])
    yield
    curves: dict[str, Curve] = {}
    for side in sorted(set(legs.values())):
        leg = leg_target(rig, side, now, dense, foot_contacts.mask(side, len(location.values)))
        names = [control.name for control in leg.controls]
        limit = LegLimits(np.radians(limits.degrees), limits.distance, TOE_SPEED * rig.scale / fps)
        found = yield from reduce_leg_slices(leg, [below[name] for name in names], limit)
        curves |= dict(zip(names, found, strict=True))
        yield
    for name, curve in curves.items():
        solved[name] = below[name].rotations(curve.sample(len(location.values)))
    toes = [name for name in legs if name not in curves]
    solved |= _rotate_toes(rig, {**one.shown, **solved}, dense, toes)
    for name in toes:
        solved[name][kept] = shown[name][kept]
    yield
    shown = {**one.shown, **solved}
    ends = _leg_end_effectors(rig, legs)
    two = _Reduction(
        rig,
        {name: resample(name, continuous(solved[name])) for name in toes},
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


def _leg_controls(rig: RigDescription) -> dict[str, str]:
    """Controls of connected legs, and the side of each."""
    out: dict[str, str] = {}
    for side in SIDES:
        if leg_is_connected(rig, side):
            parts = [Part(f"{p}_{side.lower()}") for p in ("thigh", "shin", "foot", "toe")]
            found = (control_of(rig, part) for part in parts)
            out |= {control.name: side for control in found if control is not None}
    return out


def _bend_legs(
    rig: RigDescription, shown: Mapping[str, Array], dense: PosedRig, legs: Mapping[str, str]
) -> dict[str, Array]:
    """Basis rotations of the legs with which the feet keep their positions below another body."""
    now = pose_rig(rig, shown, shown[""])
    rotations = {**now.rotations, **{name: dense.rotations[name] for name in legs}}
    for side in sorted(set(legs.values())):
        hip, knee, ankle = (Joint[f"{side}_{j}"] for j in ("HIP", "KNEE", "ANKLE"))
        chain = (joint_position(rig, dense, hip), joint_position(rig, dense, knee),
                 joint_position(rig, dense, ankle))  # fmt: skip
        thigh, shin = (control_of(rig, Part(f"{p}_{side.lower()}")) for p in ("thigh", "shin"))
        assert thigh is not None
        assert shin is not None
        hinge = rotate(dense.rotations[thigh.name], leg_hinge(rig, side))
        first, second, _ = solve_leg_ik(chain, hinge, joint_position(rig, now, hip), chain[2])
        rotations[thigh.name] = multiply(first, rotations[thigh.name])
        rotations[shin.name] = multiply(second, rotations[shin.name])
    return {
        c.name: basis_rotation(rig, c, rotations, shown) for c in rig.controls if c.name in legs
    }


def _rotate_toes(
    rig: RigDescription, shown: Mapping[str, Array], dense: PosedRig, names: Collection[str]
) -> dict[str, Array]:
    """Basis rotations with which controls keep their global rotations below another body."""
    now = pose_rig(rig, shown, shown[""])
    rotations = {**now.rotations, **{name: dense.rotations[name] for name in names}}
    return {
        c.name: continuous(basis_rotation(rig, c, rotations, shown))
        for c in rig.controls
        if c.name in names
    }


def _report(
    channels: Mapping[str, SampledChannel],
    curves: Mapping[str, Curve],
    works: tuple[_Reduction, ...],
    shown: Mapping[str, Array],
) -> ReductionReport:
    moving = {n: t.values.shape for n, t in channels.items() if not t.constant}
    keys = sum(size * len(curves[n]) for n, (_, size) in moving.items())
    every = sum(count * size for count, size in moving.values())
    degrees = distance = 0.0
    for work in works:
        positions, rotations = work.away(shown)
        degrees = max([degrees, *(float(np.degrees(t.max())) for t in rotations)])
        distance = max([distance, *(float(np.linalg.norm(p, axis=-1).max()) for p in positions)])
    return ReductionReport(keys, every, degrees, distance)


class _Reduction:
    """A reduction in progress: limits of controls shrink where the error is too large."""

    def __init__(
        self,
        rig: RigDescription,
        channels: Mapping[str, SampledChannel],
        shown: Mapping[str, Array],
        ends: Sequence[_EndEffector],
        dense: PosedRig,
        limits: Limits,
    ) -> None:
        self.rig, self.limits = rig, limits
        self.channels, self.shown, self.ends = channels, dict(shown), ends
        self.count = len(shown[""])
        self.most: dict[str, Array] = {}
        self.fitters: dict[str, SpanFitter] = {}
        self.curves: dict[str, Curve] = {}
        self.off: dict[str, Array] = {}
        self.posed = dense
        self.dense = _end_transforms(rig, self.ends, dense)
        self.chains = [[n for n in end.chain if n in channels] for end in ends]
        self.arms = [
            self._lever_arms(c, p) for c, p in zip(self.chains, self.dense[0], strict=True)
        ]

    def steps(self) -> Generator[None, None, None]:
        """Reduce with wide limits first, then with narrower ones where the error is too large."""
        for name in self.channels:
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

    def _lever_arms(self, chain: Sequence[str], position: Array) -> Array:
        """Errors (N, T) at an end effector, as shares of the limits, a unit of each control."""
        direction = 1 / np.radians(self.limits.degrees)
        rows = [np.zeros(self.count)]
        for name in chain:
            if name:
                arm = np.linalg.norm(position - self.posed.positions[name], axis=-1)
                rows.append(np.maximum(arm / self.limits.distance, direction))
            else:
                rows.append(np.full(self.count, 1 / self.limits.distance))
        return np.stack(rows)[1:] if chain else np.zeros((0, self.count))

    def begin(self, name: str) -> None:
        """Reduce a channel with the widest limit that it may have by itself."""
        channel = self.channels[name]
        self.fitters[name] = SpanFitter(channel.values, error_weights(channel))
        most = np.radians(self.limits.degrees) if channel.is_rotation else self.limits.distance
        lever = np.full(self.count, 1 / most)
        for chain, rows in zip(self.chains, self.arms, strict=True):
            if name in chain:
                lever = np.maximum(lever, rows[chain.index(name)])
        self.most[name] = _FIRST_SHARE / lever
        self.fit(name)

    def fit(self, name: str) -> None:
        """The fewest keys of a channel within its present limit."""
        channel = self.channels[name]
        frames = fixed_frames(channel)
        if not channel.constant:
            frames = self.fitters[name].fewest(self.most[name], frames)
        self.curves[name] = self.fitters[name].curve(frames)
        values = self.curves[name].sample(self.count)
        self.shown[name] = channel.rotations(values) if channel.is_rotation else values
        self.off[name] = channel_error(channel, values)

    def tighten(self) -> list[str]:
        """Narrow the limits where the error is too large; the controls whose limits changed."""
        changed: set[str] = set()
        for names, levers, error in zip(self.chains, self.arms, self._errors(), strict=True):
            if not (bad := error > LIMIT_SHARE).any() or not names:
                continue
            off = np.stack([self.off[name] for name in names])
            blame = levers * off
            guilty = bad & (blame > _BLAME_SHARE * blame.max(0)) & (off > 0)
            share = np.maximum(_MIN_SHRINK, (LIMIT_SHARE / np.maximum(error, LIMIT_SHARE)) ** 2)
            for name, mask, away in zip(names, guilty, share * off, strict=True):
                if mask.any():
                    self.most[name][mask] = np.minimum(self.most[name], away)[mask]
                    changed.add(name)
        return [name for name in self.channels if name in changed]

    def _errors(self) -> list[Array]:
        """Errors (T,) of each end effector as shares of the limits."""
        positions, rotations = self.away(self.shown)
        out: list[Array] = []
        for i in range(len(self.ends)):
            far = np.linalg.norm(positions[i], axis=-1) / self.limits.distance
            far = np.maximum(far, rotations[i] / np.radians(self.limits.degrees))
            out.append(far)
        return out

    def away(self, shown: Mapping[str, Array]) -> tuple[list[Array], list[Array]]:
        """Position errors (T, 3) and angles (T,) of the end effectors."""
        now = _end_transforms(self.rig, self.ends, pose_rig(self.rig, shown, shown[""]))
        positions = [a - b for a, b in zip(now[0], self.dense[0], strict=True)]
        rotations = [angle_between(a, b) for a, b in zip(now[1], self.dense[1], strict=True)]
        return positions, rotations


def _body_end_effectors(rig: RigDescription, legs: Collection[str]) -> list[_EndEffector]:
    """Head, hands, hips, and the last controls of chains that lead to none of these."""
    out: list[_EndEffector] = []
    head = control_of(rig, Part.HEAD) or control_of(rig, Part.NECK) or control_of(rig, Part.CHEST)
    assert head is not None
    out.append(_EndEffector(_chain(rig, head.name), head.name, None))
    for side in SIDES:
        s = side.lower()
        hand = control_of(rig, Part(f"hand_{s}")) or control_of(rig, Part(f"forearm_{s}"))
        thigh = control_of(rig, Part(f"thigh_{s}"))
        assert hand is not None
        assert thigh is not None
        out.append(_EndEffector(_chain(rig, hand.name), hand.name, Joint[f"{side}_WRIST"]))
        carrier = thigh.parent or rig.root
        out.append(_EndEffector(_chain(rig, carrier), carrier, Joint[f"{side}_HIP"]))
    used = {name for end in out for name in end.chain}
    left = [c.name for c in rig.controls if c.name not in used and c.name not in legs]
    return out + [_EndEffector(_chain(rig, name), name, None) for name in left]


def _leg_end_effectors(rig: RigDescription, legs: Mapping[str, str]) -> list[_EndEffector]:
    """Ankles, toe joints, and the bones of toes."""
    out: list[_EndEffector] = []
    for side in sorted(set(legs.values())):
        foot = control_of(rig, Part(f"foot_{side.lower()}"))
        toe = control_of(rig, Part(f"toe_{side.lower()}"))
        assert foot is not None
        chain = _chain(rig, foot.name)
        out += [
            _EndEffector(chain, foot.name, Joint[f"{side}_{joint}"]) for joint in ("ANKLE", "FOOT")
        ]
        if toe is not None:
            out.append(_EndEffector(_chain(rig, toe.name), toe.name, None))
    return out


def _chain(rig: RigDescription, name: str) -> tuple[str, ...]:
    """Controls from the root to one, both included; the root's location first."""
    carried = {c.name: c.parent for c in rig.controls}
    out = [name]
    while (parent := carried[out[0]]) is not None:
        out.insert(0, parent)
    return ("", *out)


def _end_transforms(
    rig: RigDescription, ends: Sequence[_EndEffector], posed: PosedRig
) -> tuple[list[Array], list[Array]]:
    """Position (T, 3) and rotation (T, 4) of each end effector."""
    positions = [
        posed.positions[e.control] if e.joint is None else joint_position(rig, posed, e.joint)
        for e in ends
    ]
    return positions, [posed.rotations[e.control] for e in ends]

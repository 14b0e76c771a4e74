"""Measures of hands and feet: which is raised, waved, thrust, thrown with, kicked with."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d
from scipy.signal import find_peaks

from motiongpt_blender.core.body.skeleton import Joint

from .checks import Demand, Limb, PromptCheck, Side
from .scores import Measured, above, count
from .tracks import Array, BodyTracks

_WRISTS: Final = {Side.LEFT: Joint.L_WRIST, Side.RIGHT: Joint.R_WRIST}
_SHOULDERS: Final = {Side.LEFT: Joint.L_SHOULDER, Side.RIGHT: Joint.R_SHOULDER}
_ELBOWS: Final = {Side.LEFT: Joint.L_ELBOW, Side.RIGHT: Joint.R_ELBOW}
_ANKLES: Final = {Side.LEFT: Joint.L_ANKLE, Side.RIGHT: Joint.R_ANKLE}
#: Metres: a raised wrist over its shoulder, a raised ankle over the floor.
_HAND_UP: Final = -0.08
_FOOT_UP: Final = 0.3
#: Metres that a raised wrist comes up, and seconds that it stays.
_HAND_RISE: Final = 0.3
_UP_SECONDS: Final = 0.2
#: Metres that a lowered wrist sinks.
_HAND_DOWN: Final = 0.25
#: Swings of a wave, each so many metres; a wrist so far over its shoulder is lifted.
_WAVE: Final = 2.5
_SWING: Final = 0.05
_LIFTED: Final = -0.1
#: Metres that a fist is thrust out in a punch, within so many seconds.
_PUNCH: Final = 0.16
_THRUST: Final = 0.3
#: m/s about the pelvis.
_THROW: Final = 2.8
_TWO_HANDED: Final = 1.7
#: Metres between two hands that throw together.
_TOGETHER: Final = 0.7
_KICK: Final = 2.5
#: How often its median speed a hand that throws is fast; metres that it gets ahead of its
#: shoulder, so many seconds before or after.
_BURST: Final = 2.0
_AHEAD: Final = 0.2
_RELEASE: Final = 0.15
#: Metres of an ankle over the floor in a kick.
_KICK_HEIGHT: Final = 0.3
#: Seconds between two punches or kicks of one limb, at least.
_APART: Final = 0.5
#: How far the limb asked for may stay behind the other, as a share.
_LEAD: Final = 0.8


def raise_limb(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Height of a wrist over its shoulder, or of an ankle over the floor, metres, at its most."""
    if check.limb is Limb.LEG:
        heights = {s: float(tracks.height[:, j].max()) for s, j in _ANKLES.items()}
        return _sided(check.side, heights, _FOOT_UP, 0.04, "{:.0f} cm", 100, lead=0.05)
    over = {side: _over_shoulder(tracks, side) for side in _WRISTS}
    if check.side is Side.BOTH:  # both at once
        over = dict.fromkeys(over, np.minimum(over[Side.LEFT], over[Side.RIGHT]))
    heights = {side: _lasting(height, tracks.fps) for side, height in over.items()}
    rises = {side: _sinking(-height) for side, height in over.items()}
    found = _sided(check.side, heights, _HAND_UP, 0.04, "", 100, lead=-0.1)
    return found.limited([_sided(check.side, rises, _HAND_RISE, 0.04, "", 1, lead=1.0).score])


def lower_limb(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Metres that a wrist or an ankle sinks from its highest."""
    joints = _ANKLES if check.limb is Limb.LEG else _WRISTS
    sunk = {s: _sinking(tracks.height[:, j]) for s, j in joints.items()}
    least = _HAND_DOWN / 2 if check.limb is Limb.LEG else _HAND_DOWN
    return _sided(check.side, sunk, least, 0.04, "", 100, lead=0.05)


def wave(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """How often a lifted wrist swings from side to side."""
    swings = {side: float(_waving(tracks, side)) for side in _WRISTS}
    return _sided(check.side, swings, _WAVE, 0.4, "", 1, lead=0.5)


def punch(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Metres that a fist is thrust ahead of its shoulder; or how often."""
    curves = {side: _reaching(tracks, side) for side in _WRISTS}
    return _strikes(check, tracks, curves, _PUNCH, 0.03, "{:.2f} m")


def throw(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Speed of a wrist about the pelvis, m/s, in a burst that brings it ahead of its shoulder."""
    burst, least = (1.0, _TWO_HANDED) if check.side is Side.BOTH else (_BURST, _THROW)
    curves = {side: _bursts(tracks, side, burst) for side in _WRISTS}
    if check.side is Side.BOTH:
        apart = tracks.local[:, Joint.L_WRIST] - tracks.local[:, Joint.R_WRIST]
        together = np.linalg.norm(apart, axis=-1) < _TOGETHER
        curves = {side: curve * together for side, curve in curves.items()}
    return _strikes(check, tracks, curves, least, 0.3, "{:.1f} m/s")


def kick(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Speed of a lifted foot about the pelvis, m/s; or how often."""
    curves: dict[Side, Array] = {}
    for side, ankle in _ANKLES.items():
        speed = np.linalg.norm(tracks.local_velocity[:, ankle], axis=-1)
        ahead = np.hypot(tracks.local[:, ankle, 2].clip(0), tracks.local[:, ankle, 0])
        curves[side] = speed * (tracks.height[:, ankle] > _KICK_HEIGHT) * (ahead > 0.25)
    return _strikes(check, tracks, curves, _KICK, 0.3, "{:.1f} m/s")


LIMBS: Final = {
    Demand.RAISE: raise_limb,
    Demand.LOWER: lower_limb,
    Demand.WAVE: wave,
    Demand.PUNCH: punch,
    Demand.THROW: throw,
    Demand.KICK: kick,
}


def _sided(
    side: Side | None,
    values: dict[Side, float],
    least: float,
    softness: float,
    text: str,
    unit: float,
    *,
    lead: float,
) -> Measured:
    """A value that one side, both or either should reach; the side asked for leads."""
    left, right = values[Side.LEFT], values[Side.RIGHT]
    if side is None or side is Side.BOTH:
        own = max(left, right) if side is None else min(left, right)
        return Measured(above(own, least, softness), own, text.format(unit * own))
    own, other = (left, right) if side is Side.LEFT else (right, left)
    found = Measured(above(own, least, softness), own, text.format(unit * own))
    return found.limited([above(own - other, -lead, softness)])


def _strikes(
    check: PromptCheck,
    tracks: BodyTracks,
    curves: dict[Side, Array],
    least: float,
    softness: float,
    text: str,
) -> Measured:
    """Fast moments of limbs: the speed of the fastest, or how many there are."""
    speeds = {side: float(curve.max()) for side, curve in curves.items()}
    lead = (1 - _LEAD) * max(speeds.values())
    found = _sided(check.side, speeds, least, softness, text, 1, lead=lead)
    if check.times is None:
        return found
    asked = [check.side] if check.side in curves else list(curves)
    apart = max(1, round(_APART * tracks.fps))
    times = sum(
        len(find_peaks(np.pad(curves[side], 1), height=least, distance=apart)[0]) for side in asked
    )
    return Measured(count(times, check.times), times, f"{times}").limited([found.score])


def _sinking(height: Array) -> float:
    """The largest drop from any moment to a later one."""
    return float((np.maximum.accumulate(height) - height).max())


def _over_shoulder(tracks: BodyTracks, side: Side) -> Array:
    """Metres (T,) of a wrist over its shoulder."""
    return tracks.height[:, _WRISTS[side]] - tracks.height[:, _SHOULDERS[side]]


def _lasting(values: Array, fps: float) -> float:
    """The height that some values keep for a while, together."""
    frames = min(len(values), max(1, round(_UP_SECONDS * fps)))
    return float(np.partition(values, -frames)[-frames])


def _waving(tracks: BodyTracks, side: Side) -> int:
    """Swings of a wrist to either side about its shoulder while it is lifted over its elbow."""
    arm = tracks.local[:, _WRISTS[side]] - tracks.local[:, _SHOULDERS[side]]
    over_elbow = tracks.local[:, _WRISTS[side], 1] > tracks.local[:, _ELBOWS[side], 1]
    lifted = np.concatenate([[0], (arm[:, 1] > _LIFTED) & over_elbow, [0]]).astype(int)
    spans = np.flatnonzero(np.diff(lifted)).reshape(-1, 2)
    return max((_swings(arm[a:b, 0]) for a, b in spans), default=0)


def _swings(across: Array) -> int:
    return sum(len(find_peaks(sign * across, prominence=_SWING)[0]) for sign in (1, -1))


def _bursts(tracks: BodyTracks, side: Side, burst: float) -> Array:
    """Speed (T,) of a wrist where it is above its usual one, so many times, with the hand ahead."""
    speed = np.linalg.norm(tracks.local_velocity[:, _WRISTS[side]], axis=-1)
    ahead = (tracks.local[:, _WRISTS[side]] - tracks.local[:, _SHOULDERS[side]])[:, 2]
    ahead = maximum_filter1d(ahead, 2 * round(_RELEASE * tracks.fps) + 1, mode="nearest")
    return speed * (speed > burst * np.median(speed)) * (ahead > _AHEAD)


def _reaching(tracks: BodyTracks, side: Side) -> Array:
    """Metres (T,) that a lifted wrist came from its shoulder, ahead, in the last moments."""
    arm = tracks.local[:, _WRISTS[side]] - tracks.local[:, _SHOULDERS[side]]
    reach = np.linalg.norm(arm, axis=-1)
    before = minimum_filter1d(reach, 2 * round(_THRUST * tracks.fps) + 1, mode="nearest")
    return (reach - before) * (arm[:, 1] > -0.3) * (arm[:, 2] > 0.2)

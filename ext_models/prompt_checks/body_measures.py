"""Measures of the body's height and posture: jumps, sitting, kneeling, lying, bowing."""

from __future__ import annotations

from typing import Final

import numpy as np

from motiongpt_blender.core.body.skeleton import Joint

from .checks import Demand, PromptCheck, Side
from .scores import Measured, above, below, count
from .tracks import Array, BodyTracks

#: Metres of the lower toe over the floor.
_JUMP: Final = 0.08
_HOP: Final = 0.03
#: Metres that the other foot is higher in a hop on one foot.
_ONE_FOOT: Final = 0.06
#: Metres of the pelvis over the floor.
_SAT: Final = 0.66
_CROUCHED: Final = 0.76
_LAIN: Final = 0.35
_CRAWLED: Final = 0.65
#: Metres of the neck of a body that stands, and that it rises.
_STANDING: Final = 1.15
_RISE: Final = 0.2
#: Metres of a knee, and of hands, near the floor.
_KNEE: Final = 0.16
_HANDS: Final = 0.3
_REACHED: Final = 0.5
#: Degrees of the trunk from the vertical.
_BOWED: Final = 25.0
#: Share of the frames.
_CRAWL_SHARE: Final = 0.15


def jump(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Height of the lower toe over the floor, or how often both feet leave it."""
    return _flights(check, tracks, _JUMP)


def hop(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """As a jump, but lower; on one foot where the check names it."""
    found = _flights(check, tracks, _HOP)
    if check.side not in (Side.LEFT, Side.RIGHT):
        return found
    up = tracks.toes() > _HOP / 2
    left, right = tracks.height[:, Joint.L_FOOT], tracks.height[:, Joint.R_FOOT]
    higher = right - left if check.side is Side.LEFT else left - right
    gap = float(np.median(higher[up])) if up.any() else 0.0
    return found.limited([above(gap, _ONE_FOOT, 0.015)])


def _flights(check: PromptCheck, tracks: BodyTracks, least: float) -> Measured:
    toes = tracks.toes()
    height = float(toes.max())
    found = Measured(above(height, least, least / 5), height, f"{100 * height:.0f} cm")
    if check.times is None:
        return found
    times = _rises(toes, least)
    return Measured(count(times, check.times), times, f"{times}").limited([found.score])


def sit(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Height of the pelvis, metres, at its lowest with the trunk upright."""
    del check
    upright = np.degrees(_lean(tracks)) < 50
    low = tracks.height[:, Joint.PELVIS]
    least = float(low[upright].min()) if upright.any() else float(low.max())
    return Measured(below(least, _SAT, 0.03), least, f"{100 * least:.0f} cm")


def kneel(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Height of the lower knee, metres, at its lowest."""
    del check
    knees = tracks.height[:, [Joint.L_KNEE, Joint.R_KNEE]].min(axis=1)
    least = float(knees.min())
    return Measured(below(least, _KNEE, 0.02), least, f"{100 * least:.0f} cm")


def lie(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Height of pelvis and neck, the higher, metres, at its lowest."""
    del check
    higher = tracks.height[:, [Joint.PELVIS, Joint.NECK]].max(axis=1)
    least = float(higher.min())
    return Measured(below(least, _LAIN, 0.04), least, f"{100 * least:.0f} cm")


def crouch(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Height of the pelvis, metres, at its lowest."""
    del check
    least = float(tracks.height[:, Joint.PELVIS].min())
    return Measured(below(least, _CROUCHED, 0.025), least, f"{100 * least:.0f} cm")


def crawl(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Share of the time with a low pelvis and a hand near the floor."""
    del check
    hands = tracks.height[:, [Joint.L_WRIST, Joint.R_WRIST]].min(axis=1)
    down = (tracks.height[:, Joint.PELVIS] < _CRAWLED) & (hands < _HANDS)
    share = float(down.mean())
    return Measured(above(share, _CRAWL_SHARE, 0.03), share, f"{100 * share:.0f} % of the time")


def get_up(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Metres by which the neck is higher at the end than at its lowest."""
    del check
    neck = tracks.height[:, Joint.NECK]
    last = float(neck[-max(1, round(0.2 * tracks.fps)) :].mean())
    rise = last - float(neck.min())
    found = Measured(above(rise, _RISE, 0.03), rise, f"{100 * rise:.0f} cm")
    return found.limited([above(last, _STANDING, 0.03)])


def bow(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Degrees by which the trunk leans forward, most, with the legs nearly straight."""
    del check
    trunk = tracks.trunk()
    forward = np.degrees(np.arctan2(trunk[:, 2], trunk[:, 1]))
    most = float(forward.max())
    return Measured(above(most, _BOWED, 4.0), most, f"{most:.0f} degrees")


def reach_down(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Height of a hand over the floor, metres, at its lowest."""
    left, right = (float(tracks.height[:, j].min()) for j in (Joint.L_WRIST, Joint.R_WRIST))
    least = {
        Side.LEFT: left,
        Side.RIGHT: right,
        Side.BOTH: max(left, right),
        None: min(left, right),
    }[check.side]
    return Measured(below(least, _REACHED, 0.05), least, f"{100 * least:.0f} cm")


BODY: Final = {
    Demand.JUMP: jump,
    Demand.HOP: hop,
    Demand.SIT: sit,
    Demand.KNEEL: kneel,
    Demand.LIE: lie,
    Demand.CROUCH: crouch,
    Demand.CRAWL: crawl,
    Demand.GET_UP: get_up,
    Demand.BOW: bow,
    Demand.REACH_DOWN: reach_down,
}


def _lean(tracks: BodyTracks) -> Array:
    """Radians (T,) of the trunk from the vertical."""
    trunk = tracks.trunk()
    return np.arctan2(np.hypot(trunk[:, 0], trunk[:, 2]), trunk[:, 1])


def _rises(values: Array, least: float) -> int:
    """How often values rise above a threshold, having been below half of it before."""
    times, low = 0, True
    for value in values:
        if low and value > least:
            times, low = times + 1, False
        elif value < least / 2:
            low = True
    return times

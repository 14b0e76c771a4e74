"""Measures of postures: sitting, kneeling, lying, crouching, crawling, standing, and the way there.

A posture is judged in every frame. "Sits down" demands the way as well: the body is higher
before, and seated at the end. "Sits" demands the posture alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from motiongpt_blender.core.body.skeleton import Joint

from .checks import Demand, Direction, PromptCheck
from .scores import MET, Measured, above, all_above, all_below, below
from .tracks import Array, BodyTracks

#: Metres of the pelvis: seated on a chair or lower, crouched, on hands and knees.
_SAT: Final = 0.66
_CROUCHED: Final = 0.8
_ON_FOURS: Final = 0.65
#: Metres of the pelvis: of a kneeling body at least, of a body that sits on the floor at most.
_KNELT: Final = 0.2
_ON_FLOOR: Final = 0.3
#: Metres of pelvis and neck of a lying body.
_LAIN: Final = 0.42
#: Metres of a knee: of a kneeling body at most, of a seated body at least.
_KNEE: Final = 0.16
_SEATED_KNEE: Final = 0.3
#: Degrees of the thighs from hanging: seated, crouched.
_THIGHS_LEVEL: Final = 55.0
_THIGHS_BENT: Final = 32.0
#: Degrees of the trunk from the vertical: of an upright body, a crouched one at most, of one on
#: hands and knees at least.
_UPRIGHT: Final = 50.0
_CURLED: Final = 90.0
_PRONE: Final = 40.0
#: Metres of the neck of a body that stands; degrees of its trunk.
_STANDING: Final = 1.15
_STRAIGHT: Final = 40.0
#: Metres of the neck of a body that has stood before it sits, above the lowest point of the motion.
_STOOD: Final = 1.1
#: Metres that the neck sinks on the way into a posture, and rises out of one; the pelvis, less.
_SINK: Final = 0.2
_CROUCH_SINK: Final = 0.12
_RISE: Final = 0.2
_PELVIS_RISE: Final = 0.1
#: Metres of the lower hand, of a crawling body.
_HANDS: Final = 0.3
#: Share of the time of a posture that is not said to be reached.
_HELD: Final = 0.3
#: Share of the time on hands and knees, and metres of the way on them.
_CRAWL_SHARE: Final = 0.3
_CRAWL_WAY: Final = 0.4
#: m/s of a lying body that crawls.
_SLITHER: Final = 0.15
#: Metres of pelvis and neck of a body that fell.
_FALLEN: Final = 0.65
#: Share of the time in which an upright body may be low.
_LOW_SHARE: Final = 0.25
#: Seconds that a crouch lasts.
_DIP: Final = 0.15


def seated(tracks: BodyTracks) -> Array:
    """Scores (T,): a low pelvis, thighs about level, the trunk upright, the knees up."""
    pelvis = tracks.height[:, Joint.PELVIS]
    knees = all_above(tracks.knee(), _SEATED_KNEE, 0.03)
    return _all_of(
        all_below(pelvis, _SAT, 0.03),
        all_above(tracks.thighs().mean(axis=1), _THIGHS_LEVEL, 5.0),
        all_below(tracks.lean(), _UPRIGHT, 5.0),
        np.maximum(knees, all_below(pelvis, _ON_FLOOR, 0.03)),
    )


def kneeling(tracks: BodyTracks) -> Array:
    """Scores (T,): a knee near the floor, the pelvis above it, the trunk upright."""
    return _all_of(
        all_below(tracks.knee(), _KNEE, 0.02),
        all_above(tracks.height[:, Joint.PELVIS], _KNELT, 0.02),
        all_below(tracks.lean(), _UPRIGHT, 5.0),
    )


def lying(tracks: BodyTracks) -> Array:
    """Scores (T,): pelvis and neck near the floor."""
    return all_below(tracks.height[:, [Joint.PELVIS, Joint.NECK]].max(axis=1), _LAIN, 0.04)


def crouched(tracks: BodyTracks) -> Array:
    """Scores (T,): a low pelvis over bent legs."""
    return _all_of(
        all_below(tracks.height[:, Joint.PELVIS], _CROUCHED, 0.025),
        all_above(tracks.thighs().mean(axis=1), _THIGHS_BENT, 4.0),
        all_below(tracks.lean(), _CURLED, 5.0),
    )


def on_all_fours(tracks: BodyTracks) -> Array:
    """Scores (T,): a low pelvis, the trunk bent down, a hand near the floor."""
    hands = tracks.height[:, [Joint.L_WRIST, Joint.R_WRIST]].min(axis=1)
    return _all_of(
        all_below(tracks.height[:, Joint.PELVIS], _ON_FOURS, 0.03),
        all_above(tracks.lean(), _PRONE, 5.0),
        all_below(hands, _HANDS, 0.03),
    )


def standing(tracks: BodyTracks) -> Array:
    """Scores (T,): a high neck over the feet."""
    return _all_of(
        all_above(tracks.height[:, Joint.NECK], _STANDING, 0.03),
        all_below(tracks.lean(), _STRAIGHT, 5.0),
    )


def sit(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Height of the pelvis, metres, at the end; who sits down has stood before."""
    found = _reached(check, tracks, seated)
    if check.held:
        return found
    return found.limited([above(float(tracks.height[:, Joint.NECK].max()), _STOOD, 0.03)])


def kneel(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Height of the pelvis, metres, at the end."""
    return _reached(check, tracks, kneeling)


def lie(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Height of the pelvis, metres, at the end; on the back or the front where it is told."""
    found = _reached(check, tracks, lying)
    if check.direction is None:
        return found
    up = tracks.chest_up()
    face = tracks.last(up if check.direction is Direction.BACKWARD else -up)
    return found.limited([above(face, 0.0, 0.15)])


def fall(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Height of pelvis and neck, the higher, metres, at its lowest, having been higher."""
    del check
    high = tracks.height[:, [Joint.PELVIS, Joint.NECK]].max(axis=1)
    at = int(high.argmin())
    least = float(high[at])
    found = Measured(below(least, _FALLEN, 0.04), least, f"{100 * least:.0f} cm")
    return found.limited([above(float(high[: at + 1].max()) - least, _SINK, 0.03)])


def crouch(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Height of the pelvis, metres, at its lowest; from a higher one where the way is told."""
    scores = crouched(tracks)
    lowest = int(tracks.height[:, Joint.PELVIS].argmin())
    pelvis = float(tracks.height[lowest, Joint.PELVIS])
    lasting = np.quantile(scores, max(0.0, 1 - _DIP / tracks.seconds))
    found = Measured(float(lasting), pelvis, f"{100 * pelvis:.0f} cm")
    if check.held:
        return found
    neck = tracks.height[:, Joint.NECK]
    sink = float(neck[: lowest + 1].max() - neck[lowest])
    return found.limited([above(sink, _CROUCH_SINK, 0.02)])


def crawl(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Share of the time on hands and knees, or flat and on the move, in which it gets along."""
    down = on_all_fours(tracks) > MET
    down &= (lying(tracks) < MET) | (tracks.speed() > _SLITHER)
    share = float(down.mean())
    found = Measured(above(share, _CRAWL_SHARE, 0.03), share, f"{100 * share:.0f} % of the time")
    if check.held:
        return found
    way = float((tracks.speed() * down).sum() / tracks.fps)
    return found.limited([above(way, _CRAWL_WAY, 0.06)])


def get_up(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Metres that the neck rises from its lowest to the end, where the body stands."""
    del check
    neck, pelvis = (tracks.height[:, joint] for joint in (Joint.NECK, Joint.PELVIS))
    rise = tracks.last(neck) - float(neck.min())
    found = Measured(above(rise, _RISE, 0.03), rise, f"{100 * rise:.0f} cm")
    pelvis_rise = tracks.last(pelvis) - float(pelvis.min())
    return found.limited([tracks.last(standing(tracks)), above(pelvis_rise, _PELVIS_RISE, 0.02)])


def upright(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Share of the time, or of the end, in which the body sits, kneels, lies or is on all fours."""
    del check
    postures = (seated, kneeling, lying, on_all_fours)
    low = np.maximum.reduce([posture(tracks) for posture in postures]) > MET
    share = max(float(low.mean()), tracks.last(low.astype(float)))
    return Measured(
        below(share, _LOW_SHARE, 0.06), share, f"low for {100 * share:.0f} % of the time"
    )


POSTURES: Final = {
    Demand.UPRIGHT: upright,
    Demand.SIT: sit,
    Demand.KNEEL: kneel,
    Demand.LIE: lie,
    Demand.FALL: fall,
    Demand.CROUCH: crouch,
    Demand.CRAWL: crawl,
    Demand.GET_UP: get_up,
}


def _reached(
    check: PromptCheck, tracks: BodyTracks, posture: Callable[[BodyTracks], Array]
) -> Measured:
    """A posture at the end, sunk into; without the way, at the end or much of the time."""
    scores, pelvis = posture(tracks), tracks.last(tracks.height[:, Joint.PELVIS])
    found = Measured(tracks.last(scores), pelvis, f"{100 * pelvis:.0f} cm")
    if check.held:
        return Measured(max(found.score, float(np.quantile(scores, 1 - _HELD))), pelvis, found.text)
    neck = tracks.height[:, Joint.NECK]
    return found.limited([above(float(neck.max()) - tracks.last(neck), _SINK, 0.03)])


def _all_of(*scores: Array) -> Array:
    return np.minimum.reduce(scores)

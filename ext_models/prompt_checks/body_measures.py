"""Measures of the whole body's actions: jumps, jumping jacks, marching, bowing, reaching down."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.signal import find_peaks

from motiongpt_blender.core.body.skeleton import Joint

from .checks import Demand, PromptCheck, Side
from .flights import flights
from .scores import MET, Measured, above, below, count
from .tracks import BodyTracks

#: Metres of the lower toe over the floor, and seconds, of a flight.
_JUMP, _JUMP_SECONDS = 0.11, 0.19
_HOP, _HOP_SECONDS = 0.04, 0.1
#: Metres of the lower toe, from which a body that hops is off the floor.
_HOP_OFF_FLOOR: Final = 0.02
#: Metres that the other foot is higher in a hop on one foot.
_ONE_FOOT: Final = 0.06
#: Metres between the ankles of a jumping jack at its widest, and between its narrowest and that;
#: metres of the wrists over the shoulders.
_WIDE: Final = 0.4
_OPENING: Final = 0.25
_ARMS: Final = 0.0
#: Degrees that both thighs are lifted in a march, and of the trunk from the vertical.
_LIFTED: Final = 50.0
_STRAIGHT: Final = 15.0
#: Seconds in which no foot is on the floor, of a march at most.
_MARCH_FLIGHT: Final = 0.15
#: Metres of the pelvis of a body on its legs, and of one on straight legs.
_ON_LEGS: Final = 0.7
_STRAIGHT_LEGS: Final = 0.73
#: Degrees that the trunk leans forward in a bow, and before and after it.
_BOWED: Final = 25.0
_BACK: Final = 10.0
#: Metres of a hand that reaches down, and that it comes down and goes up again by.
_REACHED: Final = 0.5
_BROUGHT_UP: Final = 0.2


def jump(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Metres of the lower toe over the floor in the highest flight, or how many flights."""
    made = [(f.score(_JUMP, _JUMP_SECONDS), f.clearance) for f in flights(tracks)]
    return _counted(check, made)


def hop(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """A jump, or a lower one down on the feet it began on; on one foot where it is named."""
    made = [
        (f.score(_HOP, _HOP_SECONDS) if f.same_feet else f.score(_JUMP, _JUMP_SECONDS), f.clearance)
        for f in flights(tracks, _HOP_OFF_FLOOR)
    ]
    found = _counted(check, made)
    if check.side not in (Side.LEFT, Side.RIGHT):
        return found
    up = tracks.toes() > _HOP / 2
    left, right = tracks.height[:, Joint.L_FOOT], tracks.height[:, Joint.R_FOOT]
    higher = right - left if check.side is Side.LEFT else left - right
    gap = float(np.median(higher[up])) if up.any() else 0.0
    return found.limited([above(gap, _ONE_FOOT, 0.015)])


def _counted(check: PromptCheck, made: list[tuple[float, float]]) -> Measured:
    """The best of some scores and heights, or how many there are: a bounce after one is none."""
    score, height = max(made, default=(0.0, 0.0))
    if check.times is None:
        return Measured(score, height, f"{100 * height:.0f} cm")
    times = sum(one >= MET and 2 * high > height for one, high in made)
    return Measured(count(times, check.times), times, f"{times}").limited([score])


def jacks(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """How often the legs go apart while the arms go up, and together again."""
    ankles = tracks.local[:, Joint.L_ANKLE] - tracks.local[:, Joint.R_ANKLE]
    width = np.abs(ankles[:, 0])
    arms = np.minimum(
        tracks.local[:, Joint.L_WRIST, 1] - tracks.local[:, Joint.L_SHOULDER, 1],
        tracks.local[:, Joint.R_WRIST, 1] - tracks.local[:, Joint.R_SHOULDER, 1],
    )
    peaks, _ = find_peaks(np.pad(width, 1), height=_WIDE, prominence=_OPENING)
    reach = max(1, round(0.15 * tracks.fps))
    raised = [arms[max(0, k - 1 - reach) : k + reach].max() > _ARMS for k in peaks]
    times = sum(map(bool, raised))
    score = count(times, check.times) if check.times else above(times, 1.5, 0.4)
    return Measured(score, times, f"{times}")


def march(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Degrees that the less lifted thigh is lifted, of an upright body."""
    del check
    lifted = float(tracks.thighs().max(axis=0).min())
    lean = float(np.median(tracks.lean()))
    pelvis = float(np.median(tracks.height[:, Joint.PELVIS]))
    found = Measured(above(lifted, _LIFTED, 4.0), lifted, f"knees lifted by {lifted:.0f} degrees")
    longest = max((flight.seconds for flight in flights(tracks)), default=0.0)
    return found.limited(
        [
            below(lean, _STRAIGHT, 2.5),
            above(pelvis, _ON_LEGS, 0.03),
            below(longest, _MARCH_FLIGHT, 0.02),
        ]
    )


def bow(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Degrees that the trunk leans forward, most, over straight legs, less before and after."""
    del check
    trunk = tracks.trunk()
    forward = np.degrees(np.arctan2(trunk[:, 2], trunk[:, 1]))
    at = int(forward.argmax())
    most = float(forward[at])
    found = Measured(above(most, _BOWED, 4.0), most, f"{most:.0f} degrees")
    back = most - max(float(forward[: at + 1].min()), float(forward[at:].min()))
    pelvis = float(tracks.height[:, Joint.PELVIS].min())
    return found.limited([above(back, _BACK, 2.5), above(pelvis, _STRAIGHT_LEGS, 0.03)])


def reach_down(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Height of a hand over the floor, metres, at its lowest."""
    return _lowest(check, tracks, back=False)


def pick_up(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Height of a hand over the floor, metres, at its lowest; it comes up again."""
    return _lowest(check, tracks, back=True)


def _lowest(check: PromptCheck, tracks: BodyTracks, back: bool) -> Measured:
    left, right = (_reach(tracks, wrist, back) for wrist in (Joint.L_WRIST, Joint.R_WRIST))
    if check.side in (Side.LEFT, Side.RIGHT):
        return left if check.side is Side.LEFT else right
    first, second = sorted((left, right), key=lambda found: found.score)
    return first if check.side is Side.BOTH else second


def _reach(tracks: BodyTracks, wrist: int, back: bool) -> Measured:
    height = tracks.height[:, wrist]
    at = int(height.argmin())
    least = float(height[at])
    found = Measured(below(least, _REACHED, 0.05), least, f"{100 * least:.0f} cm")
    came = float(height[: at + 1].max()) - least
    went = float(height[at:].max()) - least if back else came
    return found.limited([above(min(came, went), _BROUGHT_UP, 0.03)]) if back else found


BODY: Final = {
    Demand.JUMP: jump,
    Demand.HOP: hop,
    Demand.JACKS: jacks,
    Demand.MARCH: march,
    Demand.BOW: bow,
    Demand.REACH_DOWN: reach_down,
    Demand.PICK_UP: pick_up,
}

"""Grounding: the root follows the foot that carries the body, and nothing sinks into the floor.

Decoded motion has good bodies, but its root moves apart from them: feet slide over the floor at
half a metre a second. A standing foot says better how the root moves, so the root's ground
velocity is corrected to hold it still. Heading and bodies stay as they are; heights change only
where a joint is below the floor, or all of them are above it for long.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded
from scipy.ndimage import grey_opening, maximum_filter1d
from scipy.special import expit

from motiongpt_blender.core.body.motion import MODEL_FPS
from motiongpt_blender.core.body.smoothing import gaussian_smooth

from . import features
from .floor_metrics import TOES

Array = NDArray[np.floating]

#: Channels of a frame that say whether the left and the right toe stand.
TOE_CONTACTS: Final = (-3, -1)
#: Metres of a toe's height, and value of its contact channel, at which it stands with even odds;
#: over how much both fade.
STANDS_BELOW, HEIGHT_FADE = 0.06, 0.01
STANDS_ABOVE, CONTACT_FADE = 0.5, 0.15
#: m/s by which the slower one of two standing feet carries e times more.
CHOICE: Final = 0.3
#: m/s of a foot's slide at which it counts half, by iteration. It begins wide, because feet slide
#: fast in decoded motion; a foot that still moves at the end was not standing.
SLIDE: Final = (2.0, 1.0, 0.5, 0.5)
#: Weights beside a foot that carries alone: of the root's own velocity while a foot stands and in
#: flight, of an even correction from frame to frame, and of the root's acceleration.
OWN_VELOCITY, OWN_FLIGHT, EVENNESS, CALM = 0.02, 0.06, 0.3, 0.5
#: Change of the root's velocity in m/s from frame to frame that costs nothing. Nine in ten real
#: walks stay below.
FREE_ACCELERATION: Final = 0.5
#: Metres that a motion is moved on to the end of a stretch; feet slide for what is more.
MOST_MOVED: Final = 0.25

#: Metres by which a joint may be below the floor: those of real clips are.
MAX_DEPTH: Final = 0.01
#: Frames over which a lift eases in and out.
LIFT_EASE: Final = 3
#: Metres over the floor at which the lowest joint of a standing body may be, and from which on a
#: body that stays there is meant to climb.
STANDS_AT, CLIMBS_FROM = 0.02, 0.3
#: Frames of the longest flight, and over which a body is lowered.
FLIGHT: Final = 20
LOWER_EASE: Final = 1.0


@dataclass(frozen=True)
class Stretch:
    """A part of a motion that should lead from one place to another.

    Attributes:
        first, last: its frames.
        travel: (2,) metres, x and z, that the pelvis should travel in it.
    """

    first: int
    last: int
    travel: Array


def grounded_joints(frames: Array, stretches: Sequence[Stretch] = ()) -> NDArray[np.float32]:
    """Joints (T, 22, 3) of decoded features (T, 263), grounded.

    The first frame keeps its place on the ground.
    """
    joints = set_on_floor(features.to_joints(frames))
    return lift_above_floor(follow_support_foot(joints, frames[:, TOE_CONTACTS], stretches))


def follow_support_foot(
    joints: Array, contacts: Array, stretches: Sequence[Stretch] = ()
) -> NDArray[np.float32]:
    """A motion moved over the ground so that the foot that carries it stays put.

    Args:
        joints: (T, 22, 3) metres, y up, the floor at y = 0, at the model's frame rate.
        contacts: (T, 2) about 1 where the left and the right toe stand, about 0 elsewhere.
        stretches: ascending, apart. What their travel lacks afterwards, 25 cm at most, is spread
            over them, most of it where no foot carries.
    """
    moved = joints.astype(np.float64)
    moved[..., [0, 2]] += root_shifts(moved, contacts, stretches)[:, None]
    return moved.astype(np.float32)


def root_shifts(joints: Array, contacts: Array, stretches: Sequence[Stretch] = ()) -> Array:
    """How far ``follow_support_foot`` moves each frame: (T, 2) metres, x and z."""
    shifts = np.zeros((len(joints), 2))
    if len(joints) > 2:  # fewer have no change of velocity
        shifts[1:] = np.cumsum(_root_correction(joints, contacts, stretches), axis=0) / MODEL_FPS
    return shifts


def set_on_floor(joints: Array) -> NDArray[np.float32]:
    """A motion (T, 22, 3) lowered where it floats: where nothing touches the floor for a second.

    The floor of a recording is where its lowest joint was. Where that was a hand that sank in, the
    body stands above it, and a pack learns so. Leaps stay, and so does a motion that climbs.
    """
    # Opening leaves out what is high for as short as a flight.
    floating = grey_opening(joints[..., 1].min(axis=1), FLIGHT + 1) - STANDS_AT
    if not 0 < floating.max() < CLIMBS_FROM:
        return joints.astype(np.float32)
    lowered = joints.astype(np.float64)
    lowered[..., 1] -= gaussian_smooth(np.maximum(floating, 0.0), LOWER_EASE)[:, None]
    return lowered.astype(np.float32)


def lift_above_floor(joints: Array, kept: Collection[int] = ()) -> NDArray[np.float32]:
    """A motion (T, 22, 3) raised where a joint is more than a centimetre below the floor.

    Nothing is lowered, so jumps and lying bodies stay. The lift eases in and out.

    Args:
        joints: metres, y up, the floor at y = 0.
        kept: frames that stay as they are.
    """
    lift = np.maximum(-MAX_DEPTH - joints[..., 1].min(axis=1), 0.0).astype(np.float64)
    lift[list(kept)] = 0.0
    eased = gaussian_smooth(maximum_filter1d(lift, 2 * LIFT_EASE + 1), LIFT_EASE / 2)
    apart = np.abs(np.arange(len(lift))[:, None] - np.array(sorted(kept), dtype=int))
    share = np.minimum(apart.min(axis=1, initial=2 * LIFT_EASE) / (2 * LIFT_EASE), 1.0)
    raised = joints.astype(np.float64)
    raised[..., 1] += np.maximum(lift, share * eased)[:, None]
    return raised.astype(np.float32)


def _root_correction(joints: Array, contacts: Array, stretches: Sequence[Stretch]) -> Array:
    """What is added to the root's ground velocity: (T - 1, 2) m/s, x and z.

    A least-squares solution: feet that carry shall stand still, the correction shall change
    evenly and be small where no foot carries, and the root shall not be accelerated more than
    real ones. What a foot weighs, and which acceleration is too large, depends on the solution,
    so that it is solved some times over.
    """
    root = MODEL_FPS * np.diff(joints[:, 0, [0, 2]], axis=0)
    feet = MODEL_FPS * np.diff(joints[:, TOES][..., [0, 2]], axis=0)  # (T - 1, 2 feet, 2)
    standing = _standing(joints, contacts)
    flight = 1 - standing.max(axis=1)
    own = OWN_VELOCITY + (OWN_FLIGHT - OWN_VELOCITY) * flight
    correction, bands = np.zeros_like(root), np.zeros((2, len(root)))
    for scale in SLIDE:
        weights = _carrying(standing, np.linalg.norm(feet + correction[:, None], axis=-1), scale)
        bands = _bands(weights.sum(axis=1) + own)
        right = -(weights[..., None] * feet).sum(axis=1)
        gentle = CALM * _gentle_changes(root, correction)
        right[1:] += gentle
        right[:-1] -= gentle
        correction = np.asarray(solveh_banded(bands, right))
    return correction + _moved_on(bands, root + correction, stretches)


def _moved_on(bands: Array, root: Array, stretches: Sequence[Stretch]) -> Array:
    """The cheapest velocities (N, 2) that make a root (N, 2) travel through its stretches."""
    if not stretches:
        return np.zeros_like(root)
    inside = np.zeros((len(root), len(stretches)))
    for k, stretch in enumerate(stretches):
        inside[stretch.first : stretch.last, k] = 1 / MODEL_FPS
    lacking = np.stack([stretch.travel for stretch in stretches]) - inside.T @ root
    length = np.linalg.norm(lacking, axis=-1, keepdims=True)
    lacking *= np.minimum(MOST_MOVED / np.maximum(length, 1e-9), 1)
    spread = np.asarray(solveh_banded(bands, inside))
    return spread @ np.linalg.solve(inside.T @ spread, lacking)


def _standing(joints: Array, contacts: Array) -> Array:
    """How surely (T - 1, 2) each toe stands from a frame to the next, 0 to 1."""
    heights = joints[:, TOES, 1]
    height = np.maximum(heights[1:], heights[:-1])
    contact = (contacts[1:] + contacts[:-1]) / 2
    low = expit((STANDS_BELOW - height) / HEIGHT_FADE)
    return low * expit((contact - STANDS_ABOVE) / CONTACT_FADE)


def _carrying(standing: Array, speeds: Array, scale: float) -> Array:
    """Weight (T - 1, 2) of each foot: standing ones, the slower ones first."""
    share = standing * np.exp(-(speeds - speeds.min(axis=1, keepdims=True)) / CHOICE)
    share /= np.maximum(share.sum(axis=1, keepdims=True), 1e-9)
    return share * standing / (1 + (speeds / scale) ** 2)


def _gentle_changes(root: Array, correction: Array) -> Array:
    """Changes (T - 2, 2) of the correction that bring the accelerations down to the free ones."""
    change = np.diff(root + correction, axis=0)
    size = np.linalg.norm(change, axis=-1, keepdims=True)
    excess = change * np.maximum(1 - FREE_ACCELERATION / np.maximum(size, 1e-9), 0)
    return np.diff(correction, axis=0) - excess


def _bands(diagonal: Array) -> Array:
    """The upper two diagonals (2, N) of the system; its own diagonal (N,) is given."""
    beside = EVENNESS + CALM
    neighbours = np.full(len(diagonal), 2.0)
    neighbours[[0, -1]] = 1.0
    bands = np.full((2, len(diagonal)), -beside)
    bands[1] = diagonal + beside * neighbours
    return bands

"""The rest pose that a marked pose was made with, and what has become of it since.

A pose is a rotation of each bone away from rest, so that it means another pose once the rest
pose is changed. Two changes keep its meaning and are told exactly: bones rolled about their own
axis, and the whole armature moved, turned or scaled, as applying the object's transform does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, cast

import numpy as np

from ..body.rotations import IDENTITY, Array, angle_between, from_matrix, inverse, multiply, rotate
from ..bounded_files import parse_json

#: Differences up to these are rounding: of places over the armature's size, and in radians.
PLACE_TOLERANCE: Final = 1e-4
ANGLE_TOLERANCE: Final = 1e-3
#: The axis along which a bone points.
_ALONG: Final = np.array([0.0, 1.0, 0.0])


class RestPoseError(ValueError):
    """A rest pose that was changed so that poses made with the old one mean nothing.

    Attributes:
        bone: name of a bone that was changed.
    """

    def __init__(self, bone: str) -> None:
        super().__init__(bone)
        self.bone = bone


@dataclass(frozen=True)
class RestBone:
    """A bone at rest, in the armature's space.

    Attributes:
        rotation: (4,) its rotation.
        head: (3,) where it begins.
        parent: the name of its parent, or "".
        location_axes: (4,) from a location in its own axes to the one that its property holds.
    """

    rotation: Array
    head: Array
    parent: str = ""
    location_axes: Array = field(default_factory=lambda: IDENTITY)


#: Bone -> how it is at rest.
RestPose: TypeAlias = Mapping[str, RestBone]


@dataclass(frozen=True)
class RestChange:
    """How a rest pose was changed.

    Attributes:
        scale: the whole armature's growth.
        rotation: (4,) its turn.
        translation: (3,) its move, after both.
        rolls: bone -> (4,) its roll about its own axis, for bones that were rolled.
    """

    scale: float = 1.0
    rotation: Array = field(default_factory=lambda: IDENTITY)
    translation: Array = field(default_factory=lambda: np.zeros(3))
    rolls: Mapping[str, Array] = field(default_factory=dict[str, Array])

    @property
    def moved(self) -> bool:
        """Whether the whole armature was moved, turned or scaled."""
        turned = angle_between(self.rotation, IDENTITY) > ANGLE_TOLERANCE
        return bool(turned or self.scale != 1.0 or np.any(self.translation))

    @property
    def nothing(self) -> bool:
        """Whether the rest pose is as it was."""
        return not self.moved and not self.rolls


def rest_change(before: RestPose, after: RestPose) -> RestChange:
    """What has become of a rest pose; bones that only one of both has do not count.

    Raises:
        RestPoseError: for a change that poses cannot be carried over.
    """
    names = [name for name in before if name in after]
    if not names:
        return RestChange()
    heads = np.stack([before[n].head for n in names]), np.stack([after[n].head for n in names])
    tolerance = PLACE_TOLERANCE * float(np.ptp(heads[1], axis=0).max())
    away = np.linalg.norm(heads[1] - heads[0], axis=-1)
    whole = RestChange()
    if away.max() > tolerance:
        whole = _similarity(*heads)
        fitted = whole.scale * rotate(whole.rotation, heads[0]) + whole.translation
        quarters = np.abs(rotate(whole.rotation, np.eye(3)))
        is_fitted = np.linalg.norm(fitted - heads[1], axis=-1).max() <= tolerance
        if not is_fitted or np.abs(quarters - np.round(quarters)).max() > ANGLE_TOLERANCE:
            raise RestPoseError(names[int(np.argmax(away > tolerance))])
    rolls: dict[str, Array] = {}
    for name in names:
        turned = multiply(whole.rotation, before[name].rotation)
        roll = multiply(inverse(turned), after[name].rotation)
        is_roll = np.abs(rotate(roll, _ALONG) - _ALONG).max() <= ANGLE_TOLERANCE
        if not is_roll or before[name].parent != after[name].parent:
            raise RestPoseError(name)
        if angle_between(roll, IDENTITY) > ANGLE_TOLERANCE:
            rolls[name] = roll
    return RestChange(whole.scale, whole.rotation, whole.translation, rolls)


def rest_pose_to_json(rest: RestPose) -> str:
    """A rest pose as one line of text, six digits a number."""
    return json.dumps(
        {
            name: [
                [float(f"{v:.6g}") for v in (*bone.rotation, *bone.head, *bone.location_axes)],
                bone.parent,
            ]
            for name, bone in rest.items()
        }
    )


def rest_pose_from_json(text: str) -> RestPose | None:
    """Read the text of ``rest_pose_to_json``; None for any other text."""
    try:
        data: dict[str, Any] = parse_json(text)
        return {str(name): _rest_bone(*row) for name, row in data.items()}
    except (ValueError, TypeError, AttributeError, OverflowError):
        return None


def _rest_bone(numbers: list[float], parent: str) -> RestBone:
    values = np.array(numbers, dtype=np.float64)
    if values.shape != (11,) or not np.isfinite(values).all():
        raise ValueError("eleven numbers were expected")
    return RestBone(values[:4], values[4:7], str(parent), values[7:])


def _similarity(before: Array, after: Array) -> RestChange:
    """The scale, turn and move that bring points (N, 3) nearest to others (Umeyama 1991)."""
    centres = before.mean(0), after.mean(0)
    spread = before - centres[0], after - centres[1]
    u, values, vt = cast("tuple[Array, Array, Array]", np.linalg.svd(spread[1].T @ spread[0]))
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt)) or 1.0])
    size = float(np.sum(spread[0] ** 2))
    scale = float(np.sum(values * signs)) / size if size > 0 else 1.0
    rotation = from_matrix(u @ np.diag(signs) @ vt)
    return RestChange(scale, rotation, centres[1] - scale * rotate(rotation, centres[0]))

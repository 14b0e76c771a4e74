"""All rotation arithmetic of the project, in numpy.

Quaternions are (w, x, y, z) on the last axis and every function broadcasts over
the leading axes. The conventions are those of the HumanML3D representation.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]

IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])
#: The vertical of the model's axes.
UP = np.array([0.0, 1.0, 0.0])
#: Keeps the level components of a vector, x and z.
LEVEL = np.array([1.0, 0.0, 1.0])


def normalise(v: Array) -> Array:
    """Unit vectors along the last axis; a zero vector stays zero."""
    if v.ndim == 1 and v.dtype == np.float64:
        return v / (math.sqrt(sum(x * x for x in v.tolist())) or 1.0)
    length = np.linalg.norm(v, axis=-1, keepdims=True)
    return v / np.where(length == 0, 1, length)


def cross(a: Array, b: Array) -> Array:
    """Cross products (..., 3); numpy's own takes several times as long on short arrays."""
    (ax, ay, az), (bx, by, bz) = _components(a, b)
    return _joined(ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx)


def multiply(a: Array, b: Array) -> Array:
    """Hamilton product a * b, (..., 4): first b, then a."""
    (aw, ax, ay, az), (bw, bx, by, bz) = _components(a, b)
    return _joined(
        aw * bw - ax * bx - ay * by - az * bz,
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
    )


def _components(a: Array, b: Array) -> tuple[list[Any], list[Any]]:
    """The components of both; of two single vectors as plain floats, where numpy takes longer."""
    if a.ndim == b.ndim == 1 and a.dtype == b.dtype == np.float64:
        return a.tolist(), b.tolist()
    return [a[..., k] for k in range(a.shape[-1])], [b[..., k] for k in range(b.shape[-1])]


def _joined(*components: Any) -> Array:
    """Components on the last axis."""
    if isinstance(components[0], float):
        return np.array(components)
    return np.stack(components, axis=-1)


def inverse(q: Array) -> Array:
    """Inverse of unit quaternions, (..., 4)."""
    return q * np.array([1.0, -1.0, -1.0, -1.0], dtype=q.dtype)


def rotate(q: Array, v: Array) -> Array:
    """Vectors (..., 3) rotated by unit quaternions (..., 4)."""
    axis = q[..., 1:]
    first = cross(axis, v)
    return v + 2 * (q[..., :1] * first + cross(axis, first))


def between(a: Array, b: Array) -> Array:
    """Shortest rotations (..., 4) from the directions a to the directions b, (..., 3) each.

    The quaternion is normalise(|a||b| + a.b, a x b). It vanishes for opposite directions,
    which give the identity.
    """
    scalar = np.sqrt((a**2).sum(-1, keepdims=True) * (b**2).sum(-1, keepdims=True))
    scalar = scalar + (a * b).sum(-1, keepdims=True)
    q = np.concatenate([scalar, cross(a, b)], axis=-1)
    length = np.linalg.norm(q, axis=-1, keepdims=True)
    unit = q / np.where(length == 0, 1, length)
    return np.where(length == 0, IDENTITY.astype(q.dtype), unit)


def to_matrix(q: Array) -> Array:
    """Rotation matrices (..., 3, 3) of unit quaternions (..., 4)."""
    w, x, y, z = np.moveaxis(q, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def from_matrix(m: Array) -> Array:
    """Unit quaternions (..., 4) with w >= 0 of rotation matrices (..., 3, 3)."""
    m00, m11, m22 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    # Each row is the quaternion times one of its components; the largest one is exact.
    candidates = np.stack(
        [
            np.stack([1 + m00 + m11 + m22, m[..., 2, 1] - m[..., 1, 2],
                      m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]], -1),
            np.stack([m[..., 2, 1] - m[..., 1, 2], 1 + m00 - m11 - m22,
                      m[..., 0, 1] + m[..., 1, 0], m[..., 0, 2] + m[..., 2, 0]], -1),
            np.stack([m[..., 0, 2] - m[..., 2, 0], m[..., 0, 1] + m[..., 1, 0],
                      1 - m00 + m11 - m22, m[..., 1, 2] + m[..., 2, 1]], -1),
            np.stack([m[..., 1, 0] - m[..., 0, 1], m[..., 0, 2] + m[..., 2, 0],
                      m[..., 1, 2] + m[..., 2, 1], 1 - m00 - m11 + m22], -1),
        ],
        axis=-2,
    )  # fmt: skip
    diagonal = np.diagonal(candidates, axis1=-2, axis2=-1)
    best = np.argmax(diagonal, axis=-1)[..., None, None]
    q = normalise(np.take_along_axis(candidates, best, axis=-2)[..., 0, :])
    return np.where(q[..., :1] < 0, -q, q)


def to_log(q: Array) -> Array:
    """Rotation vectors (..., 3), axis times angle in radians, the short way round."""
    q = np.where(q[..., :1] < 0, -q, q)
    sine = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, q[..., :1])
    # angle / sine tends to 2 where the rotation vanishes
    return q[..., 1:] * np.where(sine < 1e-12, 2.0, angle / np.where(sine < 1e-12, 1, sine))


def from_log(v: Array) -> Array:
    """Unit quaternions (..., 4) of rotation vectors (..., 3) in radians."""
    angle = np.linalg.norm(v, axis=-1, keepdims=True)
    scale = np.where(angle < 1e-12, 0.5, np.sin(angle / 2) / np.where(angle < 1e-12, 1, angle))
    return np.concatenate([np.cos(angle / 2), v * scale], axis=-1)


def slerp(a: Array, b: Array, t: Array) -> Array:
    """Spherical interpolation from a (t = 0) to b (t = 1), the short way round."""
    step = to_log(multiply(inverse(a), b))
    return multiply(a, from_log(step * np.asarray(t)[..., None]))


def local_basis(rotation: Array, rest: Array) -> Array:
    """Basis rotations (..., 4) of a bone whose part is rotated away from rest by ``rotation``.

    Args:
        rotation: (..., 4) relative to the bone's parent, in the axes of ``rest``.
        rest: (..., 4) the bone's rest rotation in the same axes.
    """
    return multiply(multiply(inverse(rest), rotation), rest)


def from_local_basis(basis: Array, rest: Array) -> Array:
    """Rotations (..., 4) away from rest of basis rotations; the inverse of ``local_basis``."""
    return multiply(multiply(rest, basis), inverse(rest))


def continuous(q: Array) -> Array:
    """The same rotations (T, ..., 4) with signs chosen so that neighbours are close."""
    dots = (q[1:] * q[:-1]).sum(-1)
    signs = np.cumprod(np.where(dots < 0, -1, 1), axis=0)
    signs = np.concatenate([np.ones_like(q[:1, ..., 0]), signs], axis=0)
    return q * signs[..., None]


def about_y(angle: Array) -> Array:
    """Quaternions (..., 4) of rotations by ``angle`` radians about +y (to the left, y up)."""
    zero = np.zeros_like(angle)
    return np.stack([np.cos(angle / 2), zero, np.sin(angle / 2), zero], axis=-1)


def about_axis(axis: Array, angle: Array) -> Array:
    """Quaternions (..., 4) of rotations by ``angle`` (...,) radians about unit axes (..., 3)."""
    half = 0.5 * angle[..., None]
    return np.concatenate([np.cos(half), np.sin(half) * axis], axis=-1)


def twist_angle(q: Array, axis: Array) -> Array:
    """Radians (...,) by which rotations (..., 4) twist about a unit axis (3,).

    The swing-twist decomposition; the angles lie within -2 pi to 2 pi.
    """
    half: Array = np.arctan2((q[..., 1:] * axis).sum(-1), q[..., 0])
    return 2 * half


def yaw_angle(q: Array) -> Array:
    """Radians (...,) by which rotations (..., 4) twist about the vertical, +y."""
    return twist_angle(q, UP)


def wrap_angle(angle: Array | float) -> Array:
    """The same angles in radians, from -pi to pi."""
    wrapped: Array = (np.asarray(angle) + np.pi) % (2 * np.pi) - np.pi
    return wrapped


def from_euler(angles: Array, order: str) -> Array:
    """Quaternions (..., 4) of angles (..., 3) about x, y and z, in radians.

    Args:
        angles: always in the order x, y, z.
        order: ``XYZ`` rotates about x first, then about the parent's y, then about its z.
    """
    half = 0.5 * angles
    out = np.broadcast_to(IDENTITY, (*angles.shape[:-1], 4))
    for axis in ("XYZ".index(letter) for letter in order):
        one = np.zeros((*angles.shape[:-1], 4))
        one[..., 0], one[..., 1 + axis] = np.cos(half[..., axis]), np.sin(half[..., axis])
        out = multiply(one, out)
    return out


def from_axis_angle(values: Array) -> Array:
    """Quaternions (..., 4) of an angle in radians and an axis of any length, (..., 4)."""
    return from_log(values[..., :1] * normalise(values[..., 1:]))


def angle_between(a: Array, b: Array) -> Array:
    """Angle in radians between unit quaternions, 0 to pi."""
    return np.linalg.norm(to_log(multiply(inverse(a), b)), axis=-1)

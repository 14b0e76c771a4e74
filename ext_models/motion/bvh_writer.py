"""A clip as a BVH file, which every animation package reads.

Joints have no rotations of their own: each gets the one that fits its children best, from
the skeleton's rest pose, and a lone child's least turning. Centimetres, y up, rotation
channels Z X Y. The format has no room for terms and some readers stop at a line that they do
not know, so the licence of the pack lies in a text file beside the clip.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.core.body.rotations import (
    between,
    from_matrix,
    inverse,
    multiply,
    normalise,
    rotate,
    to_matrix,
)
from motiongpt_blender.core.body.skeleton import JOINT_COUNT, PARENTS, joint_name
from motiongpt_blender.core.body.terms import terms_beside, terms_text

from .representations import HUMANML3D

Array = NDArray[np.float64]

CENTIMETRES: Final = 100.0
#: Length of the end sites, in metres, where a chain stops.
TIP: Final = 0.08


def write_bvh(clip: MotionClip, path: Path) -> None:
    """Write a clip, and its terms beside it; bone lengths are their means over the clip."""
    joints = clip.joints.astype(np.float64)
    offsets = rest_offsets(joints)
    turns = joint_rotations(joints, offsets)
    lines = ["HIERARCHY", *_hierarchy(0, offsets, 0), "MOTION", f"Frames: {len(joints)}"]
    lines.append(f"Frame Time: {1 / clip.fps:.8f}")
    order = list(_code_request(0))
    angles = _angles(turns)
    for frame in range(len(joints)):
        row = [*(joints[frame, 0] * CENTIMETRES), *angles[frame, order].ravel()]
        lines.append(" ".join(f"{x:.5f}" for x in row))
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    if clip.origin.pack:
        terms_beside(path).write_text(terms_text(clip.origin, path.name), encoding="utf-8")


def rest_offsets(joints: Array) -> Array:
    """Offsets (22, 3) metres of each joint from its parent in the rest pose."""
    offsets = np.array(HUMANML3D.directions, dtype=np.float64)
    for child in range(1, JOINT_COUNT):
        bone = joints[:, child] - joints[:, PARENTS[child]]
        offsets[child] *= np.linalg.norm(bone, axis=-1).mean() / np.linalg.norm(offsets[child])
    for joint in range(JOINT_COUNT):
        children = _children(joint)
        if len(children) > 1:
            # Where several bones meet, their angles are the body's, not the rest pose's.
            bones = joints[:, children] - joints[:, [joint]]
            turn = _best_turn(offsets[children], bones)[:, None]
            back = np.broadcast_to(inverse(turn), (*bones.shape[:-1], 4))
            offsets[children] = rotate(back, bones).mean(0)
    return offsets


def joint_rotations(joints: Array, offsets: Array) -> Array:
    """Rotations (T, 22, 4) of each joint in its parent's frame."""
    world = np.zeros((len(joints), JOINT_COUNT, 4))
    world[..., 0] = 1
    for joint in range(JOINT_COUNT):
        parent, children = PARENTS[joint], _children(joint)
        carried = world[:, parent] if parent >= 0 else world[:, 0]
        if len(children) > 1:
            bones = joints[:, children] - joints[:, [joint]]
            world[:, joint] = _best_turn(offsets[children], bones)
        elif children:
            bone = normalise(joints[:, children[0]] - joints[:, joint])
            rest = np.broadcast_to(normalise(offsets[children[0]]), bone.shape)
            least = between(rotate(carried, rest), bone)
            world[:, joint] = multiply(least, carried)
        else:
            world[:, joint] = carried
    local = world.copy()
    for joint in range(1, JOINT_COUNT):
        local[:, joint] = multiply(inverse(world[:, PARENTS[joint]]), world[:, joint])
    return local


def _best_turn(rest: Array, bones: Array) -> Array:
    """Rotations (T, 4) that turn vectors (K, 3) into (T, K, 3) as well as one can (Kabsch)."""
    u, _, vt = np.linalg.svd(np.einsum("tki,kj->tij", bones, rest))
    mirror = np.broadcast_to(np.eye(3), u.shape).copy()
    mirror[:, 2, 2] = np.linalg.det(u @ vt)
    return from_matrix(u @ mirror @ vt)


def _angles(turns: Array) -> Array:
    """Degrees (T, 22, 3) about Z, X and Y, without jumps of a whole turn."""
    flat = Rotation.from_matrix(to_matrix(turns).reshape(-1, 3, 3)).as_euler("ZXY")
    return np.degrees(np.unwrap(flat.reshape(*turns.shape[:-1], 3), axis=0))


def _children(joint: int) -> list[int]:
    return [child for child in range(JOINT_COUNT) if PARENTS[child] == joint]


def _code_request(joint: int) -> list[int]:
    """Joints in the order in which the hierarchy names them."""
    return [joint, *(j for child in _children(joint) for j in _code_request(child))]


def _hierarchy(joint: int, offsets: Array, depth: int) -> list[str]:
    tab = "\t" * depth
    kind = "JOINT" if depth else "ROOT"
    places = "" if depth else "Xposition Yposition Zposition "
    offset = offsets[joint] * CENTIMETRES if depth else np.zeros(3)
    lines = [f"{tab}{kind} {joint_name(joint)}", f"{tab}{{"]
    lines.append(f"{tab}\tOFFSET " + " ".join(f"{x:.5f}" for x in offset))
    lines.append(f"{tab}\tCHANNELS {3 if depth else 6} {places}Zrotation Xrotation Yrotation")
    for child in _children(joint):
        lines += _hierarchy(child, offsets, depth + 1)
    if not _children(joint):
        tip = normalise(offsets[joint]) * TIP * CENTIMETRES
        lines += [f"{tab}\tEnd Site", f"{tab}\t{{"]
        lines += [f"{tab}\t\tOFFSET " + " ".join(f"{x:.5f}" for x in tip), f"{tab}\t}}"]
    return [*lines, f"{tab}}}"]

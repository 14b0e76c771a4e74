"""Reads BVH files: the hierarchy, its channels in any order, and all joint positions.

Only the frames that the target frame rate needs are read, which saves memory with recordings at
120 frames a second. Angles are degrees, applied in the order of the channels; a position channel
replaces its component of the offset.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TextIO

import numpy as np
from numpy.typing import NDArray

from motiongpt_blender.core.body import rotations
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.bounded_files import FileError, check_regular

from .examples import DataError, check_length
from .joint_names import find_joints

Array = NDArray[np.float64]

AXES: Final = "XYZ"
#: Suffix of the name of an end site.
END: Final = "~end"
#: No offset, position or angle of a file, in its own unit, is as large.
LARGEST: Final = 1e9
#: The most joints that a file may name, and the longest line, in characters.
MOST_JOINTS: Final = 2000
LONGEST_LINE: Final = 1 << 20
#: The most frames, and the most frames a second, that a file may announce.
MOST_FRAMES: Final = 10**9
MOST_FPS: Final = 1e5
#: Joints that some files only have as the end site of another joint.
_ENDS: Final = {
    Joint.L_FOOT: Joint.L_ANKLE, Joint.R_FOOT: Joint.R_ANKLE,
    Joint.L_WRIST: Joint.L_ELBOW, Joint.R_WRIST: Joint.R_ELBOW,
    Joint.HEAD: Joint.NECK,
}  # fmt: skip


@dataclass(frozen=True)
class Node:
    """A joint of the hierarchy.

    Attributes:
        name: name in the file; an end site has its joint's name and ``END``.
        parent: index of the parent, -1 for a root.
        offset: (3,) from the parent, in the file's unit.
        channels: such as "Xposition" or "Zrotation", in the file's order.
        first: index of its first channel in a frame.
    """

    name: str
    parent: int
    offset: tuple[float, float, float]
    channels: tuple[str, ...]
    first: int


@dataclass(frozen=True)
class BvhMotion:
    """Every joint of a file over time.

    Attributes:
        nodes: the hierarchy, parents before children.
        points: (T, N, 3) positions in the file's unit and axes.
        rest: (N, 3) positions with all rotations zero.
        frames, fps: of the file itself.
    """

    nodes: tuple[Node, ...]
    points: Array
    rest: Array
    frames: int
    fps: float


def read_bvh(path: Path, to_fps: float) -> BvhMotion:
    """The motion of a BVH file, resampled to a frame rate.

    Raises:
        DataError: one sentence, with the line where there is one.
    """
    try:
        check_regular(path)
        with path.open(encoding="utf-8", errors="replace") as stream:
            lines = _lines(stream)
            nodes = _hierarchy(lines)
            frames, fps = _timing(lines)
            check_length(frames, fps)
            low, high, share = _sampling(frames, fps, to_fps)
            wanted = np.union1d(low, high)
            values = _frames(lines, wanted, frames, sum(len(n.channels) for n in nodes))
    except FileError as error:
        raise DataError(f"it {error}.") from None
    except OSError as error:
        raise DataError(f"it cannot be read ({error.strerror}).") from None
    points = _positions(nodes, values)
    before, after = (points[np.searchsorted(wanted, k)] for k in (low, high))
    still = np.zeros((1, values.shape[1]))
    bare = tuple(replace(n, channels=()) for n in nodes)
    return BvhMotion(
        nodes=nodes,
        points=before + (after - before) * share[:, None, None],
        rest=_positions(bare, still)[0],
        frames=frames,
        fps=fps,
    )


def _lines(stream: TextIO) -> Iterator[tuple[int, str]]:
    """Numbered lines without white space around them; empty ones are left out."""
    number = 0
    while line := stream.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            raise DataError(f"line {number} is too long for a BVH file.")
        if line := line.strip():
            yield number, line


def _hierarchy(lines: Iterator[tuple[int, str]]) -> tuple[Node, ...]:
    """The joints up to the line MOTION."""
    reader = _Hierarchy()
    for number, line in _statements(lines):
        if line.upper() == "MOTION":
            break
        try:
            reader.take(line)
        except (ValueError, IndexError):
            raise DataError(
                f"line {number} is no part of a BVH hierarchy: '{line[:40]}'."
            ) from None
    else:
        raise DataError("it has no line MOTION: it is not a complete BVH file.")
    if not reader.nodes:
        raise DataError("its hierarchy names no joint.")
    if not np.isfinite([n.offset for n in reader.nodes]).all():
        raise DataError("an offset in its hierarchy is not a finite number.")
    return tuple(reader.nodes)


class _Hierarchy:
    """The joints read so far, and the braces that are open."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._open: list[int] = []
        self._channels = 0

    def take(self, line: str) -> None:
        """Read one statement; raises ValueError or IndexError when it is none."""
        key, _, rest = line.partition(" ")
        words = rest.split()
        match key.upper():
            case "ROOT" | "JOINT" | "END":
                self._add(rest.strip(), key.upper() == "END")
            case "{":
                self._open.append(len(self.nodes) - 1)
            case "}":
                self._open.pop()
            case "OFFSET":
                x, y, z = (float(w) for w in words[:3])
                if not max(abs(x), abs(y), abs(z)) < LARGEST:
                    raise ValueError(line)
                self._change(offset=(x, y, z))
            case "CHANNELS":
                count, listed = int(words[0]), tuple(_channel(w) for w in words[1:])
                if len(listed) != count:
                    raise ValueError(line)
                self._change(channels=listed, first=self._channels)
                self._channels += count
            case "HIERARCHY":
                pass
            case _:
                raise ValueError(line)

    def _add(self, name: str, end: bool) -> None:
        parent = self._open[-1] if self._open else -1
        name = self.nodes[parent].name + END if end else name
        self.nodes.append(Node(name, parent, (0.0, 0.0, 0.0), (), self._channels))
        if len(self.nodes) > MOST_JOINTS:
            raise DataError(f"it names more than {MOST_JOINTS} joints.")

    def _change(self, **changes: Any) -> None:
        at = self._open[-1]
        self.nodes[at] = replace(self.nodes[at], **changes)


def _statements(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Lines with every brace on a line of its own."""
    for number, line in lines:
        for part in line.replace("{", "\n{\n").replace("}", "\n}\n").splitlines():
            if words := part.split():
                yield number, " ".join(words)


def _channel(word: str) -> str:
    """A channel with its usual spelling; raises ValueError for any other word."""
    axis, kind = word[0].upper(), word[1:].lower()
    if axis not in AXES or kind not in ("position", "rotation"):
        raise ValueError(word)
    return axis + kind


def _timing(lines: Iterator[tuple[int, str]]) -> tuple[int, float]:
    """Number of frames and frames a second."""
    found: list[float] = []
    for key in ("Frames:", "Frame Time:"):
        number, line = next(lines, (0, ""))
        try:
            if not line.lower().startswith(key.lower()):
                raise ValueError(line)
            found.append(float(line[len(key) :]))
        except ValueError:
            raise DataError(f"line {number} should be '{key}' and a number.") from None
    frames, seconds = found
    if not 1 / MOST_FPS <= seconds < np.inf:
        raise DataError(f"its frame time must be a positive number of seconds; it is {seconds:g}.")
    if not 0 <= frames <= MOST_FRAMES:
        raise DataError(f"its number of frames is {frames:g}: it is damaged.")
    fps = 1 / seconds
    # 0.0333333 s is meant to be 30 frames a second
    return int(frames), float(round(fps)) if abs(fps - round(fps)) < 1e-4 * fps else fps


def _sampling(frames: int, fps: float, to_fps: float) -> tuple[NDArray, NDArray, Array]:
    """For each wanted frame the file's frames before and after it, and the share of the latter."""
    count = int((frames - 1) / fps * to_fps + 1e-6) + 1
    at = np.arange(count) * fps / to_fps
    low = np.minimum(np.floor(at + 1e-6).astype(int), frames - 1)
    share = np.clip(at - low, 0.0, 1.0)
    share[share < 1e-6] = 0.0
    return low, np.where(share > 0, np.minimum(low + 1, frames - 1), low), share


def _frames(lines: Iterator[tuple[int, str]], wanted: NDArray, frames: int, width: int) -> Array:
    """The wanted frames' channels, (len(wanted), width)."""
    values = np.zeros((len(wanted), width))
    place = count = 0
    for number, line in lines:
        if count == frames:
            break
        if place < len(wanted) and wanted[place] == count:
            try:
                row = np.array(line.split(), dtype=np.float64)
            except ValueError:
                raise DataError(f"line {number} holds something that is not a number.") from None
            if len(row) != width:
                raise DataError(f"line {number} has {len(row)} numbers; its channels need {width}.")
            if not (np.abs(row) < LARGEST).all():  # neither does nan
                raise DataError(f"line {number} holds a number that is not finite, or too large.")
            values[place] = row
            place += 1
        count += 1
    if count < frames:
        raise DataError(f"it announces {frames} frames and holds {count}.")
    return values


def _positions(nodes: tuple[Node, ...], values: Array) -> Array:
    """Joint positions (T, N, 3) of channel values (T, C), by forward kinematics."""
    points = np.zeros((len(values), len(nodes), 3))
    turns = np.zeros((len(values), len(nodes), 4))
    for index, node in enumerate(nodes):
        place = np.tile(np.array(node.offset), (len(values), 1))
        turn = np.tile(rotations.IDENTITY, (len(values), 1))
        for k, channel in enumerate(node.channels, node.first):
            axis = AXES.index(channel[0])
            if channel.endswith("position"):
                place[:, axis] = values[:, k]
            else:
                vector = np.zeros((len(values), 3))
                vector[:, axis] = np.radians(values[:, k])
                turn = rotations.multiply(turn, rotations.from_log(vector))
        if node.parent >= 0:
            carrier = turns[:, node.parent]
            place = points[:, node.parent] + rotations.rotate(carrier, place)
            turn = rotations.multiply(carrier, turn)
        points[:, index], turns[:, index] = place, turn
    return points


def joints_of(bvh: BvhMotion) -> dict[Joint, int]:
    """Index of each of our joints; toes, wrists and head may be end sites.

    Raises:
        DataError: naming the joints that are missing.
    """
    nodes = bvh.nodes
    found = find_joints([n.name for n in nodes])
    ends = {n.parent: k for k, n in enumerate(nodes) if n.name.endswith(END) and any(n.offset)}
    for joint, carrier in _ENDS.items():
        if joint not in found and found.get(carrier) in ends:
            found[joint] = ends[found[carrier]]
    return found

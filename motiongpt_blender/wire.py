"""The words that Blender and the model's process exchange: one JSON object a line.

Requests go to the child's stdin, reports come back on its stdout. Arrays never
travel on the line: they lie as ``.npz`` in the job's folder, and the line names
the folder. A job ends with exactly one terminal report (Result, Failure or
Cancelled); what arrives for a job after that is to be ignored.

Both sides import this module; it needs the standard library only.
"""

from __future__ import annotations

import json
import math
import types
import typing
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, TypeAlias

PROTOCOL: Final = 2

#: Lines longer than this are refused: arrays belong into the job's folder.
MAX_LINE: Final = 1_000_000

#: Names of the files in a job's folder.
POSES_FILE: Final = "poses.npz"
RESULT_FILE: Final = "clip.npz"


class WireError(ValueError):
    """A line that is not a message of this protocol; says which part is wrong."""


# --- requests: Blender -> model ---------------------------------------------------


@dataclass(frozen=True)
class Generate:
    """Ask for one motion.

    Attributes:
        job: name of the job, unique in the life of the process.
        prompt: the sentence, already checked by the sender.
        frames: length in frames at the model's rate (see Hello.fps).
        folder: the job's folder. When ``pose_frames`` is not empty it holds
            ``poses.npz`` with ``joints`` (K, 22, 3) in metres, y up, and may hold ``bound``
            (K, 22) there, which joints of each pose count. When ``continues`` it holds
            ``history`` (T, 22, 3) there, what comes before the motion.
        pose_frames: frame of each pose, ascending, 0 .. frames - 1.
        seed: seed of the sampler, 0 .. 2**31 - 1.
        temperature: spread of the sampling, 0 takes the likeliest token.
        variations: how many motions; more than one are written as clip_01.npz ...
        candidates: motions drawn for each of them; the best are given.
        guidance_strength: how firmly the model is held to the poses while it writes, or without
            poses to its clip summary, 0 .. 10; 0 leaves it alone.
        continues: whether the motion goes on from a beginning.
    """

    job: str
    prompt: str
    frames: int
    folder: str
    pose_frames: tuple[int, ...] = ()
    seed: int = 0
    temperature: float = 0.8
    variations: int = 1
    candidates: int = 1
    guidance_strength: float = 1.0
    continues: bool = False


@dataclass(frozen=True)
class Cancel:
    """Stop that job at its next step. Answered by its terminal report."""

    job: str


@dataclass(frozen=True)
class Shutdown:
    """Finish and exit. Closing stdin means the same."""


# --- reports: model -> Blender ----------------------------------------------------


@dataclass(frozen=True)
class Hello:
    """The first line of a new process, sent before anything heavy is imported."""

    protocol: int
    backend: str
    version: str
    pid: int
    pack: str
    fps: float
    max_frames: int


@dataclass(frozen=True)
class Progress:
    """How far a job is. ``fraction`` (0..1) is of the whole job and never falls."""

    job: str
    stage: str
    fraction: float


@dataclass(frozen=True)
class Result:
    """Terminal: the motions lie in the job's folder.

    Attributes:
        job: the job that ended.
        clips: file names inside the job's folder.
        seconds: wall time of each stage ("load", "encode", "generate", "decode").
        notes: sentences for the user (a clamped length, an unknown word).
    """

    job: str
    clips: tuple[str, ...]
    seconds: dict[str, float] = field(default_factory=lambda: {})
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """Terminal: one sentence of what, where and what to do. Empty ``job``: the process."""

    job: str
    message: str
    detail: str = ""


@dataclass(frozen=True)
class Cancelled:
    """Terminal: the job was stopped as asked."""

    job: str


Request: TypeAlias = Generate | Cancel | Shutdown
Report: TypeAlias = Hello | Progress | Result | Failure | Cancelled
Message: TypeAlias = Request | Report

TERMINAL: Final = (Result, Failure, Cancelled)

_KINDS: Final[dict[str, type[Message]]] = {
    kind.__name__: kind for kind in (*typing.get_args(Request), *typing.get_args(Report))
}


def encode(message: Message) -> str:
    """One line, newline included. NaN and infinity are refused with WireError."""
    body = {"type": type(message).__name__, **asdict(message)}
    try:
        line = json.dumps(body, ensure_ascii=True, allow_nan=False) + "\n"
    except ValueError as error:
        raise WireError(f"{type(message).__name__} cannot be written: {error}.") from None
    if len(line) > MAX_LINE:
        raise WireError(f"{type(message).__name__} is longer than {MAX_LINE} characters.")
    return line


def decode(line: str) -> Message:
    """The message of one line; raises WireError for anything else."""
    if len(line) > MAX_LINE:
        raise WireError(f"a line is longer than {MAX_LINE} characters.")
    try:
        body: Any = json.loads(line)
    except (ValueError, RecursionError):
        raise WireError(f"a line is not JSON: {line[:80]!r}.") from None
    if not isinstance(body, dict):
        raise WireError(f"a line is not a JSON object: {line[:80]!r}.")
    values = typing.cast("dict[str, Any]", body)
    name = values.pop("type", None)
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise WireError(f"unknown message type {name!r}.")
    return _build(kind, values)


def _build(kind: type[Message], values: dict[str, Any]) -> Message:
    hints = typing.get_type_hints(kind)
    known = {f.name for f in fields(kind)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise WireError(f"{kind.__name__} has no field {unknown[0]!r}.")
    checked = {
        name: _convert(value, hints[name], f"{kind.__name__}.{name}")
        for name, value in values.items()
    }
    try:
        return kind(**checked)
    except TypeError as error:
        raise WireError(f"{kind.__name__} is incomplete: {error}.") from None


def _convert(value: Any, hint: Any, where: str) -> Any:
    """Check one JSON value against a field's annotation and give it the field's type."""
    origin = typing.get_origin(hint)
    if origin is tuple and isinstance(value, list):
        item = typing.get_args(hint)[0]
        return tuple(_convert(v, item, where) for v in typing.cast("list[Any]", value))
    if origin is dict and isinstance(value, dict):
        item = typing.get_args(hint)[1]
        pairs = typing.cast("dict[str, Any]", value)
        return {k: _convert(v, item, where) for k, v in pairs.items()}
    if hint is float and type(value) in (int, float):
        return _number(value, where)
    if isinstance(hint, type) and not isinstance(hint, types.GenericAlias) and type(value) is hint:
        return value
    raise WireError(f"{where} has the wrong type ({type(value).__name__}).")


def _number(value: float, where: str) -> float:
    """A finite float; JSON as Python reads it also knows NaN, infinity and endless integers."""
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise WireError(f"{where} is not a finite number.")
    return number

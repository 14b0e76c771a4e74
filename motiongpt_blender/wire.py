"""The protocol between Blender and the model process: one JSON object a line.

Requests go to the process's stdin, reports come back on its stdout. Arrays never travel on
a line: they lie in ``.npz`` files in the job's folder, and the line names the folder. A job
ends with exactly one terminal report (Result, Description, Failure or Cancelled); later reports
of that job are ignored. Both sides import this module; it needs the standard library only.
"""

from __future__ import annotations

import json
import math
import types
import typing
from dataclasses import MISSING, Field, asdict, dataclass, field, fields, is_dataclass
from typing import Any, Final, TypeAlias, TypeVar

from .core.ways.way import Way

PROTOCOL: Final = 8

#: Longer lines are refused: arrays belong in the job's folder.
MAX_LINE: Final = 1_000_000

#: The longest name of a job, and how much of a wrong value a message quotes, in characters.
MAX_NAME: Final = 100
QUOTED: Final = 80

#: The most motions that one request samples, variations times candidates.
MOST_ANSWERS: Final = 4000

#: The stage of ``Progress`` in which the model is loaded. It serves every later job too.
LOADING: Final = "load"
#: The stage in which the model puts a motion into words.
DESCRIBING: Final = "describe"

#: Names of the files in a job's folder.
POSES_FILE: Final = "poses.npz"
RESULT_FILE: Final = "clip.npz"
SKETCH_FILE: Final = "sketch_{:03}.npz"

T = TypeVar("T")


class WireError(ValueError):
    """A line that is not a message of this protocol; the text names the wrong part."""


# --- what one generation is asked for ------------------------------------------------


@dataclass(frozen=True)
class Limits:
    """The values that an option accepts, both ends included."""

    low: float
    high: float


def _option(default: Any, low: float, high: float, text: str) -> Any:
    return field(default=default, metadata={"limits": Limits(low, high), "help": text})


@dataclass(frozen=True)
class Sampling:
    """How motions are sampled. Panel, commands and measurements take the defaults from here.

    ``LIMITS`` and ``HELP`` tell the limits and the meaning of each field.
    """

    seed: int = _option(0, 0, 2**31 - 1, "the same seed gives the same result on one device")
    temperature: float = _option(0.8, 0, 10, "randomness; 0 takes the likeliest token")
    top_p: float = _option(0.95, 0, 1, "sample from the likeliest tokens of this total share")
    top_k: int = _option(0, 0, 2**31 - 1, "sample from so many of the likeliest tokens; 0 is all")
    variations: int = _option(1, 1, 1000, "number of results")
    candidates: int = _option(16, 1, 1000, "motions sampled for each result; the best is kept")
    guidance: float = _option(
        1.0, 0, 10, "strength of pose guidance, or without poses of the clip summary; 0 is off"
    )

    @property
    def answers(self) -> int:
        """Number of motions sampled: the candidates of all variations."""
        return self.variations * self.candidates

    def out_of_range(self) -> str | None:
        """One sentence about the first value outside its limits; None if there is none."""
        for option in fields(self):
            value, limits = getattr(self, option.name), LIMITS[option.name]
            if not limits.low <= value <= limits.high:
                return f"{option.name} is {value}: choose {limits.low} to {limits.high}."
        if self.answers > MOST_ANSWERS:
            return f"{self.answers} motions would be sampled: choose up to {MOST_ANSWERS}."
        return None


#: The limits of each field of ``Sampling``.
LIMITS: Final[dict[str, Limits]] = {f.name: f.metadata["limits"] for f in fields(Sampling)}
#: What each field of ``Sampling`` does, as a phrase for a user.
HELP: Final[dict[str, str]] = {f.name: f.metadata["help"] for f in fields(Sampling)}


# --- requests: Blender -> model ---------------------------------------------------


@dataclass(frozen=True)
class Generate:
    """Ask for one motion, or for several variations of it.

    Attributes:
        job: name of the job, unique in the life of the process.
        prompt: the sentence; ``core.timeline.prompts`` says which are refused.
        frames: length in frames at the model's rate (see Hello.fps).
        folder: the job's folder. If ``pose_frames`` is not empty, its ``poses.npz`` holds
            ``joints`` (K, 22, 3) in metres, y up, and may hold ``bound`` (K, 22), which joints
            of each pose count. If ``continues``, it holds ``history`` (T, 22, 3), the motion
            before.
        pose_frames: frame of each pose, ascending, 0 .. frames - 1.
        sampling: how the motion is sampled.
        continues: whether the motion continues the history.
        way: that the motion follows, in metres of the model; None for none.
    """

    job: str
    prompt: str
    frames: int
    folder: str
    pose_frames: tuple[int, ...] = ()
    sampling: Sampling = Sampling()
    continues: bool = False
    way: Way | None = None


@dataclass(frozen=True)
class Describe:
    """Ask what a motion shows; ``Description`` answers.

    Attributes:
        job: name of the job, unique in the life of the process.
        folder: the job's folder, with the motion in ``clip.npz``.
    """

    job: str
    folder: str


@dataclass(frozen=True)
class Understand:
    """Ask how a prompt is understood, before anything is generated; ``Understood`` answers.

    Of several that wait, only the last is answered: the others were typed over.
    """

    prompt: str


@dataclass(frozen=True)
class Cancel:
    """Stop that job at its next step. Its terminal report answers."""

    job: str


@dataclass(frozen=True)
class Shutdown:
    """Finish and exit. Closing stdin means the same."""


# --- reports: model -> Blender ----------------------------------------------------


@dataclass(frozen=True)
class Hello:
    """The first line of a new process, sent before anything heavy is imported.

    Attributes:
        protocol: ``PROTOCOL`` of the process.
        backend: what answers requests: ``motiongpt``, or ``fake`` in tests.
        version: version of ``ext_models``.
        pid: id of the process.
        pack: name of the model pack.
        fps: frames a second of its motions.
        max_frames: longest motion in frames.
    """

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
class Sketch:
    """What the first candidate of a motion is so far; the best, which is kept, may be another.

    Attributes:
        job: the job that is under way.
        clip: file name inside the job's folder.
    """

    job: str
    clip: str


@dataclass(frozen=True)
class Result:
    """Terminal: the motions lie in the job's folder, each with the checks of the prompt.

    Attributes:
        job: the job that ended.
        clips: file names inside the job's folder, one for each variation.
        seconds: wall time of each stage ("load", "generate", "decode").
        notes: sentences for the user, such as words of the prompt that the model never read.
        alternatives: file names of the best motions that differ from each other, best first, at
            most four; some of ``clips`` are among them.
        memory: bytes that the process holds, of the computer's and the GPU's memory; 0 if unknown.
    """

    job: str
    clips: tuple[str, ...]
    seconds: dict[str, float] = field(default_factory=lambda: {})
    notes: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    memory: int = 0


@dataclass(frozen=True)
class Description:
    """Terminal: what the motion shows.

    Attributes:
        job: the job that ended.
        sentence: as a prompt for such a motion would say it.
    """

    job: str
    sentence: str


@dataclass(frozen=True)
class Failure:
    """Terminal: one sentence of what, where and what to do.

    Attributes:
        job: the job that failed; empty if the process itself reports.
        message: the sentence for the user.
        detail: the traceback, if there is one.
    """

    job: str
    message: str
    detail: str = ""


@dataclass(frozen=True)
class Cancelled:
    """Terminal: the job was stopped as asked."""

    job: str


@dataclass(frozen=True)
class Understood:
    """How a prompt is understood. No job: it ends none.

    Attributes:
        prompt: as it was asked.
        notes: sentences for the user.
        examples: captions to try instead, where nothing like the prompt is known.
    """

    prompt: str
    notes: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


Task: TypeAlias = Generate | Describe
Request: TypeAlias = Task | Understand | Cancel | Shutdown
Report: TypeAlias = (
    Hello | Progress | Sketch | Result | Description | Failure | Cancelled | Understood
)
Message: TypeAlias = Request | Report

TERMINAL: Final = (Result, Description, Failure, Cancelled)

_KINDS: Final[dict[str, type[Message]]] = {
    kind.__name__: kind for kind in (*typing.get_args(Request), *typing.get_args(Report))
}


def encode(message: Message) -> str:
    """One line, newline included; raises WireError for NaN, infinity and overlong lines."""
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
        raise WireError(f"a line is not JSON: {line[:QUOTED]!r}.") from None
    if not isinstance(body, dict):
        raise WireError(f"a line is not a JSON object: {line[:QUOTED]!r}.")
    values = typing.cast("dict[str, Any]", body)
    name = values.pop("type", None)
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise WireError(f"unknown message type {name!r:.{QUOTED}}.")
    message = _build(kind, values, kind.__name__)
    if len(getattr(message, "job", "")) > MAX_NAME:
        raise WireError(f"{kind.__name__}.job is longer than {MAX_NAME} characters.")
    return message


def _build(kind: type[T], values: dict[str, Any], where: str) -> T:
    """A dataclass of JSON values; unknown, missing and mistyped fields are refused."""
    known = {f.name: f for f in fields(typing.cast("Any", kind))}
    if unknown := sorted(set(values) - set(known)):
        raise WireError(f"{where} has no field {unknown[0]!r:.{QUOTED}}.")
    if missing := [n for n, f in known.items() if n not in values and _required(f)]:
        raise WireError(f"{where} is incomplete: the field {missing[0]!r} is missing.")
    hints = typing.get_type_hints(kind)
    return kind(**{n: _convert(v, hints[n], f"{where}.{n}") for n, v in values.items()})


def _required(of: Field[Any]) -> bool:
    return of.default is MISSING and of.default_factory is MISSING


def _convert(value: Any, hint: Any, where: str) -> Any:
    """One JSON value as the type of a field's annotation; True is no integer."""
    origin = typing.get_origin(hint)
    if origin is types.UnionType:  # a field that may be None
        wanted = next(kind for kind in typing.get_args(hint) if kind is not type(None))
        return None if value is None else _convert(value, wanted, where)
    if origin is tuple and isinstance(value, list):
        item = typing.get_args(hint)[0]
        return tuple(_convert(v, item, where) for v in typing.cast("list[Any]", value))
    if origin is dict and isinstance(value, dict):
        item = typing.get_args(hint)[1]
        pairs = typing.cast("dict[str, Any]", value)
        return {k: _convert(v, item, where) for k, v in pairs.items()}
    if is_dataclass(hint) and isinstance(value, dict):
        return _build(typing.cast("type[Any]", hint), typing.cast("dict[str, Any]", value), where)
    if hint is float and type(value) in (int, float):
        return _number(value, where)
    if origin is None and type(value) is hint:
        return value
    raise WireError(f"{where} has the wrong type ({type(value).__name__}).")


def _number(value: float, where: str) -> float:
    """A finite float; Python's JSON also reads NaN, infinity and integers of any length."""
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise WireError(f"{where} is not a finite number.")
    return number

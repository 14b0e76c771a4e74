"""Pose tasks: how near a motion comes to the poses that it should pass through.

The errors are the paper's Recon and Vel (distances of joints in cm and cm a frame), but at the
given frame and before the final correction on the rig. Poses are the clip's own, or those of
another clip, which the text says nothing about. The floor is the tokenizer's own error for the
same poses: the best that the model can reach. The text alone is the other end of the scale.

The model is measured twice: with the poses in its prompt only, and with pose guidance besides,
as in the add-on. The candidate with the best score counts, which helps by itself; so the text
alone is measured twice, too: as the add-on ranks it without poses, and by its nearest candidate.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ext_models.datasets.examples import Example
from ext_models.generation.pipeline import MotionPipeline
from ext_models.generation.request import GenerationRequest, PoseCondition
from ext_models.language.vocabulary import Skill
from ext_models.motion import features
from ext_models.motion.planar import planar_offset, planar_poses
from motiongpt_blender.core.body.rotations import wrap_angle
from motiongpt_blender.wire import Sampling

from .baselines import reconstruct, text_request
from .clip_maker import ClipMaker
from .eval_set import EvalSet
from .metrics import mean_and_half, pose_recon, pose_velocity
from .tables import Row, Table, Value

Array = NDArray[np.floating]
Rebuild = Callable[[NDArray[np.float32]], NDArray[np.float32]]

#: Poses of the task ``keys``.
KEYS: Final = 3
#: Bootstrap resamples for the interval of a ratio.
RESAMPLES: Final = 1000
#: Whose poses are given.
OWN, OTHER = "own poses", "another clip's poses"
#: How the poses reach the model, and the strength of the guidance.
ALONE, GUIDED = "model alone", "guided"
STRENGTHS: Final = {ALONE: 0.0, GUIDED: Sampling().guidance}
RATIO: Final = "(with - floor) / (text - floor)"
#: The text's own candidates, ranked by the poses.
NEAREST: Final = "text only, nearest candidate"
FAIR: Final = "(with - floor) / (nearest candidate - floor)"


@dataclass(frozen=True)
class PoseTask:
    """Poses asked of one clip.

    Attributes:
        frames: of the clip that is made, ascending.
        source: joints (T', 22, 3) of the clip that the poses are from.
        taken: its frames, one for each asked one.
        placed: whether where they stand is asked for as well.
    """

    frames: tuple[int, ...]
    source: NDArray[np.float32]
    taken: tuple[int, ...]
    placed: bool = False

    @property
    def poses(self) -> tuple[PoseCondition, ...]:
        """What the model is given."""
        return tuple(
            PoseCondition(f, self.source[g], self.placed)
            for f, g in zip(self.frames, self.taken, strict=True)
        )


@dataclass(frozen=True)
class PoseErrors:
    """Errors (N,) of one task over the clips, in cm (Recon) and cm a frame (Vel).

    Attributes:
        task: initial, last or keys.
        whose: ``OWN`` or ``OTHER``.
        how: ``ALONE`` or ``GUIDED``.
        given: Recon and Vel (N, 2) with the poses.
        text: the same with the text only.
        nearest: the same of that text's candidate nearest to the poses.
        floor: the same of the tokenizer alone.
    """

    task: str
    whose: str
    how: str
    given: Array
    text: Array
    nearest: Array
    floor: Array

    def row(self, seed: int) -> Row:
        """One line of the table."""
        values: dict[str, Value] = {}
        for column, name in enumerate(("Recon", "Vel")):
            given, text, floor = (a[:, column] for a in (self.given, self.text, self.floor))
            values |= {
                f"{name} with": mean_and_half(given),
                f"{name} text only": mean_and_half(text),
                f"{name} floor": mean_and_half(floor),
                f"{name} {RATIO}": ratio(given - floor, text - floor, seed),
            }
        given, near, floor = (a[:, 0] for a in (self.given, self.nearest, self.floor))
        values[f"Recon {NEAREST}"] = mean_and_half(near)
        values[f"Recon {FAIR}"] = ratio(given - floor, near - floor, seed)
        return Row(f"{self.task}, {self.whose}, {self.how}", values)


def pose_errors(eval_set: EvalSet, maker: ClipMaker) -> list[PoseErrors]:
    """All pose tasks, with the poses of the clip and with those of another."""
    texts = [text_request(eval_set, i, 0) for i in range(len(eval_set.clips))]
    text = maker.make(texts, "text")
    tasks = [
        (name, whose, [_task(eval_set, e, name, whose) for e in eval_set.clips])
        for whose in (OWN, OTHER)
        for name in ("initial", "last", "keys")
    ]
    rebuilt = _cached(lambda joints: reconstruct(eval_set.pipeline, joints))
    floors = [_floors(eval_set.pipeline, asked, rebuilt) for _, _, asked in tasks]
    near = [
        _errors(maker.nearest(texts, [t.poses for t in asked], "text"), asked)
        for _, _, asked in tasks
    ]
    errors: list[PoseErrors] = []
    for how in conditioning_modes(eval_set.pipeline):
        requests = [
            _with_poses(eval_set, index, task, how)
            for _, _, asked in tasks
            for index, task in enumerate(asked)
        ]
        motions = maker.make(requests, f"poses, {how}")
        for place, (name, whose, asked) in enumerate(tasks):
            given = motions[place * len(asked) : (place + 1) * len(asked)]
            errors.append(
                PoseErrors(
                    name,
                    whose,
                    how,
                    _errors(given, asked),
                    _errors(text, asked),
                    near[place],
                    floors[place],
                )
            )
    return errors


def conditioning_modes(pipeline: MotionPipeline) -> tuple[str, ...]:
    """How poses can reach the model of a pack."""
    return (ALONE, GUIDED) if pipeline.manifest.prompt_style == "tokens" else (ALONE,)


def pose_table(eval_set: EvalSet, errors: Sequence[PoseErrors]) -> Table:
    """The pose tasks as a table; cm, and cm a frame."""
    rows = tuple(e.row(eval_set.number("ratio")) for e in errors)
    return Table(f"{len(eval_set.clips)} clips: cm, cm/frame", rows)


def place_errors(eval_set: EvalSet, maker: ClipMaker) -> dict[str, tuple[Array, Array]]:
    """Where the last pose comes to stand: errors with poses and with the text only.

    The first and the last pose are given, the last with its place. Errors are (N, 2): metres
    and degrees, as seen from the first frame; by whose poses they are and how they are given. A
    pack without place tokens can still be guided to places.
    """
    has_places = Skill.PLACES.value in eval_set.pipeline.manifest.skills
    hows = [how for how in conditioning_modes(eval_set.pipeline) if has_places or how is GUIDED]
    if not hows:
        return {}
    text = maker.make([text_request(eval_set, i, 0) for i in range(len(eval_set.clips))], "text")
    errors: dict[str, tuple[Array, Array]] = {}
    for how, whose in itertools.product(hows, (OWN, OTHER)):
        tasks = [_ends(e.joints, _source(eval_set, e, whose)) for e in eval_set.clips]
        requests = [_with_poses(eval_set, i, task, how) for i, task in enumerate(tasks)]
        given = maker.make(requests, f"places, {whose}, {how}")
        errors[f"{whose}, {how}"] = (
            np.array([_misplaced(m, t.source) for m, t in zip(given, tasks, strict=True)]),
            np.array([_misplaced(m, t.source) for m, t in zip(text, tasks, strict=True)]),
        )
    return errors


def place_table(eval_set: EvalSet, errors: dict[str, tuple[Array, Array]]) -> Table:
    """Place errors as a table."""
    rows: list[Row] = []
    for whose, (given, text) in errors.items():
        values: dict[str, Value] = {}
        for column, unit in enumerate(("m", "degrees")):
            values |= {
                f"{unit}, with": mean_and_half(given[:, column]),
                f"{unit}, text only": mean_and_half(text[:, column]),
                f"{unit}, with / text": ratio(
                    given[:, column], text[:, column], eval_set.number("ratio")
                ),
            }
        rows.append(Row(f"end pose, {whose}", values))
    return Table(f"{len(eval_set.clips)} clips: place", tuple(rows))


def key_frames(count: int, seed: int) -> dict[str, tuple[int, ...]]:
    """The frames that each task asks for, in a clip of so many frames."""
    inner = np.random.default_rng(seed).choice(np.arange(1, count - 1), KEYS, replace=False)
    return {
        "initial": (0,),
        "last": (count - 1,),
        "keys": tuple(int(f) for f in sorted(inner)),
    }


def ratio(above: Array, below: Array, seed: int) -> tuple[float, float]:
    """Ratio of two means over the same clips (N,), and half its interval, by resampling clips."""
    draws = np.random.default_rng(seed).integers(len(above), size=(RESAMPLES, len(above)))
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = above[draws].mean(axis=1) / below[draws].mean(axis=1)
        whole = float(above.mean() / below.mean())
    low, high = np.percentile(drawn[np.isfinite(drawn)], (2.5, 97.5))
    return whole, float(high - low) / 2


def _source(eval_set: EvalSet, example: Example, whose: str) -> NDArray[np.float32]:
    return example.joints if whose == OWN else eval_set.other(example).joints


def _task(eval_set: EvalSet, example: Example, name: str, whose: str) -> PoseTask:
    count = len(example.joints)
    frames = key_frames(count, eval_set.number("keys", example.id))[name]
    source = _source(eval_set, example, whose)
    stretch = (len(source) - 1) / (count - 1)
    return PoseTask(frames, source, tuple(round(f * stretch) for f in frames))


def _ends(joints: Array, source: NDArray[np.float32]) -> PoseTask:
    return PoseTask((0, len(joints) - 1), source, (0, len(source) - 1), placed=True)


def _with_poses(eval_set: EvalSet, index: int, task: PoseTask, how: str) -> GenerationRequest:
    """What is asked by caption and poses; the draws are those of the text's first sample."""
    request = text_request(eval_set, index, 0)
    sampling = replace(request.sampling, guidance=STRENGTHS[how])
    return replace(request, poses=task.poses, sampling=sampling)


def _errors(motions: Sequence[Array], tasks: Sequence[PoseTask]) -> Array:
    """Recon and Vel (N, 2) of motions against their tasks' poses."""
    return np.array([_error(m, t) for m, t in zip(motions, tasks, strict=True)])


def _error(motion: Array, task: PoseTask) -> tuple[float, float]:
    """Recon and Vel of a motion against a task's poses."""
    pairs = list(zip(task.frames, task.taken, strict=True))
    recon = [pose_recon(motion[f], task.source[g]) for f, g in pairs]
    velocity = [pose_velocity(_steps(motion, f), _steps(task.source, g)) for f, g in pairs]
    return float(np.mean(recon)), float(np.mean(velocity))


def _steps(motion: Array, frame: int) -> Array:
    """The two frames (2, J, 3) of the step to a frame; of the first one, from it."""
    before = max(frame - 1, 0)
    return motion[before : before + 2]


def _floors(pipeline: MotionPipeline, tasks: Sequence[PoseTask], rebuilt: Rebuild) -> Array:
    """Recon and Vel (N, 2) of the tokenizer: of the poses alone, and of their clips."""
    taken = np.concatenate([t.source[list(t.taken)] for t in tasks])
    codes = pipeline.tokenizer.encode_poses(taken, pipeline.manifest.levels)
    again = pipeline.tokenizer.decode_poses(codes)
    truth = features.to_joints(features.from_poses(taken)[:, None])[:, 0]
    single = [pose_recon(a, b) for a, b in zip(again, truth, strict=True)]
    bounds = np.cumsum([len(t.taken) for t in tasks])[:-1]
    recon = [float(part.mean()) for part in np.split(np.array(single), bounds)]
    velocity = [
        float(
            np.mean(
                [pose_velocity(_steps(rebuilt(t.source), g), _steps(t.source, g)) for g in t.taken]
            )
        )
        for t in tasks
    ]
    return np.column_stack([recon, velocity])


def _cached(make: Rebuild) -> Rebuild:
    """The same function, called once for each array."""
    cache: dict[int, NDArray[np.float32]] = {}

    def cached(joints: NDArray[np.float32]) -> NDArray[np.float32]:
        if id(joints) not in cache:
            cache[id(joints)] = make(joints)
        return cache[id(joints)]

    return cached


def _misplaced(motion: Array, source: Array) -> tuple[float, float]:
    """Metres and degrees that the end of a motion stands off, as seen from its start."""
    came = planar_offset(*planar_poses(motion[[0, -1]]))
    asked = planar_offset(*planar_poses(source[[0, -1]]))
    turn = wrap_angle(came[2] - asked[2])
    return float(np.hypot(*(came[:2] - asked[:2]))), float(abs(np.degrees(turn)))

"""The paper's two tables: the quality of the motion, and its distance from given poses.

They are measured as published: each repeat has a new order of the test split, one caption a clip,
pools of 32 neighbours and motions of its own; intervals are over the repeats. Poses are given as
codes of the clip itself. Recon is the distance of poses in cm with place and heading removed, Vel
that of their velocities; a key is compared with the nearest pose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from ext_models.datasets.clip_vectors import vectors_of
from ext_models.datasets.examples import Example
from ext_models.evaluation import metrics
from ext_models.evaluation.tables import Row, Table, Value
from ext_models.generation.generators import CodeRequest, MotionGenerator
from ext_models.generation.sampling import Sampling
from ext_models.language.instructions import PoseCode
from ext_models.language.paper.instructions import Task
from ext_models.motion.features import to_joints
from ext_models.motion.representations import Representation
from ext_models.packs import PackError
from ext_models.recipes.paper_settings import PaperEvalSettings
from ext_models.tokenizer.vqvae import VQVAE

from .guo_evaluator import GuoEvaluator

Array = NDArray[np.float32]

POOL: Final = 32
REAL: Final = "real motion"
RECONSTRUCTION: Final = "its tokenizer"
ROWS: Final = {
    Task.TEXT: "text",
    Task.INITIAL: "text + initial pose",
    Task.LAST: "text + last pose",
    Task.KEYS: "text + key poses",
}
#: FID, MM-Dist and Diversity of the paper's 13B model on the test split.
PUBLISHED: Final = {
    "humanml3d_263": {
        Task.TEXT: (0.567, 3.775, 9.006),
        Task.INITIAL: (0.520, 3.844, 9.588),
        Task.LAST: (0.591, 3.718, 9.251),
        Task.KEYS: (0.367, 3.598, 9.176),
    },
    "kit_251": {
        Task.TEXT: (0.597, 3.394, 10.54),
        Task.INITIAL: (0.664, 3.445, 10.39),
        Task.LAST: (0.856, 3.336, 10.58),
        Task.KEYS: (0.671, 3.411, 10.76),
    },
}


@dataclass(frozen=True)
class Clip:
    """One test clip: features (T, C) in whole steps, its codes, captions and their words."""

    x: Array
    codes: tuple[int, ...]
    captions: tuple[str, ...]
    tokens: tuple[str, ...]


@dataclass
class Scores:
    """Numbers of one method, one each repeat."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, **values: float) -> None:
        """The numbers of one repeat."""
        for name, value in values.items():
            self.values.setdefault(name, []).append(value)

    def row(self, method: str, evaluator: str) -> Row:
        """Means and intervals."""
        found: dict[str, Value] = {}
        for name, numbers in self.values.items():
            mean = metrics.interval(numbers)
            found[_TITLES.get(name, name)] = (mean.mean, mean.half)
        return Row(method, found, evaluator)


_TITLES: Final = {
    "r1": "R@1", "r2": "R@2", "r3": "R@3", "fid": "FID", "mm_dist": "MM-Dist",
    "diversity": "Diversity", "multimodality": "MultiModality",
    "recon": "Recon, cm", "velocity": "Vel, cm/frame",
}  # fmt: skip


class PaperEvaluation:
    """The published measurement of a pack of the style ``paper``."""

    def __init__(
        self,
        tokenizer: VQVAE,
        generator: MotionGenerator,
        evaluator: GuoEvaluator,
        rep: Representation,
        settings: PaperEvalSettings,
    ) -> None:
        self.tokenizer, self.generator, self.evaluator = tokenizer, generator, evaluator
        self.rep, self.settings = rep, settings
        self.tasks = [t for t in Task if t.name.lower() in settings.tasks]

    def tables(self, examples: Sequence[Example]) -> list[Table]:
        """Both tables of the test clips, and the published numbers."""
        clips = self._clips(examples)
        quality: dict[str, Scores] = {}
        poses: dict[str, Scores] = {}
        for repeat in range(self.settings.repeats):
            self._repeat(clips, repeat, quality, poses)
        if all(self.settings.multimodality):
            spread = self._multimodality(clips)
            if spread is not None and ROWS[Task.TEXT] in quality:
                quality[ROWS[Task.TEXT]].add(multimodality=spread)
        repeats = f"{self.settings.repeats} repeats"
        first = Table(
            f"{len(clips)} clips, {repeats}",
            tuple(m.row(name, self.evaluator.name) for name, m in quality.items()),
        )
        second = Table(
            f"pose tasks, {repeats}", tuple(m.row(name, "") for name, m in poses.items())
        )
        return [first, second, published(self.rep)]

    def _clips(self, examples: Sequence[Example]) -> list[Clip]:
        clips: list[Clip] = []
        stride = self.tokenizer.config.stride
        for example in examples[: self.settings.clips or None]:
            x = vectors_of(example)
            x = x[: len(x) // stride * stride]
            if len(x) >= 2 * stride and example.tokens:
                clips.append(Clip(x, self._encode(x), example.captions, example.tokens))
        if len(clips) < POOL:
            raise PackError(
                f"R-precision needs pools of {POOL} clips; the test split has {len(clips)} with "
                "captions and their words."
            )
        return clips

    @torch.no_grad()
    def _encode(self, x: Array) -> tuple[int, ...]:
        device = self.tokenizer.mean.device
        return tuple(self.tokenizer.encode(torch.from_numpy(x)[None].to(device))[0, :, 0].tolist())

    @torch.no_grad()
    def _decode(self, codes: Sequence[int]) -> Array:
        steps = torch.tensor(list(codes), device=self.tokenizer.mean.device)[None, :, None]
        return self.tokenizer.decode(steps)[0].cpu().numpy()

    def _repeat(
        self,
        clips: Sequence[Clip],
        repeat: int,
        quality: dict[str, Scores],
        poses: dict[str, Scores],
    ) -> None:
        """One measurement of every row."""
        rng = np.random.default_rng((self.settings.seed, repeat))
        order = [clips[k] for k in rng.permutation(len(clips))]
        chosen = [int(rng.integers(len(c.tokens))) for c in order]
        captions = [c.captions[k] for c, k in zip(order, chosen, strict=True)]
        text = self.evaluator.embed_text([c.tokens[k] for c, k in zip(order, chosen, strict=True)])
        real = self.evaluator.embed_motion([c.x for c in order])

        def score(name: str, motions: Sequence[Array]) -> None:
            points = self.evaluator.embed_motion(motions)
            r1, r2, r3 = metrics.r_precision(text, points, POOL)
            quality.setdefault(name, Scores()).add(
                r1=r1, r2=r2, r3=r3,
                fid=metrics.frechet_distance(points, real),
                mm_dist=metrics.mm_dist(text, points),
                diversity=metrics.diversity(points, seed=repeat),
            )  # fmt: skip

        score(REAL, [c.x for c in order])
        score(RECONSTRUCTION, [self._decode(c.codes) for c in order])
        given = {
            task: [_given(task, c.codes, rng) for c in order]
            for task in (Task.INITIAL, Task.LAST, Task.KEYS)
        }
        made: dict[Task, list[Array]] = {}
        for task in self.tasks:
            steps = given.get(task) or [() for _ in order]
            made[task] = self._make(task, order, captions, steps, repeat)
            score(ROWS[task], made[task])
        for task, steps in given.items():
            for source in (Task.TEXT, task):
                if source in made and task in made:
                    name = f"{task.name.lower()}: {ROWS[source]}"
                    errors = self._pose_score(task, made[source], order, steps)
                    poses.setdefault(name, Scores()).add(recon=errors[0], velocity=errors[1])

    def _make(
        self,
        task: Task,
        clips: Sequence[Clip],
        captions: Sequence[str],
        given: Sequence[Sequence[int]],
        repeat: int,
    ) -> list[Array]:
        """Motions (T, C) that the pack makes of captions and codes at given steps."""
        own = self.settings.length == "own"
        orders = [
            CodeRequest(
                caption,
                self.settings.longest if own else len(clip.codes),
                tuple(PoseCode(step, (clip.codes[step],)) for step in steps),
                self._sampling(repeat, place),
                least=1 if own else 0,
                task=task,
            )
            for place, (clip, caption, steps) in enumerate(zip(clips, captions, given, strict=True))
        ]
        return [self._decode(codes) for codes in self._write(orders, ROWS[task])]

    def _write(self, orders: Sequence[CodeRequest], what: str) -> list[list[int]]:
        """One answer for each order, in batches."""
        answers: list[list[int]] = []
        with tqdm(total=len(orders), desc=what, unit="clip", leave=False) as bar:
            for start in range(0, len(orders), self.settings.batch):
                part = orders[start : start + self.settings.batch]
                answered = self.generator.generate(part, lambda _: None, lambda: False)
                # Where the model answers nothing, one code stands for the motion.
                answers += [[step[0] for step in answer.codes] or [0] for answer in answered]
                bar.update(len(part))
        return answers

    def _multimodality(self, clips: Sequence[Clip]) -> float | None:
        """Mean distance of motions of one text; None when there is one motion of each."""
        texts, samples = self.settings.multimodality
        if samples < 2 or Task.TEXT not in self.tasks:
            return None
        rng = np.random.default_rng((self.settings.seed, 10**6))
        chosen = [clips[k] for k in rng.permutation(len(clips))[:texts]]
        many = [clip for clip in chosen for _ in range(samples)]
        captions = [clip.captions[0] for clip in many]
        motions = self._make(Task.TEXT, many, captions, [() for _ in many], 10**6)
        points = self.evaluator.embed_motion(motions).reshape(len(chosen), samples, -1)
        return metrics.multimodality(points, seed=self.settings.seed)

    def _sampling(self, repeat: int, place: int) -> Sampling:
        seed = (self.settings.seed * 1_000_003 + repeat * 10_007 + place) % 2**31
        return Sampling(
            seed, self.settings.temperature, top_p=1.0, top_k=self.settings.top_k, candidates=1
        )

    def _pose_score(
        self,
        task: Task,
        motions: Sequence[Array],
        clips: Sequence[Clip],
        given: Sequence[Sequence[int]],
    ) -> tuple[float, float]:
        """Recon and Vel, means over the clips."""
        scores = [
            pose_errors(task, self._joints(x), self._joints(clip.x), self._frames(steps))
            for x, clip, steps in zip(motions, clips, given, strict=True)
        ]
        recon, velocity = np.mean(scores, axis=0)
        return float(recon), float(velocity)

    def _joints(self, x: Array) -> Array:
        """Joints (T, J, 3) in metres."""
        return to_joints(x, self.rep) * self.rep.unit

    def _frames(self, steps: Sequence[int]) -> list[int]:
        return [step * self.tokenizer.config.stride for step in steps]


def _given(task: Task, codes: Sequence[int], rng: np.random.Generator) -> tuple[int, ...]:
    """The code steps that a task gives."""
    if task is Task.INITIAL:
        return (0,)
    if task is Task.LAST:
        return (len(codes) - 1,)
    wanted = min(int(rng.integers(3, 6)), len(codes))
    return tuple(sorted(int(s) for s in rng.choice(len(codes), wanted, replace=False)))


def pose_errors(
    task: Task, generated: Array, real: Array, frames: Sequence[int]
) -> tuple[float, float]:
    """Recon in cm and Vel in cm a frame of a motion (T, J, 3) against a real one (T', J, 3)."""
    if task is Task.INITIAL:
        pairs = [(0, 0)]
    elif task is Task.LAST:
        pairs = [(len(generated) - 1, len(real) - 1)]
    else:
        pairs = [(_nearest(generated, real[frame]), frame) for frame in frames]
    recon = [metrics.pose_recon(generated[a], real[b]) for a, b in pairs]
    moving = [metrics.pose_velocity(_around(generated, a), _around(real, b)) for a, b in pairs]
    return float(np.mean(recon)), float(np.mean(moving))


def _nearest(generated: Array, pose: Array) -> int:
    gap = metrics.local_pose(generated) - metrics.local_pose(pose)
    return int(np.linalg.norm(gap, axis=-1).mean(axis=-1).argmin())


def _around(motion: Array, frame: int) -> Array:
    """The frame and the next one; at the end, the one before it."""
    start = min(frame, len(motion) - 2)
    return motion[start : start + 2]


def published(rep: Representation) -> Table:
    """The paper's own numbers for a data set."""
    names: Sequence[str] = ("FID", "MM-Dist", "Diversity")
    rows = tuple(
        Row(ROWS[task], dict(zip(names, values, strict=True)))
        for task, values in PUBLISHED[rep.name].items()
    )
    return Table("as published (13B)", rows)

"""Speed of whole requests: text in, joints out, beside the sizes of other models.

Every row makes motion of one length. Rows take turns, so that what else the machine does meets all
of them, and the median counts. The first row is a request as the panel makes it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import torch

from ext_models.devices import suitable_threads
from ext_models.evaluation.tables import Row, Table
from ext_models.generation.generators import TokenGenerator
from ext_models.generation.pipeline import MotionPipeline, silent
from ext_models.generation.request import GenerationRequest
from motiongpt_blender.wire import Sampling

from .bench import PROMPT
from .rival_networks import Mdm, MoMask

REQUEST: Final = "a request, {} candidates"
#: Bytes that are read to find how fast memory is.
READ_BYTES: Final = 256 * 2**20


@dataclass
class Work:
    """One row: what is timed, and what it took.

    Attributes:
        name: as the table names it.
        motions: how many it makes.
        run: makes them once; returns the seconds of its stages.
        seconds: of each round.
        stages: seconds of each round's stages.
    """

    name: str
    motions: int
    run: Callable[[], dict[str, float]]
    seconds: list[float] = field(default_factory=list[float])
    stages: list[dict[str, float]] = field(default_factory=list[dict[str, float]])

    @property
    def median(self) -> float:
        """Seconds."""
        return statistics.median(self.seconds)


def requests(pipeline: MotionPipeline, frames: int, candidates: int, device: str) -> list[Work]:
    """The pack's own requests first, then the networks of other models."""
    mdm, momask = Mdm().to(device).eval(), MoMask().to(device).eval()
    asked = GenerationRequest(PROMPT, frames, sampling=Sampling(candidates=candidates))

    def own(request: GenerationRequest) -> Callable[[], dict[str, float]]:
        return lambda: pipeline.generate(request, *silent()).seconds

    def rival(network: Mdm | MoMask, motions: int) -> Callable[[], dict[str, float]]:
        def run() -> dict[str, float]:
            with suitable_threads(pipeline.generator.model):
                network.generate(frames, motions)
            return {}

        return run

    one = replace(asked, sampling=replace(asked.sampling, candidates=1))
    four = replace(asked, sampling=replace(asked.sampling, variations=4))
    return [
        Work(REQUEST.format(candidates), candidates, own(asked)),
        Work("a request, one candidate", 1, own(one)),
        Work(f"four variations of {candidates} candidates", 4 * candidates, own(four)),
        Work("MDM's size, 50 steps, one motion", 1, rival(mdm, 1)),
        Work(f"MDM's size, 50 steps, {candidates} motions", candidates, rival(mdm, candidates)),
        Work("MoMask's size, 10 + 5 passes, one motion", 1, rival(momask, 1)),
        Work(
            f"MoMask's size, 10 + 5 passes, {candidates} motions",
            candidates,
            rival(momask, candidates),
        ),
    ]


def time_in_turns(works: Sequence[Work], rounds: int, device: str) -> None:
    """Run all rows once to warm up, then each once in every round."""
    for number in range(rounds + 1):
        for work in works:
            start = time.perf_counter()
            stages = work.run()
            if device == "cuda":
                torch.cuda.synchronize()
            if number:
                work.seconds.append(time.perf_counter() - start)
                work.stages.append(stages)


def table(title: str, works: Sequence[Work]) -> Table:
    """Seconds, seconds a motion and their ratio to the first row."""
    first = works[0].median
    rows: list[Row] = []
    for work in works:
        rows.append(
            Row(
                work.name,
                {
                    "s": work.median,
                    "ratio to the first": work.median / first,
                    "s a motion": work.median / work.motions,
                },
            )
        )
        names = work.stages[0] if work is works[0] and work.stages else {}
        for stage in names:
            spent = statistics.median(stages[stage] for stages in work.stages)
            rows.append(Row(f"- of it: {stage}", {"s": spent, "ratio to the first": spent / first}))
    return Table(title, tuple(rows))


def bytes_a_second(rounds: int) -> float:
    """How fast one thread reads memory: the best of some rounds."""
    numbers = torch.ones(READ_BYTES // 4)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        best = float("inf")
        for _ in range(rounds + 1):
            start = time.perf_counter()
            numbers.sum()
            best = min(best, time.perf_counter() - start)
    finally:
        torch.set_num_threads(threads)
    return READ_BYTES / best


def floor_seconds(generator: TokenGenerator, steps: int, rate: float) -> float:
    """Seconds in which memory alone can serve an answer: all weights are read for each token.

    Args:
        generator: the pack's language model.
        steps: code steps of the answer.
        rate: bytes a second, of ``bytes_a_second``.
    """
    weights = sum(p.numel() * p.element_size() for p in generator.model.parameters())
    return generator.ids.vocabulary.tokens_of(steps) * weights / rate

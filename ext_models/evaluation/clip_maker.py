"""Generates the motions of an evaluation in batches, and caches their codes on disk.

The cache is a file of JSON lines, appended after each batch, so that a killed evaluation resumes
where it was. The file belongs to one state of the pack's weights.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ext_models.generation.candidate_score import pose_error
from ext_models.generation.pipeline import MotionPipeline
from ext_models.generation.request import GenerationRequest, PoseCondition
from ext_models.language.vocabulary import GeneratedCodes
from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.core.packs.manifest import CARD

Array = NDArray[np.float32]

#: Motions in one batch, all candidates counted.
BATCH: Final = 112


class ClipMaker:
    """Answers requests in batches, with a cache on disk."""

    def __init__(self, pipeline: MotionPipeline, cache: Path, batch: int = BATCH) -> None:
        """Read the cache.

        Args:
            pipeline: of the pack.
            cache: file of this pack alone.
            batch: motions in one batch, all candidates counted.
        """
        self.pipeline = pipeline
        self.cache = cache
        self.batch = batch
        self._answers = _read(cache)

    def make(self, requests: Sequence[GenerationRequest], name: str) -> list[Array]:
        """Motion (T, 22, 3) for each request of one variation, before any correction.

        Args:
            requests: in any order.
            name: shown beside the progress bar.
        """
        self._generate(requests, name)
        return [self.pipeline.select(self._answers[key(r)], r).clips[0].joints for r in requests]

    def nearest(
        self,
        requests: Sequence[GenerationRequest],
        poses: Sequence[tuple[PoseCondition, ...]],
        name: str,
    ) -> list[Array]:
        """For each request, the candidate nearest to poses that the model was not given.

        This measures what ranking candidates gains by itself.
        """
        found: list[Array] = []
        for clips, request, asked in zip(
            self.candidates(requests, name), requests, poses, strict=True
        ):
            posed = replace(request, poses=asked)
            errors = [pose_error(clip, posed) for clip in clips]
            found.append(clips[int(np.argmin(errors))].joints)
        return found

    def candidates(
        self, requests: Sequence[GenerationRequest], name: str
    ) -> list[list[MotionClip]]:
        """All candidates of each request."""
        self._generate(requests, name)
        return [[self.pipeline.clip(a.codes, r) for a in self._answers[key(r)]] for r in requests]

    def _generate(self, requests: Sequence[GenerationRequest], name: str) -> None:
        """Generate what the cache lacks, requests of similar length together."""
        missing = {key(r): r for r in requests if key(r) not in self._answers}
        size = max(1, self.batch // max((r.sampling.answers for r in missing.values()), default=1))
        ordered = sorted(missing.items(), key=lambda item: (item[1].frames, len(item[1].poses)))
        if not ordered:
            return
        self.cache.parent.mkdir(parents=True, exist_ok=True)
        with tqdm(
            total=len(requests), initial=len(requests) - len(ordered), desc=name, unit="clip"
        ) as bar:
            for start in range(0, len(ordered), size):
                batch = ordered[start : start + size]
                answers = self.pipeline.generate_batch([r for _, r in batch])
                lines = []
                for (name_of, _), kept_codes in zip(batch, answers, strict=True):
                    self._answers[name_of] = kept_codes
                    kept = [asdict(answer) for answer in kept_codes]
                    lines.append(json.dumps({"key": name_of, "answers": kept}))
                with self.cache.open("a", encoding="utf-8") as file:
                    file.write("".join(line + "\n" for line in lines))
                bar.update(len(batch))


def key(request: GenerationRequest) -> str:
    """Names a request: the same one gets the same clip from the same pack."""
    poses = [
        (
            p.frame,
            p.placed,
            None if p.bound is None else p.bound.tolist(),
            _hash(p.joints),
        )
        for p in request.poses
    ]
    before = None if request.history is None else _hash(request.history)
    asked = [request.prompt, request.frames, asdict(request.sampling), poses, before]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:24]


def _hash(joints: Array) -> str:
    return hashlib.sha256(np.round(joints, 4).tobytes()).hexdigest()


def pack_hash(folder: Path) -> str:
    """Names the state of a pack by all that its motions come from."""
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if path.name != CARD:
            total.update(path.relative_to(folder).as_posix().encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]


def _read(cache: Path) -> dict[str, list[GeneratedCodes]]:
    """What a cache holds; a line that a kill cut short is left out."""
    if not cache.is_file():
        return {}
    text = cache.read_text(encoding="utf-8")
    if text and not text.endswith("\n"):
        text = text[: text.rfind("\n") + 1]
        cache.write_text(text, encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    return {
        line["key"]: [GeneratedCodes(a["codes"], tuple(a["summary"])) for a in line["answers"]]
        for line in lines
    }

"""How many of a prompt's actions come, generated action by action and as a whole.

Of each prompt of the list ``then`` the take is measured that the panel would show:

    python -m tests.support.measure.actions --pack styles --every 2
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Sequence

import numpy as np

from ext_models import packs
from ext_models.evaluation.prompts.prompt_lists import Prompt, read_prompts, shipped_lists
from ext_models.generation.pipeline import MotionPipeline
from ext_models.generation.request import GenerationRequest
from ext_models.generation.timed_actions import TimedAction
from ext_models.motion.motion_metrics import local_pose
from ext_models.prompt_checks.grammar import read_checks
from ext_models.prompt_checks.measuring import measure
from motiongpt_blender.core.body.motion import MODEL_FPS
from motiongpt_blender.wire import Sampling

#: Frames on both sides of a seam that are looked at.
BESIDE = 3


class WholePipeline(MotionPipeline):
    """Generates every prompt as a whole."""

    def actions(self, request: GenerationRequest) -> tuple[TimedAction, ...]:
        return (TimedAction(request.prompt, 0, self._steps(request)),)


def parser() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", type=packs.named, required=True)
    parser.add_argument("--every", type=int, default=1, help="measure every n-th prompt")
    parser.add_argument("--candidates", type=int, default=16)
    return parser


def main() -> None:
    """Measure and print both ways."""
    arguments = parser().parse_args()
    prompts = read_prompts(shipped_lists()["then"]).prompts[:: arguments.every]
    for name, kind in (("action by action", MotionPipeline), ("as a whole", WholePipeline)):
        pipeline = kind.from_pack(arguments.pack, "cpu")
        print(f"{name}: {_measured(pipeline, prompts, arguments.candidates)}", flush=True)


def _measured(pipeline: MotionPipeline, prompts: Sequence[Prompt], candidates: int) -> str:
    """Shares of checks met, and the speed at the seams beside that of the whole motions."""
    every, later, seams, fast = [], [], [], []
    for prompt in prompts:
        assert prompt.seconds is not None
        request = GenerationRequest(
            prompt.text,
            min(round(prompt.seconds * MODEL_FPS), pipeline.manifest.max_frames),
            sampling=Sampling(seed=zlib.crc32(prompt.text.encode()) >> 1, candidates=candidates),
        )
        (answers,) = pipeline.generate_batch([request])
        joints = pipeline.select(answers, request).clips[0].joints
        found = measure(read_checks(", ".join(prompt.checks)), joints)
        every.append(np.mean([result.met for result in found]))
        later.append(np.mean([result.met for result in found if result.check.part]))
        speed = MODEL_FPS * np.linalg.norm(np.diff(local_pose(joints), axis=0), axis=-1).mean(-1)
        fast.append(np.percentile(speed, 95))
        for action in pipeline.actions(request)[1:]:
            at = action.first * pipeline.tokenizer.config.stride
            seams.append(speed[at - BESIDE : at + BESIDE].max())
    sentence = f"{np.mean(every):.2f} of the checks, {np.mean(later):.2f} of later parts"
    if seams:
        sentence += f"; joints {np.mean(seams):.2f} m/s at seams, p95 {np.mean(fast):.2f} m/s"
    return sentence


if __name__ == "__main__":
    main()

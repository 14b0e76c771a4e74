"""Records the sample character's takes: ``python -m tests.support.record_sample_takes``.

The demo's stances are marked on the sample character, the default pack generates, and poses and
motions are written to the add-on, where they are committed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import bpy
import numpy as np

from motiongpt_blender import paths, registration
from motiongpt_blender.backend.jobs import Job, JobQueue
from motiongpt_blender.backend.process import Launch
from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.demo.command import CommandError, exit_now, run_command
from motiongpt_blender.demo.stances import cues
from motiongpt_blender.generate.controller import load_clips
from motiongpt_blender.generate.job import request_message, write_job_folder
from motiongpt_blender.operators import sample as operators
from motiongpt_blender.operators.character import ArmatureCharacter
from motiongpt_blender.scene.sample.character import add_sample_character
from motiongpt_blender.scene.sample.sample_takes import FOLDER, POSES, SampleTakes

PROMPT: Final = "a person walks forward, stops and raises the right arm"
SECONDS: Final = 4.0
TAKES: Final = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Record; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--out", type=Path, default=FOLDER)
    options = parser.parse_args(argv)
    return run_command("record_sample_takes", lambda: _run(options.seed, options.out))


def _run(seed: int, out: Path) -> int:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    registration.register()
    wanted = cues(PROMPT, SECONDS)
    joints = np.stack([cue.joints for cue in wanted]).astype(np.float32)
    shares = tuple(cue.share for cue in wanted)
    clips = _generate(SampleTakes(PROMPT, SECONDS, shares, joints, _placeholders(seed)))
    out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out / POSES, joints=joints, shares=np.asarray(shares))
    for k, clip in enumerate(clips, 1):
        clip.save(out / f"take_{k}.npz")
        print(f"take_{k}.npz: {clip.seconds:.1f} s, {'; '.join(clip.checks) or 'no checks'}")
    return 0


def _placeholders(seed: int) -> tuple[MotionClip, ...]:
    still = np.zeros((2, 22, 3), dtype=np.float32)
    return tuple(MotionClip(still, seed=seed) for _ in range(TAKES))


def _generate(sample: SampleTakes) -> tuple[MotionClip, ...]:
    rig = add_sample_character(bpy.context)
    operators.mark_poses(rig, sample, bpy.context.scene.frame_current)
    character = ArmatureCharacter.of(rig, bpy.context.scene)
    take = operators.prepared_take(bpy.context, character, sample)
    folder, queue = write_job_folder(take), JobQueue()
    try:
        launch = Launch(Path(sys.executable), paths.ROOT, paths.DEFAULT_PACK, "cpu", fake=False)
        job = _wait(queue, queue.submit(launch, request_message(take, folder)))
        if job.result is None:
            raise CommandError(job.error)
        return load_clips(take, job.result, folder)
    finally:
        queue.shutdown(grace=0.5)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(queue: JobQueue, job: Job) -> Job:
    while not job.state.ended:
        queue.tick()
        time.sleep(0.05)
    return job


if __name__ == "__main__":
    exit_now(main())

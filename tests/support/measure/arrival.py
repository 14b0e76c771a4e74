"""How long four takes that arrive hold Blender's main thread, and what 200 take in a file.

    python -m tests.support.measure.arrival

A generated Rigify human of 706 bones, four real walks, a key every frame. The time is that of
the thread itself: a busy machine does not lengthen it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np

from motiongpt_blender import registration
from motiongpt_blender.core.body.motion import MODEL_FPS, MotionClip
from motiongpt_blender.core.timeline.plan import Plan
from motiongpt_blender.demo.command import exit_now, run_command
from motiongpt_blender.generate.take_request import PreparedTake, TakeRequest
from motiongpt_blender.operators.character import ArmatureCharacter
from motiongpt_blender.wire import Sampling
from tests.support.clips import clip
from tests.support.rigs import rigify

#: Frames of each take, at the model's rate and the scene's.
FRAMES = 61
TAKES = 4
MANY = 200


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; returns the exit status."""
    argparse.ArgumentParser(description=__doc__).parse_args(argv)
    return run_command("arrival", _run)


def _run() -> int:
    bpy.ops.wm.open_mainfile(filepath=str(rigify.rigify_file()))
    registration.register()
    scene, rig = bpy.context.scene, bpy.data.objects["rig"]
    scene.render.fps = int(MODEL_FPS)
    bare = _file_size()
    slices = np.array(_slices(rig, scene))
    print(f"{len(rig.pose.bones)} bones, {TAKES} takes of {FRAMES} frames, {len(slices)} slices:")
    print(f"longest {slices.max():.0f} ms, 99 % below {np.percentile(slices, 99):.0f} ms,")
    print(f"all {slices.sum():.0f} ms; over 30 ms: {(slices > 30).sum()}")
    each = (_file_size() - bare) / TAKES
    print(
        f"a file grows by {each / 1024:.0f} KiB a take, {MANY} takes: {MANY * each / 2**20:.0f} MiB"
    )
    return 0


def _slices(rig: bpy.types.Object, scene: bpy.types.Scene) -> list[float]:
    """Milliseconds of the main thread in each slice."""
    joints = clip("walk")
    joints = joints[np.arange(FRAMES) % len(joints)] if len(joints) < FRAMES else joints[:FRAMES]
    clips = [MotionClip(joints, MODEL_FPS, prompt="a person walks", seed=k) for k in range(TAKES)]
    request = TakeRequest("a person walks", 3.0, Sampling(), (), takes=TAKES)
    plan = Plan("a person walks", 1.0, float(FRAMES), FRAMES, ())
    prepared = PreparedTake(request, plan, (), request.fit, FRAMES, ())
    writing = ArmatureCharacter.of(rig, scene).write(clips, prepared)
    found: list[float] = []
    while True:
        began = time.thread_time()
        try:
            next(writing)
        except StopIteration:
            return [*found, 1000 * (time.thread_time() - began)]
        found.append(1000 * (time.thread_time() - began))


def _file_size() -> int:
    """Bytes of the present file, saved uncompressed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.blend"
        bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True, compress=False)
        return path.stat().st_size


if __name__ == "__main__":
    exit_now(main())

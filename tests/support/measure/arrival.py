"""How long four takes that arrive hold Blender's main thread, and what 200 take in a file.

    python -m tests.support.measure.arrival

A generated Rigify human of 706 bones, four real walks, a key every frame, several rounds. The time
is that of the thread itself, and by the clock, which a busy machine lengthens. What Blender
evaluates between two slices, as after each change of the frame, is told apart.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import bpy
import numpy as np

from motiongpt_blender import registration
from motiongpt_blender.core.body.motion import MODEL_FPS, MotionClip
from motiongpt_blender.core.timeline.plan import Plan
from motiongpt_blender.demo.command import exit_now, run_command
from motiongpt_blender.generate.take_request import PreparedTake, TakeRequest
from motiongpt_blender.operators.character import ArmatureCharacter
from motiongpt_blender.properties import armature as properties
from motiongpt_blender.scene.access import pose_bones, update_view_layer
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.wire import Sampling
from tests.support.clips import clip
from tests.support.rigs import rigify

#: Frames of each take, at the model's rate and the scene's.
FRAMES = 61
TAKES = 4
MANY = 200


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    rounds = parser.parse_args(argv).rounds
    return run_command("arrival", lambda: _run(rounds))


def _run(rounds: int) -> int:
    bpy.ops.wm.open_mainfile(filepath=str(rigify.rigify_file()))
    registration.register()
    scene, rig = bpy.context.scene, bpy.data.objects["rig"]
    scene.render.fps = int(MODEL_FPS)
    bare, size = _file_size(), 0
    describe(rig)  # as the click on Generate did
    print(f"{len(pose_bones(rig))} bones, {TAKES} takes of {FRAMES} frames")
    for number in range(1, rounds + 1):
        timed = _Timed()
        _write(timed, rig, scene)
        size = size or _file_size()
        own, evaluations = np.array(timed.slices).T, np.array(timed.evaluations).T
        print(
            f"round {number}: {len(own[0])} slices, longest {own[0].max():.0f} ms "
            f"(wall {own[1].max():.0f}), over 30 ms: {(own[0] > 30).sum()}, all "
            f"{own[0].sum():.0f} ms; Blender's own evaluations: longest {evaluations[0].max():.0f} "
            f"ms (wall {evaluations[1].max():.0f}), over 30 ms: {(evaluations[0] > 30).sum()}"
        )
        properties.of(rig).takes.discard(0)
    each = (size - bare) / TAKES
    print(
        f"a file grows by {each / 1024:.0f} KiB a take, {MANY} takes: {MANY * each / 2**20:.0f} MiB"
    )
    return 0


class _Timed:
    """Milliseconds (of the main thread itself, by the clock) of slices and evaluations."""

    def __init__(self) -> None:
        self.slices: list[tuple[float, float]] = []
        self.evaluations: list[tuple[float, float]] = []

    @contextmanager
    def into(self, times: list[tuple[float, float]]) -> Iterator[None]:
        """Time what is done within."""
        began, wall = time.thread_time(), time.perf_counter()
        yield
        times.append((1000 * (time.thread_time() - began), 1000 * (time.perf_counter() - wall)))


def _write(timed: _Timed, rig: bpy.types.Object, scene: bpy.types.Scene) -> None:
    """Write the takes. After each slice Blender evaluates what changed, as its window loop does."""
    joints = clip("walk")
    joints = joints[np.arange(FRAMES) % len(joints)] if len(joints) < FRAMES else joints[:FRAMES]
    clips = [MotionClip(joints, MODEL_FPS, prompt="a person walks", seed=k) for k in range(TAKES)]
    request = TakeRequest("a person walks", 3.0, Sampling(), (), takes=TAKES)
    plan = Plan("a person walks", 1.0, float(FRAMES), FRAMES, ())
    prepared = PreparedTake(request, plan, (), request.fit, FRAMES, ())
    writing = ArmatureCharacter.of(rig, scene).write(clips, prepared)
    ended = False
    while not ended:
        with timed.into(timed.slices):
            try:
                next(writing)
            except StopIteration:
                ended = True
        with timed.into(timed.evaluations):
            update_view_layer()


def _file_size() -> int:
    """Bytes of the present file, saved uncompressed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.blend"
        bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True, compress=False)
        return path.stat().st_size


if __name__ == "__main__":
    exit_now(main())

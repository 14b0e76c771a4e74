"""A stand-in for the model in tests of the interface. No model: a drawn walk cycle.

Deterministic, numpy only, and never used unless asked for with ``serve --fake``. Its
name, its notes and the panel say that nothing was generated. With the environment
variable MOTIONGPT_FAKE_MODE it misbehaves on purpose:

    slow          takes a minute and listens to cancel
    hang          never comes back and does not listen
    crash         ends its process in the middle of the job
    garbage       writes something that is no message
    die-at-start  ends before it has said hello
    fail          raises an error that nobody foresaw
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from typing import Final

import numpy as np

from ext_models.generation.request import (
    CancelCheck,
    GenerationCancelledError,
    GenerationRequest,
    GenerationResult,
    ProgressCallback,
    SketchCallback,
)
from ext_models.generation.way_following import check_request, follow
from motiongpt_blender.core.body import rotations
from motiongpt_blender.core.body.motion import MODEL_FPS, MotionClip
from motiongpt_blender.core.body.rotations import Array
from motiongpt_blender.core.body.skeleton import JOINT_COUNT, PARENTS, Joint
from motiongpt_blender.wire import Sampling, Understood

NOTE: Final = "Made by the fake of the interface tests: a drawn walk cycle, no model."
#: What the fake says of every motion, and how many it keeps.
CHECKS: Final = ("moves forward: not measured",)
ALTERNATIVES: Final = 4
MODE: Final = os.environ.get("MOTIONGPT_FAKE_MODE", "")
#: Metres that the hips of someone who walks travel at least.
STEP: Final = 0.3
#: How many steps a motion has and how long each takes, seconds.
STEPS: Final = (20, 0.002)
SLOW_STEPS: Final = (120, 0.5)
#: Steps between two sketches.
SKETCH_EVERY: Final = 6

if MODE == "die-at-start":  # here, because the greeting follows this import
    sys.exit("fake: dies at start, as asked")
if MODE == "garbage":  # stdout is still the real one
    print("Segmentation fault? No: garbage, as asked", flush=True)

#: A plain person of 1.7 m in T-pose: each joint's offset from its parent, metres, y up.
OFFSETS: Final = np.array(
    [
        [0, 0, 0], [0.08, -0.06, 0], [-0.08, -0.06, 0], [0, 0.12, 0],
        [0, -0.40, 0], [0, -0.40, 0], [0, 0.13, 0], [0, -0.40, 0], [0, -0.40, 0],
        [0, 0.06, 0], [0, -0.06, 0.13], [0, -0.06, 0.13], [0, 0.21, 0],
        [0.07, 0.12, 0], [-0.07, 0.12, 0], [0, 0.10, 0.03],
        [0.10, 0.02, 0], [-0.10, 0.02, 0], [0.26, 0, 0], [-0.26, 0, 0],
        [0.25, 0, 0], [-0.25, 0, 0],
    ]
)  # fmt: skip


class FakePipeline:
    """Answers every prompt with a walk whose pace and turn follow from the prompt's hash."""

    def generate(
        self,
        request: GenerationRequest,
        progress: ProgressCallback,
        cancelled: CancelCheck,
        sketch: SketchCallback | None = None,
    ) -> GenerationResult:
        """A walk of the asked length; see ``Pipeline.generate``."""
        began = time.perf_counter()
        whole = walk(request.prompt, request.frames, request.sampling.seed)
        steps, pause = SLOW_STEPS if MODE == "slow" else STEPS
        for step in range(steps):
            progress("generate", step / steps)
            if cancelled() and MODE != "hang":
                raise GenerationCancelledError
            _misbehave(step)
            if sketch is not None and step and step % SKETCH_EVERY == 0:
                sketch(whole[: max(request.frames * step // steps, 1)])
            time.sleep(pause)
        seed, wanted = request.sampling.seed, request.sampling.variations
        made = tuple(
            MotionClip(
                walk(request.prompt, request.frames, k), MODEL_FPS, (), request.prompt, k, CHECKS
            )
            for k in range(seed, seed + max(wanted, ALTERNATIVES))
        )
        check_request(request)
        walks = tuple(follow(made, request)[0])
        seconds = {"generate": time.perf_counter() - began}
        return GenerationResult(walks[:wanted], seconds, (NOTE,), walks[:ALTERNATIVES])

    def caption(self, clip: MotionClip, sampling: Sampling) -> list[str]:
        """How far the hips travel, no more; see ``Pipeline.caption``."""
        way = np.linalg.norm(clip.joints[-1, 0, ::2] - clip.joints[0, 0, ::2])
        return ["a person walks" if way > STEP else "a person stands"] * sampling.variations

    def understand(self, prompt: str) -> Understood:
        """The prompt itself; see ``Pipeline.understand``."""
        return Understood(prompt, (f"The fake reads '{prompt}'.",))

    def warm_up(self) -> None:
        """Nothing has to be ready."""


def _misbehave(step: int) -> None:
    if step != 5:
        return
    if MODE == "crash":
        print("fake: crashes, as asked", file=sys.stderr, flush=True)
        os._exit(3)
    if MODE == "hang":
        time.sleep(3600)
    if MODE == "fail":
        raise RuntimeError("the fake fails, as asked")


def walk(prompt: str, frames: int, seed: int) -> np.ndarray:
    """A walk cycle, (frames, 22, 3) float32 metres, y up, from the origin along +z."""
    digest = hashlib.sha256(f"{prompt}|{seed}".encode()).digest()
    pace, turn = 0.8 + digest[0] / 512, (digest[1] / 255 - 0.5) * 0.5
    t = np.arange(frames) / MODEL_FPS
    phase = 2 * np.pi * pace * t
    joints = _bend(phase)
    joints[..., 1] -= joints[..., 1].min(axis=1, keepdims=True)  # the lower foot stands
    heading = turn * t
    joints = rotations.rotate(rotations.about_y(heading)[:, None], joints)
    speed = 1.1 * pace / MODEL_FPS
    steps = speed * np.stack([np.sin(heading), np.zeros(frames), np.cos(heading)], -1)
    joints += (np.cumsum(steps, axis=0) - steps)[:, None]
    return joints.astype(np.float32)


def _bend(phase: Array) -> Array:
    """Joints (T, 22, 3) of a body that walks on the spot; phase (T,) in radians."""
    local = np.zeros((len(phase), JOINT_COUNT, 3))  # rotation vectors
    swing = 0.5 * np.sin(phase)
    local[:, Joint.L_HIP, 0], local[:, Joint.R_HIP, 0] = -swing, swing
    local[:, Joint.L_KNEE, 0] = 0.1 + 0.8 * np.clip(np.cos(phase), 0, None)
    local[:, Joint.R_KNEE, 0] = 0.1 + 0.8 * np.clip(-np.cos(phase), 0, None)
    local[:, Joint.SPINE1, 0] = 0.05
    down = rotations.from_log(np.array([[0, 0, -1.25], [0, 0, 1.25]]))  # from the T-pose
    q = rotations.from_log(local)
    for side, arm, elbow in ((0, Joint.L_SHOULDER, Joint.L_ELBOW), (1, Joint.R_SHOULDER, Joint.R_ELBOW)):  # fmt: skip # noqa: E501
        sign = 1 - 2 * side
        swung = rotations.from_log(np.stack([sign * 0.8 * swing, 0 * swing, 0 * swing], -1))
        q[:, arm] = rotations.multiply(swung, np.broadcast_to(down[side], swung.shape))
        q[:, elbow] = rotations.from_log(np.array([0, -sign * 0.4, 0]))
    return _forward(q)


def _forward(local: Array) -> Array:
    """Joints (T, 22, 3) of local rotations (T, 22, 4), pelvis at the origin."""
    world, joints = local.copy(), np.zeros((*local.shape[:2], 3))
    for joint, parent in enumerate(PARENTS[1:], start=1):
        offset = np.broadcast_to(OFFSETS[joint], joints[:, 0].shape)
        joints[:, joint] = joints[:, parent] + rotations.rotate(world[:, parent], offset)
        world[:, joint] = rotations.multiply(world[:, parent], local[:, joint])
    return joints

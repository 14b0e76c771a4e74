"""What making a take needs from outside, without Blender: a character, Blender, a backend."""

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from motiongpt_blender import wire
from motiongpt_blender.backend.jobs import Job, JobState
from motiongpt_blender.core.body.motion import MODEL_FPS, MotionClip
from motiongpt_blender.core.body.neutral_pose import NEUTRAL
from motiongpt_blender.core.pose_constraints.correction import RigPose
from motiongpt_blender.core.pose_constraints.marked_pose import MarkedPose, PoseRole
from motiongpt_blender.core.rig.rig_options import RigOptions
from motiongpt_blender.core.timeline.frame_range import Join
from motiongpt_blender.generate.adapters import CharacterKey, SceneTime
from motiongpt_blender.scene.take.report import ApplyReport
from tests.support.numeric_rig import a_rig

STANDING = NEUTRAL.astype(np.float32)
#: How many different motions an answer has.
ANSWERS = 3
POSE = RigPose({}, (0.0, 0.0, 0.0))


def marked_pose(frame, role=PoseRole.KEY, forward=0.0, **changes):
    """The neutral pose, ``forward`` metres along z."""
    joints = STANDING + np.array([0.0, 0.0, forward], dtype=np.float32)
    return MarkedPose(frame, role, POSE, joints, **changes)


class FakeCharacter:
    """An armature described by numbers. ``written`` is what ``write`` was called with."""

    def __init__(self, armature=7, name="rig", poses=(), keys=(), generated_keys=()):
        self.key = CharacterKey(armature, 1, name)
        self.rig = a_rig()
        self.rig_options = RigOptions()
        self.poses, self.keys, self.generated_keys = tuple(poses), list(keys), list(generated_keys)
        self.matrix = np.eye(4)
        self.strips = []  # (track, first frame, last frame)
        self.above = ([], 0.0)
        self.refusal = None  # raised when the character is looked at
        self.slices, self.failure = 2, None  # of ``write``: how many, and what the last one raises
        self.solo = None
        self.its_way, self.asked_way = None, None
        self.asked_ends, self.in_take, self.written, self.closed = [], [], [], 0

    def check_usable(self):
        if self.refusal is not None:
            raise self.refusal

    def describe(self):
        return self.rig

    def options(self):
        return self.rig_options

    def marked_poses(self):
        return self.poses

    def keyed_frames(self, *, generated):
        own = self.keys or self.generated_keys
        return sorted({*self.keys, *self.generated_keys}) if generated else list(own)

    def check_no_solo(self):
        if self.solo is not None:
            raise self.solo

    def object_matrix_at(self, frame):
        return self.matrix * frame

    def standing_pose_at(self, rig, frame):
        return marked_pose(frame, PoseRole.START, float(frame))

    def motion_history(self, rig, start):
        return np.stack([STANDING + np.float32(start - 20 + k) for k in range(20)])

    def surrounding_poses(self, rig, ends, object_matrix):
        self.asked_ends.append((tuple(ends), object_matrix))
        poses = tuple(marked_pose(frame, role) for frame, role in ends)
        return poses, tuple(Join(frame, (POSE, POSE)) for frame, _ in ends)

    def poses_in_take(self, rig, marked, object_matrix, *, object_travels):
        self.in_take.append((object_matrix, object_travels))
        return tuple(marked)

    def has_way(self):
        return self.its_way is not None

    def way(self, rig, object_matrix, start, fps):
        self.asked_way = (object_matrix, start, fps)
        return self.its_way

    def has_strips(self, track, start, end):
        return any(
            track == name and first < end and last > start for name, first, last in self.strips
        )

    def tracks_above(self, track):
        return self.above

    def write(self, clips, take):
        try:
            for _ in range(self.slices):
                yield
            if self.failure is not None:
                raise self.failure
        except GeneratorExit:
            self.closed += 1
            raise
        self.written.append((tuple(clips), take))
        start, name = take.plan.start_frame, take.name
        last = start + take.frame_count - 1
        self.strips.append((take.fit.track or name, start, last))
        return tuple(
            ApplyReport(name, name, start, last, (), {"write": 0.5}, checks=clip.checks)
            for clip in clips
        )


class FakeBlender:
    """Blender with these characters; ``turn`` calls the next slice."""

    def __init__(self, *characters, frame=1.0, fps=20.0):
        self.characters = {character.key.armature: character for character in characters}
        self.now = SceneTime(frame, fps)
        self.scenes, self.undo_steps, self.redraws = [], [], 0
        self.step = None

    def time(self):
        return self.now

    def find(self, key):
        return self.characters.get(key.armature)

    @contextmanager
    def in_scene(self, key):
        self.scenes.append(key.scene)
        yield

    def run_slices(self, step):
        self.step = step

    def turn(self):
        """One slice; whether another one is wanted."""
        step, self.step = self.step, None
        if step() is None:
            return False
        self.step = step
        return True

    def finish_writing(self):
        while self.step is not None:
            self.turn()

    def push_undo(self, message):
        self.undo_steps.append(message)

    def redraw(self):
        self.redraws += 1


class FakeBackend:
    """A model's process that answers when the test says so."""

    def __init__(self):
        self.jobs, self.launches, self.cancelled, self.forgotten = [], [], [], []
        self.refusal = None

    def submit(self, launch, request, on_end, on_tick):
        if self.refusal is not None:
            raise self.refusal
        self.launches.append(launch)
        job = Job(request, JobState.RUNNING)
        self.jobs.append((job, on_end))
        return job

    def cancel(self, name):
        self.cancelled.append(name)

    def forget(self, name):
        self.forgotten.append(name)

    @property
    def request(self):
        """The last request."""
        return self.jobs[-1][0].request

    def answer(self, number=-1, **changes):
        """The motion of a request, the last one if not told: someone who stands."""
        job, on_end = self.jobs[number]
        joints = np.repeat(STANDING[None], job.request.frames, axis=0)
        checks = ("turns left: 94 degrees",)
        clip = MotionClip(joints, MODEL_FPS, prompt=job.request.prompt, checks=checks)
        names = (wire.RESULT_FILE, *(f"{number}.npz" for number in range(2, ANSWERS + 1)))
        for seed, name in enumerate(names):
            replace(clip, seed=seed).save(Path(job.request.folder) / name)
        result = {
            "clips": (wire.RESULT_FILE,),
            "seconds": {"generate": 1.0},
            "notes": ("A note.",),
            "alternatives": names,
        }
        job.result = wire.Result(job.request.job, **{**result, **changes})
        job.state = JobState.DONE
        on_end(job)

    def fail(
        self, error="The model failed: try again.", detail="", state=JobState.FAILED, number=-1
    ):
        job, on_end = self.jobs[number]
        job.state, job.error, job.detail = state, error, detail
        on_end(job)

"""The model's side: requests in, reports out, one terminal report a job."""

import io
import re
from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pytest

from ext_models.errors import PipelineError
from ext_models.generation.request import GenerationResult
from ext_models.packs import PackError
from ext_models.serving import fake, server
from ext_models.serving.reporters import SketchReporter
from ext_models.serving.server import Server, one_line, read_request
from motiongpt_blender import wire
from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.core.body.skeleton import Joint
from tests.support.child_processes import PATIENCE, request, wait_for


class Room:
    """A server with its output in memory."""

    def __init__(self, load=fake.FakePipeline, load_on_cpu=None):
        self.out = io.StringIO()
        self.server = Server(load, self.out, load_on_cpu)

    def send(self, *lines):
        self.server.run(x if isinstance(x, str) else wire.encode(x) for x in lines)

    def reports(self):
        return [wire.decode(line) for line in self.out.getvalue().splitlines()]

    def ends(self, count=1):
        """The first terminal reports."""

        def found():
            ends = [r for r in self.reports() if isinstance(r, wire.TERMINAL)]
            return ends if len(ends) >= count else None

        return wait_for(found, "terminal reports")


def raising(error):
    """A pipeline that fails."""

    class Failing:
        def generate(self, *_):
            raise error

    return Failing


def assert_sentence(text):
    assert text.endswith(".") and "\n" not in text and len(text) < 900, text


def test_a_motion(tmp_path):
    room = Room()
    room.send(request(tmp_path))
    (end,) = room.ends()
    assert isinstance(end, wire.Result) and end.clips == ("clip.npz",)
    assert set(end.seconds) == {"load", "generate"} and "fake" in end.notes[0]
    clip = MotionClip.load(tmp_path / "clip.npz")
    assert clip.joints.shape == (41, 22, 3) and clip.prompt == "a person walks"


def test_progress_never_falls_and_stays_inside(tmp_path):
    room = Room()
    room.send(request(tmp_path))
    room.ends()
    steps = [r.fraction for r in room.reports() if isinstance(r, wire.Progress)]
    assert steps and all(0 <= a <= b <= 1 for a, b in pairwise(steps))


def test_the_motion_so_far_is_told_before_the_result(tmp_path):
    room = Room()
    room.send(request(tmp_path))
    room.ends()
    reports = room.reports()
    sketches = [r for r in reports if isinstance(r, wire.Sketch)]
    assert [r.clip for r in sketches] == ["sketch_001.npz", "sketch_002.npz", "sketch_003.npz"]
    assert reports.index(sketches[-1]) < len(reports) - 1
    lengths = [len(MotionClip.load(tmp_path / r.clip)) for r in sketches]
    assert lengths == sorted(set(lengths)) and lengths[-1] < 41


def test_of_a_motion_that_cannot_be_written_nothing_is_told(tmp_path):
    told = []
    SketchReporter(request(tmp_path / "gone"), told.append)(fake.walk("walks", 4, 0))
    assert not told
    SketchReporter(request(tmp_path), told.append)(fake.walk("walks", 4, 0))
    assert len(told) == 1


def test_the_model_is_loaded_once(tmp_path):
    loads = []

    def load():
        loads.append(1)
        return fake.FakePipeline()

    room = Room(load)
    room.send(request(tmp_path, "one"), request(tmp_path, "two"))
    assert [type(r) for r in room.ends(2)] == [wire.Result] * 2
    assert loads == [1]


def test_loading_that_failed_is_tried_again(tmp_path):
    candidates = []

    def load():
        candidates.append(1)
        if len(candidates) == 1:
            raise PackError("x/model.safetensors is cut short: install the pack again.")
        return fake.FakePipeline()

    room = Room(load)
    room.send(request(tmp_path, "one"), request(tmp_path, "two"))
    first, second = room.ends(2)
    assert first.message == "x/model.safetensors is cut short: install the pack again."
    assert isinstance(second, wire.Result)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (PipelineError("Two\n  lines."), "Two lines."),
        (RuntimeError("CUDA out of memory.\nTried"), "choose the device 'CPU'"),
        (MemoryError(), "not enough memory"),
        (ModuleNotFoundError("No module named 'peft'"), "lacks a package"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
        (SystemExit(3), "SystemExit"),
        (ValueError("x" * 5000), "ValueError"),
    ],
)
def test_every_error_is_one_sentence_and_the_server_lives(tmp_path, error, says):
    room = Room(raising(error))
    room.send(request(tmp_path, "one"), request(tmp_path, "two"))
    for end, job in zip(room.ends(2), ("one", "two"), strict=True):
        assert isinstance(end, wire.Failure) and end.job == job and says in end.message
        assert_sentence(end.message)
        assert type(error).__name__ in end.detail


class PanicException(BaseException):
    """As Rust libraries raise it."""


def test_a_panic_ends_its_job_and_the_model_is_loaded_anew_for_the_next(tmp_path):
    loads = []

    def load():
        loads.append(1)
        return (
            raising(PanicException("called unwrap"))() if len(loads) == 1 else fake.FakePipeline()
        )

    room = Room(load)
    room.send(request(tmp_path, "one"), request(tmp_path, "two"))
    first, second = room.ends(2)
    assert isinstance(first, wire.Failure) and "PanicException: called unwrap" in first.message
    assert_sentence(first.message)
    assert isinstance(second, wire.Result) and len(loads) == 2


def test_a_pack_that_does_not_load_is_not_blamed_on_the_prompt(tmp_path):
    def load():
        raise ZeroDivisionError("division by zero")

    room = Room(load)
    room.send(request(tmp_path))
    message = room.ends()[0].message
    assert "pack cannot be loaded" in message and "prompt" not in message
    assert_sentence(message)


@pytest.mark.parametrize(
    "line",
    [
        '{"type": "' + "x" * 900_000 + '"}',
        '{"type": ' + "1" * 4000 + "}",
        '{"type": ["' + "x" * 900_000 + '"]}',
        '{"type": "Cancel", "job": "1", "' + "x" * 900_000 + '": 1}',
        '{"type": "Cancel", "job": "' + "x" * 200_000 + '"}',
    ],
    ids=["type", "number", "list", "field", "name"],
)
def test_a_long_line_is_answered_with_a_short_sentence(tmp_path, line):
    room = Room()
    room.send(line + "\n", request(tmp_path))
    failure, result = room.ends(2)
    assert isinstance(failure, wire.Failure) and isinstance(result, wire.Result)
    assert_sentence(failure.message)


def test_an_answer_that_cannot_be_written_down_is_a_failure(tmp_path):
    class Odd:
        def generate(self, asked, *_):
            clip = MotionClip(fake.walk("x", asked.frames, 0), 20.0, (), "x", 0)
            return GenerationResult((clip,), {"generate": float("nan")}, ())

    room = Room(Odd)
    room.send(request(tmp_path))
    assert isinstance(room.ends()[0], wire.Failure)


def test_cancel_of_a_waiting_and_a_running_job(tmp_path, monkeypatch):
    monkeypatch.setattr(fake, "MODE", "slow")
    room = Room()
    room.send(
        request(tmp_path, "one"), request(tmp_path, "two"), wire.Cancel("two"), wire.Cancel("one")
    )
    assert room.ends(2) == [wire.Cancelled("one"), wire.Cancelled("two")]
    assert list(tmp_path.iterdir()) == []


def test_requests_that_make_no_sense(tmp_path):
    room = Room()
    room.send("hello\n", '{"type": "Generate", "job": 3}\n', wire.Cancel("nobody"), wire.Shutdown())
    ends = room.ends(2)
    assert [end.job for end in ends] == ["", ""]
    for end in ends:
        assert_sentence(end.message)
    assert len(room.reports()) == 2


def test_variations_are_numbered_and_differ(tmp_path):
    room = Room()
    room.send(request(tmp_path, sampling=wire.Sampling(variations=3)))
    assert room.ends()[0].clips == ("clip_01.npz", "clip_02.npz", "clip_03.npz")
    clips = [MotionClip.load(tmp_path / f"clip_0{i}.npz").joints for i in (1, 2, 3)]
    assert not np.array_equal(clips[0], clips[1])


def test_alternatives_lie_beside_the_clips_and_say_what_they_do(tmp_path):
    room = Room()
    room.send(request(tmp_path, sampling=wire.Sampling(variations=2)))
    (end,) = room.ends()
    assert end.alternatives == (
        "clip_01.npz",
        "clip_02.npz",
        "clip_alternative_3.npz",
        "clip_alternative_4.npz",
    )
    assert {path.name for path in tmp_path.glob("clip*.npz")} == set(end.alternatives)
    clips = [MotionClip.load(tmp_path / name) for name in end.alternatives]
    assert len({clip.joints.tobytes() for clip in clips}) == 4
    assert all(clip.checks == fake.CHECKS for clip in clips)


def test_a_folder_that_is_gone(tmp_path):
    room = Room()
    room.send(request(tmp_path / "gone"))
    end = room.ends()[0]
    assert "could not be written" in end.message and "gone" in end.message
    assert_sentence(end.message)


def test_poses_are_read(tmp_path):
    joints = fake.walk("x", 2, 0)
    np.savez(tmp_path / wire.POSES_FILE, joints=joints)
    poses = read_request(request(tmp_path, pose_frames=(0, 40))).poses
    assert [p.frame for p in poses] == [0, 40]
    assert np.array_equal(poses[1].joints, joints[1])
    assert all(p.bound is None and p.placed for p in poses)


def test_a_request_loses_nothing_between_blender_and_the_model(tmp_path):
    """Every field of the line stands in the request, none at its default."""
    joints, history = fake.walk("x", 2, 0), fake.walk("y", 9, 1)
    np.savez(tmp_path / wire.POSES_FILE, joints=joints, history=history)
    sampling = wire.Sampling(7, 0.5, 0.9, 40, 2, 3, 1.5)
    assert all(getattr(sampling, f.name) != f.default for f in fields(sampling))
    sent = wire.Generate("one", "someone jumps", 41, str(tmp_path), (0, 40), sampling, True)
    asked = read_request(wire.decode(wire.encode(sent)))
    assert (asked.prompt, asked.frames, asked.sampling) == ("someone jumps", 41, sampling)
    assert [p.frame for p in asked.poses] == [0, 40]
    assert np.array_equal(asked.poses[1].joints, joints[1])
    assert np.array_equal(asked.history, history)
    assert read_request(replace(sent, continues=False)).history is None


@pytest.mark.parametrize(
    ("sampling", "sentence"),
    [
        (wire.Sampling(candidates=0), "candidates is 0: choose 1 to 1000."),
        (wire.Sampling(seed=-1), f"seed is -1: choose 0 to {2**31 - 1}."),
        (wire.Sampling(variations=1000, candidates=1000), "1000000 motions would be sampled: "),
        (wire.Sampling(guidance=10.5), "guidance is 10.5: choose 0 to 10."),
    ],
)
def test_a_sampling_out_of_range_is_refused(tmp_path, sampling, sentence):
    with pytest.raises(PipelineError, match=re.escape(sentence)):
        read_request(request(tmp_path, sampling=sampling))


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("x" * 5000, "has 5000 characters"),
        ("", "is empty"),
        ("?!...", "has no words"),
        ("walk\x1b[31m on", "invisible control character"),
        ("\u05dc\u05db\u05ea", "no language that is written so"),
    ],
)
def test_a_bad_prompt_fails_with_one_sentence(tmp_path, prompt, words):
    room = Room()
    room.send(request(tmp_path, prompt=prompt), request(tmp_path, job="two"))
    failure, result = room.ends(2)
    assert isinstance(failure, wire.Failure) and words in failure.message
    assert_sentence(failure.message)
    assert isinstance(result, wire.Result)


@pytest.mark.parametrize("prompt", ["一个人走路", "\u0627\u0645\u0634", "오른손을 흔든다"])
def test_every_script_reaches_the_pipeline(tmp_path, prompt):
    """The pipeline knows whether its pack reads it."""
    assert read_request(request(tmp_path, prompt=f"\u202b{prompt}\u202c")).prompt == prompt


def test_what_is_unseen_in_a_prompt_does_not_reach_the_model(tmp_path):
    assert read_request(request(tmp_path, prompt="\ufeffwalk \u202eon ")).prompt == "walk on"


def test_poses_of_body_parts_are_read(tmp_path):
    bound = np.ones((2, 22), dtype=bool)
    bound[1, :16] = False
    np.savez(tmp_path / wire.POSES_FILE, joints=fake.walk("x", 2, 0), bound=bound)
    asked = read_request(request(tmp_path, pose_frames=(0, 40)))
    whole, part = asked.poses
    assert whole.bound is None and whole.placed
    assert np.array_equal(part.bound, bound[1]) and not part.placed


@pytest.mark.parametrize(
    ("content", "frames"),
    [
        (None, (0, 40)),
        (b"no archive", (0, 40)),
        ({"other": np.zeros((2, 22, 3))}, (0, 40)),
        ({"joints": np.zeros((2, 21, 3))}, (0, 40)),
        ({"joints": np.full((2, 22, 3), np.nan)}, (0, 40)),
        ({"joints": np.array([{}, {}])}, (0, 40)),
        ({"joints": fake.walk("x", 2, 0), "bound": np.ones((2, 21), bool)}, (0, 40)),
        ({"joints": fake.walk("x", 2, 0), "bound": np.zeros((2, 22), bool)}, (0, 40)),
        ({"joints": fake.walk("x", 2, 0), "bound": np.ones((2, 22))}, (0, 40)),
        ({"joints": fake.walk("x", 2, 0)}, (0, 20, 40)),
        ({"joints": fake.walk("x", 2, 0)}, (0, 41)),
        ({"joints": fake.walk("x", 2, 0)}, (-1, 4)),
        ({"joints": fake.walk("x", 2, 0)}, (4, 4)),
        ({"joints": fake.walk("x", 2, 0)}, (9, 4)),
    ],
)
def test_poses_that_cannot_be_used(tmp_path, content, frames):
    path = tmp_path / wire.POSES_FILE
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.savez(path, **content)
    with pytest.raises(PipelineError) as caught:
        read_request(request(tmp_path, pose_frames=frames))
    assert_sentence(str(caught.value))


def test_poses_of_gigabytes_are_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(server, "POSES_LIMIT", 10_000)
    np.savez_compressed(tmp_path / wire.POSES_FILE, joints=np.zeros((100, 22, 3)))
    with pytest.raises(PipelineError, match="unpacks to more than"):
        read_request(request(tmp_path, pose_frames=range(100)))


def test_farewell_stops_a_running_job(tmp_path, monkeypatch):
    monkeypatch.setattr(fake, "MODE", "slow")
    monkeypatch.setattr(server, "FAREWELL_SECONDS", PATIENCE)  # beyond it this process would end
    room = Room()
    room.send(request(tmp_path))
    wait_for(lambda: len(room.reports()) > 0, "the first progress")
    assert room.server.farewell() == 0
    assert isinstance(room.ends()[0], wire.Cancelled)


def test_one_line():
    assert one_line("  a\n\tb ") == "a b"
    assert len(one_line("x" * 10_000)) == 600
    assert one_line("a\udcffb") == "a?b"  # a name of a file that is not UTF-8


# --- the fake itself --------------------------------------------------------------


def test_the_fake_is_deterministic_and_walks():
    walk = fake.walk("a person walks", 81, 3)
    assert np.array_equal(walk, fake.walk("a person walks", 81, 3))
    assert not np.array_equal(walk, fake.walk("a person walks", 81, 4))
    assert walk.dtype == np.float32 and np.isfinite(walk).all()
    assert np.allclose(walk[..., 1].min(axis=1), 0, atol=1e-5)  # a foot is on the floor
    assert np.linalg.norm(walk[-1, Joint.PELVIS] - walk[0, Joint.PELVIS]) > 1.5
    assert walk[0, Joint.L_HIP, 0] > walk[0, Joint.R_HIP, 0]  # +x is the person's left


class Starved:
    """A pipeline on a GPU whose memory does not suffice."""

    def generate(self, request, progress, cancelled, sketch):
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def test_a_gpu_without_memory_is_left_for_the_cpu(tmp_path):
    loaded = []

    def load():
        loaded.append("gpu")
        return Starved()

    def load_on_cpu():
        loaded.append("cpu")
        return fake.FakePipeline()

    room = Room(load, load_on_cpu)
    for job in ("one", "two"):
        (tmp_path / job).mkdir()
    room.send(*(request(tmp_path / job, job) for job in ("one", "two")))
    first, second = room.ends(2)
    assert isinstance(first, wire.Result) and isinstance(second, wire.Result), (first, second)
    assert sum("runs on the processor" in note for note in first.notes) == 1
    assert not any("processor" in note for note in second.notes)
    assert loaded == ["gpu", "cpu"]
    assert first.memory > 10e6, "the process says what it holds"


def test_without_a_cpu_to_go_to_it_is_one_sentence(tmp_path):
    room = Room(Starved)
    room.send(request(tmp_path))
    (end,) = room.ends()
    assert isinstance(end, wire.Failure) and "not enough memory" in end.message
    assert_sentence(end.message)

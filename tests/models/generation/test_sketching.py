"""The motion so far: shown while the model writes, seldom enough, and without any effect."""

import logging
from dataclasses import replace

import numpy as np
import pytest

from ext_models.generation import sketching
from ext_models.generation.pipeline import MotionPipeline, silent
from ext_models.generation.request import GenerationCancelledError, GenerationRequest, PoseCondition
from ext_models.generation.sketching import SECONDS, SHARE, Sketcher
from motiongpt_blender.wire import Sampling
from tests.support import tiny_pack

CODES = [[1, 2], [3, 4]]


class Watch:
    """A clock that a test sets."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    return MotionPipeline.from_pack(
        tiny_pack.write(tmp_path_factory.mktemp("packs") / "tiny"), "cpu"
    )


def request(frames=32, **more):
    rng = np.random.default_rng(1)
    pose = rng.normal(size=(22, 3)).astype(np.float32) * 0.2 + np.array([0, 0.9, 0], np.float32)
    poses = (PoseCondition(0, pose), PoseCondition(frames - 2, pose))
    return GenerationRequest(
        "a person walks", frames, poses, Sampling(seed=4, candidates=3), **more
    )


@pytest.fixture
def at_every_step(monkeypatch):
    monkeypatch.setattr(sketching, "SECONDS", 0.0)
    monkeypatch.setattr(sketching, "SHARE", 1e9)


def test_sketches_are_seldom_and_cheap():
    watch, seen = Watch(), []
    cost = 0.2

    def decode(codes):
        watch.now += cost
        return codes

    sketcher = Sketcher(decode, seen.append, watch)
    for step in range(1000):
        watch.now = max(watch.now, step * 0.01)
        if sketcher.due:
            sketcher.sketch(CODES)
    assert 1 <= len(seen) <= 1 + SHARE * 10 / cost
    assert seen[0] is CODES
    watch.now, cost = 100.0, 0.001
    sketcher, seen[:] = Sketcher(decode, seen.append, watch), []
    for step in range(1000):
        watch.now = max(watch.now, 100 + step * 0.01)
        if sketcher.due:
            sketcher.sketch(CODES)
    assert 10 / SECONDS - 2 <= len(seen) <= 10 / SECONDS


def test_before_the_first_code_there_is_nothing_to_show_and_it_stays_due():
    watch, seen = Watch(), []
    sketcher = Sketcher(lambda codes: codes, seen.append, watch)
    assert not sketcher.due
    watch.now = SECONDS
    sketcher.sketch([])
    assert not seen and sketcher.due


def test_after_an_error_no_sketch_is_made(caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("ext_models"), "propagate", True)  # a command ends it
    watch = Watch()

    def full(_):
        raise OSError("No space left on device")

    sketcher = Sketcher(lambda codes: codes, full, watch)
    watch.now = 5.0
    sketcher.sketch(CODES)
    watch.now = 1e9
    assert not sketcher.due
    assert "No space left" in caplog.text


def test_the_figure_grows_and_changes_no_candidate(pipeline, at_every_step):
    seen = []
    asked = request()
    alone = pipeline.generate(asked, *silent())
    shown = pipeline.generate(asked, *silent(), seen.append)
    assert np.array_equal(alone.clips[0].joints, shown.clips[0].joints)
    lengths = [len(joints) for joints in seen]
    assert lengths == sorted(lengths) and lengths[0] == 4 and lengths[-1] == 28
    assert all(joints.shape[1:] == (22, 3) and np.isfinite(joints).all() for joints in seen)
    first = replace(asked, sampling=replace(asked.sampling, candidates=1))
    steady = seen[-1]
    assert np.allclose(steady[0, 0, [0, 2]], asked.poses[0].joints[0, [0, 2]], atol=1e-4)
    assert pipeline.generate(first, *silent()).clips[0].tokens  # the first candidate alone


def test_the_figure_of_a_motion_that_goes_on_begins_after_the_one_before(pipeline, at_every_step):
    seen = []
    history = np.repeat(request().poses[0].joints[None], 20, axis=0)
    asked = replace(request(), poses=(), history=history)
    pipeline.generate(asked, *silent(), seen.append)
    lengths = [len(joints) for joints in seen]
    assert lengths == sorted(lengths) and 0 < lengths[0] <= 4 and lengths[-1] == 28


def test_cancelling_works_between_sketches(pipeline, at_every_step):
    seen = []
    with pytest.raises(GenerationCancelledError):
        pipeline.generate(request(), lambda *_: None, lambda: len(seen) > 2, seen.append)
    assert len(seen) == 3

"""What a motion shows: a request for a sentence, and its one terminal report."""

import pytest

from ext_models.generation.sentences import unstuck
from ext_models.serving import fake
from motiongpt_blender import wire
from motiongpt_blender.core.body.motion import MotionClip
from tests.support.clips import clip
from tests.unit.protocol.test_server import Room


def test_a_motion_is_described(tmp_path):
    room = Room()
    MotionClip(clip("walk")).save(tmp_path / wire.RESULT_FILE)
    room.send(wire.Describe("1", str(tmp_path)))
    (end,) = room.ends()
    assert end == wire.Description("1", "a person walks")
    stages = [r.stage for r in room.reports() if isinstance(r, wire.Progress)]
    assert stages == [wire.LOADING, wire.DESCRIBING]


def test_who_stands_does_not_walk(tmp_path):
    room = Room()
    MotionClip(clip("walk")[:1].repeat(40, axis=0)).save(tmp_path / wire.RESULT_FILE)
    room.send(wire.Describe("1", str(tmp_path)))
    assert room.ends() == [wire.Description("1", "a person stands")]


def test_a_motion_that_cannot_be_read_says_why(tmp_path):
    room = Room()
    room.send(wire.Describe("1", str(tmp_path / "nowhere")))
    (end,) = room.ends()
    assert isinstance(end, wire.Failure) and "there is no such file" in end.message


def test_a_pack_without_the_skill_says_so(tmp_path):
    from ext_models.errors import PipelineError

    class Mute(fake.FakePipeline):
        def caption(self, clip, sampling):
            raise PipelineError("This model pack has not learnt to describe motion.")

    room = Room(Mute)
    MotionClip(clip("walk")).save(tmp_path / wire.RESULT_FILE)
    room.send(wire.Describe("1", str(tmp_path)))
    (end,) = room.ends()
    assert end == wire.Failure(
        "1", "This model pack has not learnt to describe motion.", end.detail
    )


def test_a_sentence_ends_before_the_words_in_which_the_model_got_stuck(tmp_path):
    class Stuck(fake.FakePipeline):
        def caption(self, clip, sampling):
            return ["a person walks forward and then then then then then down."]

    room = Room(Stuck)
    MotionClip(clip("walk")).save(tmp_path / wire.RESULT_FILE)
    room.send(wire.Describe("1", str(tmp_path)))
    assert room.ends() == [wire.Description("1", "a person walks forward")]


@pytest.mark.parametrize(
    "said, kept",
    [
        ("a person jumps.", "a person jumps."),
        ("a man steps left, left and right", "a man steps left, left and right"),
        ("a person waves and jumps, and jumps, and jumps.", "a person waves and jumps"),
        ("she turns to the left to the left to the", "she turns to the left"),
        ("then then then then", "then"),
        ("walks walks", "walks walks"),
        ("", ""),
    ],
)
def test_what_is_kept_of_a_sentence(said, kept):
    assert unstuck(said) == kept

"""Questions about prompts: the last is answered, and loads the model for the jobs."""

import threading

import pytest

from ext_models.serving import fake
from motiongpt_blender import wire
from tests.support.child_processes import PATIENCE, request, wait_for
from tests.unit.protocol.test_server import Room, assert_sentence


def _answers(room, count):
    def found():
        found = [r for r in room.reports() if isinstance(r, wire.Understood)]
        return found if len(found) >= count else None

    return wait_for(found, "answers")


def test_the_last_of_some_questions_is_answered_and_loads_the_model_for_the_jobs(tmp_path):
    loads, typed = [], threading.Event()

    class Slow(fake.FakePipeline):
        def __init__(self):
            loads.append(1)
            assert typed.wait(PATIENCE)

    room = Room(Slow)
    room.send(*(wire.Understand(text) for text in ("he", "he wa", "  he\twa", "he waves")))
    typed.set()
    wait_for(lambda: any(r.prompt == "he waves" for r in _answers(room, 1)), "the last answer")
    # The first may have been on its way; those between were typed over.
    assert {r.prompt for r in _answers(room, 1)} <= {"he", "he waves"}
    room.server._waiting.put(request(tmp_path))
    (end,) = room.ends()
    assert isinstance(end, wire.Result) and loads == [1]


@pytest.mark.parametrize(
    ("prompt", "note"), [("   ", "The prompt is empty"), ("a\x07b", "control"), ("?!", "no words")]
)
def test_a_question_about_a_bad_prompt_is_answered_with_its_sentence(prompt, note):
    room = Room()
    room.send(wire.Understand(prompt))
    (answer,) = _answers(room, 1)
    assert answer.prompt == prompt and note in answer.notes[0] and not answer.examples
    assert_sentence(answer.notes[0])


@pytest.mark.parametrize("error", [RuntimeError("no file"), BaseException("a panic")])
def test_a_question_that_fails_says_nothing_and_the_next_job_goes_on(tmp_path, error):
    class Deaf(fake.FakePipeline):
        def understand(self, prompt):
            raise error

    room = Room(Deaf)
    room.send(wire.Understand("he waves"), request(tmp_path))
    (end,) = room.ends()
    assert isinstance(end, wire.Result)
    assert _answers(room, 1) == [wire.Understood("he waves")]


@pytest.mark.parametrize("fails", [False, True])
def test_an_answered_question_makes_the_model_ready_for_the_first_job(tmp_path, fails):
    ready = []

    class Cold(fake.FakePipeline):
        def warm_up(self):
            ready.append("ready")
            if fails:
                raise RuntimeError("no memory")

    room = Room(Cold)
    room.send(wire.Understand("he waves"))
    assert _answers(room, 1) == [wire.Understood("he waves", ("The fake reads 'he waves'.",))]
    wait_for(lambda: ready == ["ready"], "the model")
    room.server._waiting.put(request(tmp_path))
    (end,) = room.ends()
    assert isinstance(end, wire.Result)

"""A typed prompt is asked about once, when the animator pauses; an open side bar asks nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

from motiongpt_blender.generate.prompt_questions import PAUSE, PromptQuestions
from motiongpt_blender.wire import Understood
from tests.support.child_processes import fake_launch
from tests.support.fake_timers import FakeTimers

HERO = 7


class Process:
    """The pump of a process that answers when the test says so."""

    def __init__(self):
        self.asked, self.understood, self.is_unloaded = [], Understood(""), True

    def ask(self, launch, prompt, on_answer):
        self.asked.append(prompt)
        self.is_unloaded, self.on_answer = False, on_answer

    def answers(self, prompt):
        self.understood = Understood(prompt, (f"read {prompt}",))
        self.on_answer()


@pytest.fixture
def stage():
    class Stage:
        timers, pump, redrawn = FakeTimers(), Process(), []

        def draw(self, prompt, character=HERO, launch=None):
            return self.questions.answer(character, prompt, launch or fake_launch())

    stage = Stage()
    stage.questions = PromptQuestions(stage.pump, stage.timers, lambda: stage.redrawn.append(1))
    return stage


def test_a_prompt_that_nobody_typed_starts_no_process(stage):
    for _ in range(3):
        assert stage.draw("a person walks") is None
    assert stage.draw("another character's", character=8) is None
    assert stage.timers.functions == {} and stage.pump.asked == []


def test_a_typed_prompt_is_asked_about_once_after_a_pause(stage):
    for typed in ("a", "a m", "a man", "a man bows"):
        assert stage.draw(typed) is None
    assert [pause for _, pause in stage.timers.functions.values()] == [PAUSE]
    stage.timers.turn()
    assert stage.pump.asked == ["a man bows"] and stage.timers.functions == {}
    assert stage.draw("a man bows") is None and stage.timers.functions == {}
    stage.pump.answers("a man bows")
    assert stage.redrawn == [1]
    assert stage.draw("a man bows").notes == ("read a man bows",)
    stage.timers.turn()
    assert stage.pump.asked == ["a man bows"]


def test_a_process_that_runs_is_asked_about_any_prompt_but_an_empty_one(stage):
    stage.pump.is_unloaded = False
    stage.draw("  ")
    assert stage.timers.functions == {}
    stage.draw("a man bows")
    stage.timers.turn()
    assert stage.pump.asked == ["a man bows"]


def test_another_pack_reads_the_prompt_anew(stage):
    stage.pump.is_unloaded = False
    stage.draw("a man bows")
    stage.timers.turn()
    stage.pump.answers("a man bows")
    other = replace(fake_launch(), pack=Path("other"))
    assert stage.draw("a man bows", launch=other) is None
    stage.timers.turn()
    assert stage.pump.asked == ["a man bows"] * 2


def test_the_end_of_the_session_ends_the_pause(stage):
    stage.draw("a man")
    stage.draw("a man bows")
    stage.questions.close()
    assert stage.timers.functions == {} and stage.pump.asked == []

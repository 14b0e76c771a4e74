"""The actions of a prompt: where it is cut, and where not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ext_models.prompt_checks.actions import read_actions


@pytest.mark.parametrize(
    ("prompt", "actions"),
    [
        ("walk forward, then wave", ["walk forward", "wave"]),
        ("Walks forward THEN sits down.", ["Walks forward", "sits down"]),
        ("First he bows, after that he waves.", ["he bows", "he waves"]),
        ("jump. then punch twice. then bow.", ["jump", "punch", "punch", "bow"]),
        ("does a cartwheel, followed by a backflip", ["does a cartwheel", "a backflip"]),
        ("after a jump, he kicks", ["a jump", "he kicks"]),
        ("before he sits down, he turns around", ["he turns around", "he sits down"]),
        ("waves after jumping", ["jumping", "waves"]),
        # what one body cannot do at once
        ("walk, stop and sit down", ["walk, stop", "sit down"]),
        ("stands up and walks away and sits down", ["stands up", "walks away", "sits down"]),
        ("turns left and turns right", ["turns left", "turns right"]),
        ("walks 1.5 m. Then waves", ["walks 1.5 m", "waves"]),
        # other languages of the sentence readers
        ("läuft vorwärts und dann winkt er", ["läuft vorwärts", "winkt er"]),
        ("他走路然后坐下", ["他走路", "坐下"]),
    ],
)
def test_a_sentence_of_several_actions_is_cut(prompt, actions):
    assert read_actions(prompt) == tuple(actions)


@pytest.mark.parametrize(
    "prompt",
    [
        "a person walks forward and turns left",
        "turn around and kick",
        "walks while waving the right hand",
        "walks next to a wall",
        "runs after the ball",
        "stands before the table",
        "a person walks. His arms swing.",
        "then",
        "first",
        "...",
    ],
)
def test_one_action_stays_as_it_is(prompt):
    assert read_actions(prompt) == (prompt,)


@pytest.mark.parametrize(
    ("prompt", "actions"),
    [
        ("sprint then stop", ["sprint then stop"]),
        ("waves, then runs, then stops", ["waves", "runs and stops"]),
        ("lifts the arm up and then down, then bows", ["lifts the arm up and then down", "bows"]),
        ("jumps, then again, then waves", ["jumps and then again", "waves"]),
    ],
)
def test_a_stop_and_a_bare_direction_belong_to_the_action_before(prompt, actions):
    assert read_actions(prompt) == tuple(actions)


@pytest.mark.parametrize(
    ("prompt", "actions"),
    [
        ("jump twice", ["jump"] * 2),
        ("the man jumps forward two times, then bows", ["the man jumps forward"] * 2 + ["bows"]),
        ("Kicks 3 times with the left leg!", ["Kicks with the left leg"] * 3),
        ("punches thrice", ["punches"] * 3),
        ("jump once", ["jump once"]),
        ("jumps 5 times", ["jumps 5 times"]),
        ("hops twice", ["hops twice"]),
        ("takes three steps and kicks twice", ["takes three steps and kicks twice"]),
        ("kicks twice and jumps twice", ["kicks twice and jumps twice"]),
        ("turns around twice", ["turns around twice"]),
    ],
)
def test_what_is_done_several_times_is_as_many_actions(prompt, actions):
    assert read_actions(prompt) == tuple(actions)


@given(st.text(max_size=60))
def test_any_text_has_an_action(text):
    assert len(read_actions(text)) >= 1

"""Checks read from sentences."""

import pytest

from ext_models.evaluation.prompts.prompt_lists import SHIPPED, read_prompts
from ext_models.prompt_checks.checks import Demand, Side
from ext_models.prompt_checks.grammar import implied_checks, phrases, read_checks

EVERYDAY, THEN, PARAPHRASES, LANGUAGES = (
    read_prompts(SHIPPED / f"{name}.toml").prompts
    for name in ("everyday", "then", "paraphrases", "languages")
)
#: One prompt of each meaning, the first of its wordings: a whole sentence.
MEANINGS = tuple({p.meaning: p for p in reversed(PARAPHRASES)}.values())


@pytest.mark.parametrize("prompt", [*EVERYDAY, *THEN, *MEANINGS], ids=lambda p: p.text)
def test_prompts_demand_what_their_list_says(prompt):
    assert phrases(read_checks(prompt.text)) == prompt.checks


@pytest.mark.parametrize("prompt", LANGUAGES, ids=lambda p: f"{p.language} {p.english}")
def test_prompts_in_other_languages_demand_what_their_english_says(prompt):
    assert phrases(read_checks(prompt.english)) == prompt.checks


@pytest.mark.parametrize("prompt", [*EVERYDAY, *THEN, *MEANINGS], ids=lambda p: p.text)
def test_a_phrase_reads_as_itself(prompt):
    assert phrases(read_checks(", ".join(prompt.checks))) == prompt.checks


SENTENCES = [
    # turns
    ("a person turns to the left", "turns left"),
    ("rotate right by 45 degrees", "turns right by 45 degrees"),
    ("turn to the left by ninety degrees", "turns left by 90 degrees"),
    ("makes a quarter turn to the right", "turns right by 90 degrees"),
    ("turns half a turn to the left", "turns left by 180 degrees"),
    ("he turns at a right angle to the left", "turns left by 90 degrees"),
    ("a clockwise turn", "turns right"),
    ("turn slightly left", "turns slightly left"),
    ("u-turn", "turns around"),
    ("spin twice", "turns by 720 degrees"),
    ("turns the head to the left", ""),
    ("an old man rotates his left wrist", ""),
    # ways
    ("someone is walking forwards", "moves forward"),
    ("He strolled ahead.", "moves forward"),
    ("back away slowly", "moves backward; moves slowly"),
    ("a person backs up", "moves backward"),
    ("steps to the side", "moves sideways"),
    ("quickly run to the left", "runs; moves to the left"),
    ("walks diagonally forward to the right", "moves forward to the right"),
    ("walks in place", "stays in place"),
    ("a person runs in a clockwise circle", "runs; moves in a circle to the right"),
    ("go around in circles", "moves in a circle"),
    ("walks in a half circle to the left", "moves along; turns left by 180 degrees"),
    ("walk 5 steps backwards", "takes 5 steps; moves backward"),
    ("a slow walk", "moves along; moves slowly"),
    ("moves the right arm forward and back", ""),
    ("walks to the car with a slightly bent back", "moves along"),
    ("marches forward", "marches; moves forward"),
    ("marches at a fast pace", "moves along; moves fast"),
    ("tiptoe", "moves along; moves slowly"),
    ("creeps quickly forward", "moves forward; moves fast"),
    ("walks, turns left and walks on", "moves along; turns left; then moves along"),
    ("gets up and walks off", "gets up; then moves along"),
    ("comes to a halt", "stops at the end"),
    ("stops briefly", ""),
    ("walk, stop and walk again", "moves along; then moves along"),
    ("he stands still", "stands still"),
    ("do not move", "stands still"),
    # jumps
    ("three jumps", "jumps 3 times"),
    ("leaps to the left", "jumps; moves to the left"),
    ("ten jumping jacks", "does jumping jacks"),
    ("jump, jump, jump", "jumps 3 times"),
    ("hop three times on the right foot", "hops on the right foot 3 times"),
    # postures
    ("he sat down", "sits down"),
    ("takes a seat", "sits down"),
    ("drops onto one knee", "kneels"),
    ("sits on a chair", "sits"),
    ("sit back down", "sits down"),
    ("sits up", ""),
    ("kneeling", "kneels"),
    ("lying on the floor", "lies"),
    ("lies face down", "lies on the front"),
    ("lie down on your back", "lies down on the back"),
    ("falls backward", "falls"),
    ("walks in a low crouch", "moves along; is in a crouch"),
    ("crouching", "is in a crouch"),
    ("gets up from a crouch", "gets up"),
    ("gets up after lying on the back", "lies on the back; then gets up"),
    ("bends forward and rises again", ""),
    ("lays a box on the table", ""),
    ("nearly falls", ""),
    ("squats", "crouches"),
    ("stands back up", "gets up"),
    ("gets to his feet", "gets up"),
    ("on all fours", "is on all fours"),
    ("crawls on his hands and knees", "crawls"),
    ("draw a bow and shoot", ""),
    ("points a bow high", ""),
    ("does three push-ups", ""),
    # limbs
    ("lift both arms", "raises both hands"),
    ("a woman raises her right hand above the head", "raises the right hand"),
    ("raise the left knee", "raises the left leg"),
    ("put your hands above the head", "raises both hands"),
    ("drop the left arm", "lowers the left hand"),
    ("raise left and right hand", "raises both hands"),
    ("raises a box", ""),
    ("left hand wave", "waves the left hand"),
    ("kick twice with left foot", "kicks with the left leg 2 times"),
    ("throws two quick left punches", "punches with the left hand 2 times"),
    ("throws a kick", "kicks"),
    ("gets punched", ""),
    ("carries a big box", ""),
    ("throws both hands up", "raises both hands"),
    ("picks up a cup from the table", ""),
    ("grabs it off the ground with the left hand", "picks up from the floor with the left hand"),
    ("throws the left hand out to the side", ""),
    ("throws a ball with both hands", "throws with both hands"),
    # order
    ("walks forward, then bows", "moves forward; then bows"),
    ("he waves after jumping", "jumps; then waves"),
    ("after jumping, he waves", "jumps; then waves"),
    ("before sitting he turns around", "turns around; then sits"),
    ("kneels before lying down", "kneels; then lies down"),
    ("walks and sits down", "moves along; then sits down"),
    ("turns left and turns right", "turns left; then turns right"),
    ("waves while walking", "moves along; waves"),
    ("dances, then bows", "bows"),
    # denied and contradicting
    ("walk without turning", "moves along"),
    ("does not jump but kicks", "kicks"),
    ("never stops", ""),
    ("turn left and right", "turns"),
    ("walks forward and backward", "moves along"),
    ("walks fast but slowly", "moves along"),
    # nothing to measure
    ("", ""),
    ("moonwalk", ""),
    ("a person does a cartwheel", ""),
]


@pytest.mark.parametrize(("sentence", "lines"), SENTENCES, ids=[s for s, _ in SENTENCES])
def test_what_a_sentence_demands(sentence, lines):
    found = sorted(phrases(read_checks(sentence))) if "while" in sentence else None
    assert "; ".join(found or phrases(read_checks(sentence))) == lines


@pytest.mark.parametrize("verb", ["jumps", "jump", "jumping", "jumped"])
def test_every_form_of_a_verb_is_known(verb):
    assert phrases(read_checks(f"someone {verb} up")) == ("jumps",)


def test_parts_are_counted():
    checks = read_checks("walks forward, then turns left, and then waves the right hand")
    assert [(c.demand, c.part) for c in checks] == [
        (Demand.TRAVEL, 0),
        (Demand.TURN, 1),
        (Demand.WAVE, 2),
    ]
    assert (checks[1].side, checks[2].side) == (Side.LEFT, Side.RIGHT)


@pytest.mark.parametrize(
    ("sentence", "implied"),
    [
        ("jump twice", True),
        ("walks to the left and stops", True),
        ("just standing there", True),
        ("take a bow", True),
        ("sit down on a chair", False),
        ("walks and kneels down", False),
        ("picks up a box from the floor", False),
        ("gets up", False),
        ("walks, then rolls over the floor", False),
        ("does a cartwheel and waves", False),
        ("a girl dancing salsa", False),
    ],
)
def test_who_does_nothing_low_stays_upright(sentence, implied):
    assert (phrases(implied_checks(sentence)) == ("stays upright",)) == implied
    assert phrases(read_checks("stays upright")) == ("stays upright",)

"""The prompts used last and the favourites, in one file of the user."""

import pytest

from motiongpt_blender.core.prompt_history import (
    RECENT,
    PromptHistory,
    read_history,
    write_history,
)


def test_the_last_used_comes_first_and_once():
    history = PromptHistory()
    for prompt in ("walks", "jumps", "walks"):
        history = history.used(prompt)
    assert history.recent == ("walks", "jumps")
    for number in range(2 * RECENT):
        history = history.used(str(number))
    assert len(history.recent) == RECENT and history.recent[0] == str(2 * RECENT - 1)


def test_a_favourite_is_made_and_unmade():
    history = PromptHistory(("walks", "jumps")).toggled("jumps")
    assert history.favourites == ("jumps",) and history.others == ("walks",)
    assert history.toggled("jumps").favourites == ()


def test_it_comes_back_from_its_file(tmp_path):
    path = tmp_path / "folder" / "prompts.json"
    assert read_history(path) == PromptHistory()
    history = PromptHistory(("идти вперёд", "walks"), ("waves",))
    write_history(path, history)
    assert read_history(path) == history
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("text", "recent"),
    [
        ("[", ()),
        ("[]", ()),
        ('{"recent": 3}', ()),
        ('{"recent": ["walks", 4, " ", "walks"], "favourites": {}}', ("walks",)),
    ],
)
def test_what_is_damaged_is_left_out(tmp_path, text, recent):
    path = tmp_path / "prompts.json"
    path.write_text(text)
    assert read_history(path) == PromptHistory(recent)

"""The last prompts and the favourites, in the menu beside the prompt."""

from unittest.mock import MagicMock

import pytest

from motiongpt_blender import paths
from tests.support.session import asked

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")


@pytest.fixture(autouse=True)
def no_history(tmp_path, monkeypatch):
    monkeypatch.setenv("MOTIONGPT_PROMPTS", str(tmp_path / "prompts.json"))
    monkeypatch.setattr(paths, "known_captions", lambda _: None)


def entries():
    """The prompts that the menu offers."""
    return buttons()[2:]


def buttons():
    """All that the menu offers: what to do with the prompt, then prompts."""
    from motiongpt_blender.ui.menus import MOTIONGPT_MT_prompts

    menu = MagicMock()
    MOTIONGPT_MT_prompts.draw(menu, bpy.context)
    return [call.kwargs["text"] for call in menu.layout.operator.call_args_list]


def test_the_prompt_is_edited_in_a_wide_field_and_made_a_favourite(addon):
    asked().prompt = "a person jumps"
    assert buttons()[:2] == ["Edit in a Wide Field...", "Make a Favourite"]
    bpy.ops.motiongpt.favourite_prompt()
    assert buttons()[:2] == ["Edit in a Wide Field...", "No Favourite Any More"]
    assert bpy.ops.motiongpt.edit_prompt(prompt="a person waves") == {"FINISHED"}
    assert asked().prompt == "a person waves"
    assert buttons()[1] == "Make a Favourite"


def test_what_was_generated_is_in_the_menu_the_last_one_first(addon):
    assert entries() == []
    for prompt in ("a person jumps", " a person waves ", "a person jumps"):
        asked().prompt = prompt
        bpy.ops.motiongpt.generate()
        addon.wait()
    assert entries() == ["a person jumps", "a person waves"]
    asked().prompt = " "
    with pytest.raises(RuntimeError):
        bpy.ops.motiongpt.generate()
    assert entries() == ["a person jumps", "a person waves"]  # a refused one is not remembered
    bpy.ops.motiongpt.use_prompt(prompt="a person waves")
    assert asked().prompt == "a person waves"


def test_examples_of_the_pack_are_a_click_away_below_what_was_used(addon, monkeypatch):
    known = paths.KnownCaptions(("a man bows", "he waves", "she sits down"), frozenset())
    monkeypatch.setattr(paths, "known_captions", lambda _: known)
    asked().prompt = "a person jumps"
    bpy.ops.motiongpt.favourite_prompt()
    assert entries() == ["a person jumps", "a man bows", "he waves", "she sits down"]


def test_a_favourite_comes_first_in_the_menu(addon):
    asked().prompt = "a person waves"
    assert bpy.ops.motiongpt.favourite_prompt() == {"FINISHED"}
    asked().prompt = "a person jumps"
    bpy.ops.motiongpt.generate()
    addon.wait()
    assert entries() == ["a person waves", "a person jumps"]
    asked().prompt = "a person waves"
    bpy.ops.motiongpt.favourite_prompt()
    assert entries() == ["a person jumps"]


def test_where_the_history_cannot_be_saved_takes_are_made_all_the_same(
    addon, smpl_rig, tmp_path, monkeypatch
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MOTIONGPT_PROMPTS", str(tmp_path / "file" / "prompts.json"))
    bpy.ops.motiongpt.generate()
    addon.wait()
    assert len(smpl_rig.motiongpt.takes.entries) == 1
    assert paths.prompt_history().recent == ()
    with pytest.raises(RuntimeError, match="cannot be saved"):
        bpy.ops.motiongpt.favourite_prompt()

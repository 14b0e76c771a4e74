"""Examples of prompts in the panel: when they are shown, and what a click on one does."""

import json
import struct

import pytest

from motiongpt_blender.core.packs.known_captions import CAPTIONS
from tests.bpy.panel.test_panels import drawn
from tests.support.session import asked

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")

KNOWN = ("a man bows", "he waves", "she sits down")


@pytest.fixture
def prompts(addon, tmp_path, monkeypatch):
    """The operators, with a pack that keeps captions; letters are ten pixels wide."""
    from unittest.mock import MagicMock

    from motiongpt_blender.operators import prompts
    from motiongpt_blender.ui import base

    header = json.dumps({"__metadata__": {"captions": json.dumps(KNOWN)}}).encode()
    (tmp_path / CAPTIONS).write_bytes(struct.pack("<Q", len(header)) + header)
    monkeypatch.setattr(prompts, "chosen_pack", lambda _: tmp_path)
    monkeypatch.setattr(base, "blf", MagicMock(dimensions=lambda _, text: (10 * len(text), 10)))
    return prompts


@pytest.mark.parametrize(
    ("prompt", "why"),
    [
        ("  ", "Write what the character does, for example:"),
        ("bakes a cake", "No word of this is in the pack's captions. It knows, for example:"),
    ],
)
def test_examples_stand_below_a_prompt_that_says_nothing(prompts, prompt, why):
    from motiongpt_blender.ui.panels import MOTIONGPT_PT_main

    asked().prompt = prompt
    found = prompts.examples_for(bpy.context)
    assert (found.why, found.captions) == (why, KNOWN)
    shown = drawn(MOTIONGPT_PT_main)
    assert shown.count("'motiongpt.use_prompt'") == 3
    assert all(f"text='{caption}'" in shown for caption in KNOWN)


@pytest.mark.parametrize("prompt", ["someone waving", "bow deeply", "一个人走路"])
def test_a_prompt_with_a_known_word_or_in_another_script_has_none(prompts, prompt):
    from motiongpt_blender.ui.panels import MOTIONGPT_PT_main

    asked().prompt = prompt
    assert prompts.examples_for(bpy.context) is None
    assert "use_prompt" not in drawn(MOTIONGPT_PT_main)


def test_a_pack_without_captions_has_none(prompts, tmp_path):
    (tmp_path / CAPTIONS).unlink()
    asked().prompt = ""
    assert prompts.examples_for(bpy.context) is None


def test_a_click_sets_the_prompt(prompts):
    asked().prompt = ""
    assert bpy.ops.motiongpt.use_prompt(prompt=KNOWN[1]) == {"FINISHED"}
    assert asked().prompt == KNOWN[1]
    assert prompts.examples_for(bpy.context) is None


def test_what_the_process_has_told_stands_below_the_prompt(prompts, monkeypatch):
    from motiongpt_blender.ui.panels import MOTIONGPT_PT_main
    from motiongpt_blender.wire import Understood

    asked().prompt = "an ogre bows"
    told = Understood("an ogre bows", ("Read 'ogr' as 'ogre'.", "Understood as 'a man bows'."))
    monkeypatch.setattr(prompts, "_answer", lambda *_: told)
    shown = drawn(MOTIONGPT_PT_main)
    assert "Understood as" in shown and "use_prompt" not in shown
    told = Understood("an ogre bows", ("Nothing like this prompt is known.",), ("he sits", "runs"))
    monkeypatch.setattr(prompts, "_answer", lambda *_: told)
    shown = drawn(MOTIONGPT_PT_main)
    assert shown.count("'motiongpt.use_prompt'") == 2 and "text='he sits'" in shown
    assert "The pack knows, for example:" in prompts.examples_for(bpy.context).why

"""The length of a take: the one that suits the prompt, or the one that was entered."""

from unittest.mock import MagicMock

import pytest

from tests.support.session import asked

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")


def shown():
    """What the main panel draws, as text."""
    from motiongpt_blender.ui.panels import MOTIONGPT_PT_main

    listener, context = MagicMock(), MagicMock(wraps=bpy.context)
    context.scene, context.preferences = bpy.context.scene, bpy.context.preferences
    context.region.width = 400
    MOTIONGPT_PT_main.draw(listener, context)
    return str(listener.mock_calls)


def test_the_prompt_decides_until_a_length_is_entered(addon, smpl_rig):
    from motiongpt_blender.operators.generation import length

    panel = asked()
    panel.prompt = "a man walks in a circle"
    circle = length(bpy.context, smpl_rig)
    panel.prompt = "a man throws a ball"
    throw = length(bpy.context, smpl_rig)
    assert 1.0 < throw < circle / 1.3
    assert f"Length {throw:.1f} s" in shown()

    panel.seconds = 7.5
    assert not panel.auto_length
    assert length(bpy.context, smpl_rig) == pytest.approx(7.5)
    assert "Length " not in shown()

    panel.auto_length = True
    assert length(bpy.context, smpl_rig) == throw


def test_a_pack_without_a_length_model_uses_the_entered_length(addon, smpl_rig, monkeypatch):
    from motiongpt_blender import paths
    from motiongpt_blender.operators.generation import length

    monkeypatch.setattr(paths, "length_model", lambda _folder: None)
    panel = asked()
    panel.seconds = 2.5
    panel.auto_length = True
    assert length(bpy.context, smpl_rig) == pytest.approx(2.5)
    assert "auto_length" not in shown()


def test_a_new_block_is_as_long_as_its_prompt_takes(addon, smpl_rig):
    from motiongpt_blender.operators.generation import length

    scene = bpy.context.scene
    scene.render.fps, asked().prompt = 24, "a man walks in a circle"
    seconds = length(bpy.context, smpl_rig)
    bpy.ops.motiongpt.add_block()
    (block,) = smpl_rig.motiongpt.sequence.blocks
    assert block.end - block.start == round(24 * seconds) > 80

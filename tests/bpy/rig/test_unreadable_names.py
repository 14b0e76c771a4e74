"""Bones whose names are no UTF-8, as old files have them: one sentence, wherever they are met."""

import re
from unittest.mock import MagicMock, patch

import pytest

from motiongpt_blender.ui import base
from motiongpt_blender.ui.bone_map import MOTIONGPT_PT_bones
from tests.support.takes import generate

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")

PLACEHOLDER = "QQunreadableQQ"


def drawn(panel):
    """What a panel says, in one line of text."""
    context = MagicMock(wraps=bpy.context)
    context.scene, context.view_layer = bpy.context.scene, bpy.context.view_layer
    said = []
    with patch.object(base, "sentence", lambda _context, _layout, text, _icon: said.append(text)):
        layout = MagicMock()
        layout.draw_for = lambda *drawn: panel.draw_for(layout, *drawn)
        panel.draw(layout, context)
    return " ".join(said)


@pytest.fixture
def old_file(addon, smpl_rig, tmp_path):
    """The character after its file was opened with the name of one bone in Latin-1."""
    smpl_rig.data.bones["l_knee"].name = PLACEHOLDER
    path = tmp_path / "old.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=False)
    written = path.read_bytes()
    assert written.count(PLACEHOLDER.encode()) >= 2
    path.write_bytes(written.replace(PLACEHOLDER.encode(), b"QQunreadable\xe4Q"))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    obj = bpy.data.objects["smpl"]
    bpy.context.scene.motiongpt.armature = obj
    bpy.context.view_layer.objects.active = obj
    return obj


SENTENCE = r"Bone 3 of 'smpl' \(after 'l_hip'\) has a name that is not valid text"


@pytest.mark.parametrize("operator", ["generate", "add_pose"])
def test_operators_refuse_it(old_file, operator):
    with pytest.raises(RuntimeError, match=SENTENCE) as caught:
        getattr(bpy.ops.motiongpt, operator)()
    assert "Traceback" not in str(caught.value)


def test_polls_and_panels_say_it(old_file):
    assert not bpy.ops.motiongpt.find_bones.poll()
    assert re.search(SENTENCE, drawn(MOTIONGPT_PT_bones))


def test_another_name_helps(old_file, addon):
    for bone in old_file.data.bones:
        try:
            assert bone.name
        except UnicodeDecodeError:
            bone.name = "l_knee"
    generate(addon)

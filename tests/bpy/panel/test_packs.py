"""Packs in Blender: installed, chosen, removed; what a take and an export say of the licence."""

import json
import sys
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest

from motiongpt_blender.core.body.motion import MotionClip, Origin
from motiongpt_blender.core.packs import archives, manifest
from tests.support.pack_files import files, make

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")

TERMS = Origin("walks", "CC BY-NC 4.0", ("Somebody", "Somebody else"))


@pytest.fixture
def chosen(monkeypatch, tmp_path, empty_scene):
    """The add-on, with preferences that a test can read, and a folder of its own."""
    from motiongpt_blender import preferences, registration
    from motiongpt_blender.operators import packs as operators

    monkeypatch.setenv(manifest.VARIABLE, str(tmp_path / "home"))
    kept = SimpleNamespace(python=sys.executable, device="cpu", pack="", fake=True)
    for module in (preferences, operators):
        monkeypatch.setattr(module, "entry", lambda _: kept)
    registration.register()
    yield kept
    registration.unregister()


@pytest.fixture
def archive(tmp_path):
    return archives.write_archive(make(tmp_path / "made" / "walks"), tmp_path / "walks.motionpack")


def test_install_choose_remove(chosen, archive, tmp_path):
    from motiongpt_blender import paths, preferences

    home = tmp_path / "home"
    assert bpy.ops.motiongpt.install_pack(filepath=str(archive)) == {"FINISHED"}
    assert chosen.pack == str(home / "walks")
    assert preferences.settings(bpy.context).pack == home / "walks"
    assert paths.pack_info(home / "walks").non_commercial
    assert paths.pack_title(home / "walks") == "Walks: CC BY-NC 4.0"
    before = files(home)
    with pytest.raises(RuntimeError, match="choose Replace"):
        bpy.ops.motiongpt.install_pack(filepath=str(archive))
    assert files(home) == before
    assert bpy.ops.motiongpt.install_pack(filepath=str(archive), replace=True) == {"FINISHED"}
    assert bpy.ops.motiongpt.choose_pack(folder="") == {"FINISHED"}
    assert preferences.settings(bpy.context).pack == paths.DEFAULT_PACK
    assert not bpy.ops.motiongpt.remove_pack.poll()
    bpy.ops.motiongpt.choose_pack(folder=str(home / "walks"))
    assert bpy.ops.motiongpt.remove_pack() == {"FINISHED"}
    assert chosen.pack == ""
    assert list(home.iterdir()) == []


def test_broken_archive_and_folder(chosen, archive, tmp_path):
    archive.write_bytes(archive.read_bytes()[:200])
    for call, words in (
        (lambda: bpy.ops.motiongpt.install_pack(filepath=str(archive)), "broken"),
        (lambda: bpy.ops.motiongpt.install_pack(filepath=""), "No file is named"),
        (lambda: bpy.ops.motiongpt.choose_pack(folder=str(tmp_path)), "not a model pack"),
    ):
        with pytest.raises(RuntimeError, match=words):
            call()
    assert chosen.pack == ""
    assert not (tmp_path / "home").exists()


def test_takes_and_exports_say_the_licence(chosen, smpl_rig, tmp_path):
    from motiongpt_blender.scene.take.provenance import origin_of, record_provenance

    scene = bpy.context.scene
    scene.motiongpt.armature = smpl_rig
    smpl_rig.motiongpt.request.prompt = "a person walks"
    bone = smpl_rig.pose.bones["pelvis"]
    for frame in (1, 30):
        bone.keyframe_insert("location", frame=frame)
    action = smpl_rig.animation_data.action
    assert origin_of(smpl_rig) == Origin()
    checks = ("moves forward: 2.0 m", "turns left: no, 3 degrees")
    joints = np.zeros((2, 22, 3), np.float32)
    clip = MotionClip(joints, prompt="walks", seed=7, checks=checks, origin=TERMS)
    record_provenance(action, clip)
    assert dict(action.items()) == {
        "motiongpt_pack": "walks",
        "motiongpt_licence": "CC BY-NC 4.0",
        "motiongpt_credits": "Somebody\nSomebody else",
        "motiongpt_prompt": "walks",
        "motiongpt_seed": 7,
        "motiongpt_checks": "moves forward: 2.0 m\nturns left: no, 3 degrees",
    }
    assert bpy.ops.motiongpt.export_clip(filepath=str(tmp_path / "a.npz")) == {"FINISHED"}
    assert MotionClip.load(tmp_path / "a.npz").origin == TERMS
    assert json.loads((tmp_path / "captions.json").read_text()) == {"a": ["a person walks"]}


def generated(rig):
    """The action of a take of one second."""
    from tests.support.session import Panel

    panel = Panel()
    scene = bpy.context.scene
    scene.motiongpt.armature, request = rig, rig.motiongpt.request
    request.prompt, request.seed, request.seconds = "a person walks", 5, 1.0
    scene.motiongpt.candidates = 1
    assert bpy.ops.motiongpt.generate() == {"FINISHED"}
    panel.wait()
    assert not panel.failed, panel.message
    return bpy.data.actions[panel.report.action_name]


def test_a_generated_take_is_marked(chosen, smpl_rig):
    action = generated(smpl_rig)
    assert (action["motiongpt_prompt"], action["motiongpt_seed"]) == ("a person walks", 5)


def test_a_take_of_a_shipped_pack_bears_its_terms(chosen, smpl_rig):
    if find_spec("torch") is None:  # to import it here would cost seconds
        pytest.skip("PyTorch is not installed here")
    from motiongpt_blender import paths

    name = "styles"
    pack = paths.DEFAULT_PACK.with_name(name)
    chosen.fake, chosen.pack = False, str(pack)
    if not (pack / manifest.MANIFEST).is_file():
        pytest.skip(f"the pack '{name}' is not in this checkout")
    body = json.loads((pack / manifest.MANIFEST).read_text(encoding="utf-8"))
    action = generated(smpl_rig)
    assert action["motiongpt_pack"] == name
    assert action["motiongpt_licence"] == body["licence"]
    assert action["motiongpt_credits"].splitlines() == body["credits"]


def test_the_version_of_a_published_pack_is_shown(chosen, tmp_path):
    from motiongpt_blender import paths

    pack = make(tmp_path / "made" / "walks", version="1.2")
    archive = archives.write_archive(pack, tmp_path / "walks.zip")
    assert bpy.ops.motiongpt.install_pack(filepath=str(archive)) == {"FINISHED"}
    assert paths.pack_title(tmp_path / "home" / "walks") == "Walks 1.2: CC BY-NC 4.0"
    shipped = [paths.pack_info(folder) for folder in paths.shipped_packs()]
    assert all(info.version for info in shipped)


@pytest.mark.parametrize("version", [1.2, None, ["1"], "1\n2"])
def test_a_version_is_one_line(version, tmp_path):
    with pytest.raises(manifest.PackError, match="field 'version'"):
        manifest.read_info(make(tmp_path / "walks", version=version))


@pytest.mark.parametrize("area", ["VIEW_3D", "PREFERENCES", "DOPESHEET_EDITOR"])
def test_a_pack_may_be_dropped_anywhere(chosen, area):
    from motiongpt_blender.ui.packs import MOTIONGPT_FH_pack

    where = SimpleNamespace(area=SimpleNamespace(type=area))
    assert MOTIONGPT_FH_pack.poll_drop(where)
    assert not MOTIONGPT_FH_pack.poll_drop(SimpleNamespace(area=None))
    assert not MOTIONGPT_FH_pack.poll_drop(None)


def test_blender_takes_no_dropped_pack_for_an_extension(chosen):
    """Its own handler of .zip files comes before those of add-ons (seen in 4.3 and 5.2)."""
    from motiongpt_blender.ui.packs import MOTIONGPT_FH_pack

    assert MOTIONGPT_FH_pack.bl_file_extensions == archives.SUFFIX != ".zip"


def test_a_zip_is_installed_too_where_it_is_chosen(chosen, archive, tmp_path):
    assert (
        "*.zip" in bpy.ops.motiongpt.install_pack.get_rna_type().properties["filter_glob"].default
    )
    bpy.ops.motiongpt.install_pack(filepath=str(archive.rename(archive.with_suffix(".zip"))))
    assert chosen.pack == str(tmp_path / "home" / "walks")


def test_what_is_dropped_is_installed(chosen, archive, tmp_path):
    """As Blender does it: the handler's operator is invoked with the file."""
    from motiongpt_blender.ui.packs import MOTIONGPT_FH_pack

    handler = bpy.types.FileHandler.bl_rna_get_subclass_py("MOTIONGPT_FH_pack")
    assert handler is MOTIONGPT_FH_pack
    assert handler.bl_file_extensions == archive.suffix
    name = handler.bl_import_operator.split(".")[1]
    dropped = getattr(bpy.ops.motiongpt, name)("INVOKE_DEFAULT", filepath=str(archive))
    assert dropped == {"FINISHED"}
    assert chosen.pack == str(tmp_path / "home" / "walks")

"""The commands of build.py: which Python, what is handed on, what is in the zip."""

import argparse
import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import build
from motiongpt_blender.backend import locations
from motiongpt_blender.backend.setup.pins import read_pins
from tests import tiers

ROOT = Path(__file__).resolve().parents[3]


# --- commands ---------------------------------------------------------------------------


@pytest.mark.parametrize("version", [(3, 8), (3, 10), (3, 12), (3, 14)])
def test_wrong_python_names_the_right_ones(version):
    with pytest.raises(build.BuildError, match=r"3\.11 and 3\.13 only"):
        build.check_python(version)


def test_right_pythons():
    for version in ((3, 11), (3, 13)):
        build.check_python(version)


def test_a_real_wrong_python_gets_one_sentence(tmp_path):
    """The file must parse in the Pythons that it refuses."""
    old = next(iter(tmp_other_pythons()), None)
    if old is None:
        pytest.skip("no other Python here to refuse")
    done = subprocess.run([old, ROOT / "build.py", "demo"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "3.11 and 3.13" in done.stderr


def tmp_other_pythons():
    for wanted in ("3.12", "3.10", "3.9", "3.8", "3.14"):
        if found := tiers.find_python(wanted):
            yield found


def test_demo_hands_on_only_what_was_given(monkeypatch):
    ran = []
    monkeypatch.setattr(build, "set_up", lambda groups: "PYTHON")
    monkeypatch.setattr(build, "_run", lambda command: ran.append(command) or 0)
    monkeypatch.setattr(locations, "remember", ran.append)
    monkeypatch.delenv(build.BACKEND_PYTHON, raising=False)
    options = ["--prompt", "jumps", "--seconds", "2.5", "--seed", "0"]
    assert build.main(["demo", *options]) == 0
    assert ran == [Path("PYTHON"), ["PYTHON", "-m", "motiongpt_blender.demo", *options]]


def test_one_variable_names_the_backend():
    assert build.BACKEND_PYTHON == locations.VARIABLE


def test_named_backend_spares_the_model_packages(monkeypatch):
    seen = []

    class Recorder:
        python = Path("PYTHON")

        def __init__(self, folder):
            assert folder == build.VENV

        def ensure(self, pins, groups):
            seen.extend(groups)

    monkeypatch.setattr("motiongpt_blender.backend.setup.installer.Environment", Recorder)
    monkeypatch.setenv(build.BACKEND_PYTHON, sys.executable)
    build.set_up(("torch", "backend", "blender"))
    assert seen == ["blender"]


def test_the_demo_fetches_what_the_default_pack_names_and_else_nothing(tmp_path, monkeypatch):
    commands = []
    monkeypatch.setattr(build, "_run", lambda command: commands.append(command) or 0)
    assert build.fetch_base("PYTHON") == 0 and not commands  # the shipped pack holds its base
    pack = tmp_path / "pack"
    pack.mkdir()
    body = json.loads((build.ROOT / build.PACKS / "starter" / "pack.json").read_text())
    body |= {"base_model": "maker/base", "base_revision": "abc"}
    (pack / "pack.json").write_text(json.dumps(body))
    monkeypatch.setattr("ext_models.packs.DEFAULT_PACK", pack)
    build.fetch_base("PYTHON")
    fetch = ["PYTHON", "-m", "ext_models", "bases", "fetch", "maker/base", "--revision", "abc"]
    assert commands == [fetch]


def test_set_up_failure_is_one_sentence(monkeypatch, capsys):
    def fail(groups):
        raise build.BuildError("the disk is full: make room.")

    monkeypatch.setattr(build, "set_up", fail)
    assert build.main(["demo"]) == 1
    assert capsys.readouterr().err == "build.py: the disk is full: make room.\n"


def test_torch_out_of_reach_names_the_way_out(monkeypatch):
    def ensure(self, pins, groups):
        from motiongpt_blender.backend.setup.install_errors import InstallError

        raise InstallError("PyTorch could not be downloaded: no network.")

    monkeypatch.setattr("motiongpt_blender.backend.setup.installer.Environment.ensure", ensure)
    monkeypatch.delenv(build.BACKEND_PYTHON, raising=False)
    with pytest.raises(
        build.BuildError, match=f"name a Python that has it in {build.BACKEND_PYTHON}"
    ):
        build.set_up(("torch",))


# --- pins -------------------------------------------------------------------------------


def test_every_requirement_is_pinned_and_every_group_has_a_size():
    pins = read_pins(ROOT / "pyproject.toml")
    for name, lines in pins.groups.items():
        assert name in pins.megabytes
        assert all("==" in line.split(";")[0] for line in lines), name


def test_zip_version_is_the_projects():
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text("utf-8"))
    assert manifest["version"] == build._version(ROOT)
    assert len(manifest["tagline"]) <= 64
    assert not manifest["tagline"].endswith(".")
    assert "blender" not in manifest["name"].lower()
    assert all(
        len(reason) <= 64 and reason[-1] != "." for reason in manifest["permissions"].values()
    )


# --- the zip ----------------------------------------------------------------------------


def pack_json(name, licence):
    return json.dumps({"format_version": 2, "name": name, "title": name, "licence": licence})


@pytest.fixture
def checkout(tmp_path):
    """A checkout in small, with things that must stay out of the zip."""
    files = {
        "CHANGELOG.md": "# Changes",
        "LICENSE": "GPL",
        "blender_manifest.toml": 'version = "1.2.3"',
        "docs/animators.md": "# A\n![a](images/b.png)\n![c d](images/a.png) ![a](images/b.png)",
        "docs/developers.md": "![a](images/c.png)",
        "docs/images/a.png": "",
        "docs/images/b.png": "",
        "docs/images/c.png": "",
        "pyproject.toml": '[project]\nversion = "1.2.3"',
        "motiongpt_blender/__init__.py": "",
        "motiongpt_blender/demo/film.py": "",
        "motiongpt_blender/__pycache__/x.pyc": "",
        "ext_models/serving/server.py": "",
        "ext_models/model_packs/README.md": "",
        "ext_models/model_packs/starter/pack.json": pack_json("starter", "CC BY 4.0"),
        "ext_models/model_packs/starter/base/model.safetensors": "",
        "ext_models/model_packs/styles/pack.json": pack_json("styles", "CC BY-NC 4.0"),
        "ext_models/model_packs/styles/MODEL_CARD.md": "",
        "ext_models/model_packs/styles/LICENSE": "",
        "ext_models/model_packs/half_made/base/model.safetensors": "",
        "icons/start.svg": "",
        "tests/support/draw_icons.py": "",
        "tests/x.py": "",
    }
    for name, text in files.items():
        path = tmp_path / "checkout" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "checkout"


def test_zip_holds_the_extension_and_nothing_else(checkout, tmp_path):
    target = build.package(tmp_path, checkout)
    assert target.name == "motiongpt-1.2.3.zip"
    with zipfile.ZipFile(target) as archive:
        assert archive.namelist() == [
            *("__init__.py", "CHANGELOG.md", "LICENSE"),
            *("blender_manifest.toml", "pyproject.toml"),
            *("docs/animators.md", "docs/images/a.png", "docs/images/b.png"),
            *("ext_models/model_packs/README.md",),
            "ext_models/model_packs/starter/base/model.safetensors",
            *("ext_models/model_packs/starter/pack.json", "ext_models/serving/server.py"),
            *("icons/start.svg", "motiongpt_blender/__init__.py"),
        ]
        assert b"from .motiongpt_blender import register, unregister" in archive.read("__init__.py")


def test_a_pack_goes_where_its_licence_lets_it(checkout, tmp_path):
    [archive] = build.package_packs(tmp_path, checkout)
    assert archive.name == "motiongpt-pack-styles-1.2.3.motionpack"
    (checkout / "ext_models/model_packs/styles/pack.json").write_text("{")
    with pytest.raises(build.BuildError, match=r"styles.*pack\.json is not readable JSON"):
        build.package(tmp_path, checkout)


def test_equal_contents_make_equal_zips(checkout, tmp_path):
    first = build.package(tmp_path / "a", checkout).read_bytes()
    os.utime(checkout / "LICENSE", (0, 0))
    assert build.package(tmp_path / "b", checkout).read_bytes() == first


def test_two_versions_are_refused(checkout, tmp_path):
    (checkout / "pyproject.toml").write_text('[project]\nversion = "1.2.4"')
    with pytest.raises(build.BuildError, match=r"says version 1\.2\.3 and pyproject\.toml 1\.2\.4"):
        build.package(tmp_path, checkout)
    assert not list(tmp_path.glob("*.zip"))


def test_a_picture_that_the_manual_lacks_is_named(checkout, tmp_path):
    (checkout / "docs/images/b.png").unlink()
    with pytest.raises(build.BuildError, match=r"b\.png is missing: docs/animators\.md shows it"):
        build.package(tmp_path, checkout)


def test_missing_licence_is_named(checkout, tmp_path):
    (checkout / "LICENSE").unlink()
    with pytest.raises(build.BuildError, match="LICENSE is missing"):
        build.package(tmp_path, checkout)


# --- tiers ------------------------------------------------------------------------------


def test_tiers_add_up_and_name_their_skips(tmp_path, capsys):
    folder = tmp_path / "tier"
    folder.mkdir()
    (folder / "test_x.py").write_text(
        "import pytest\n"
        "def test_good(): pass\n"
        "def test_bad(): assert 0\n"
        "def test_later(): pytest.skip('needs a moon')\n"
    )
    (folder / "conftest.py").write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from tests.conftest import pytest_terminal_summary\n"
    )
    tally = tiers.Tally()
    tiers._run_beside([tiers._tests(sys.executable, "moon", folder)], tally)
    tiers._close(tally)
    out = capsys.readouterr().out
    assert "1 x moon: needs a moon" in out
    assert "test_bad" in out
    assert out.splitlines()[-1] == "1 passed, 1 failed, 1 skipped"


def test_the_blender_of_the_tier_bpy_is_not_tested_twice():
    pins = read_pins(ROOT / "pyproject.toml")
    own = [blender for blender in pins.matrix if tiers._is_own(pins, blender)]
    version = "{}.{}".format(*sys.version_info)
    assert [pins.matrix[blender] for blender in own] == [version]
    assert len(own) < len(pins.matrix)


def test_tiers_beside_each_other_speak_one_after_the_other(capsys):
    def job(name, words):
        return tiers.Job(name, lambda: tiers.Outcome(tiers.Tally(passed=1), words))

    tally = tiers.Tally()
    tiers._run_beside([job("sea", "fish\nwhale"), job("land", "cow")], tally)
    out = capsys.readouterr().out
    assert "== sea ==\nfish\nwhale\n" in out
    assert "== land ==\ncow\n" in out
    assert tally.passed == 2


def test_a_tier_that_does_not_end_is_stopped(tmp_path, monkeypatch):
    (tmp_path / "test_x.py").write_text("import time\ntime.sleep(99)")
    monkeypatch.setattr(tiers, "LIMIT", 3)
    outcome = tiers._pytest(sys.executable, "endless", tmp_path)
    assert outcome.tally.failed == ["endless: did not end within 3 seconds"]


def test_a_tier_that_dies_has_failed(tmp_path):
    (tmp_path / "test_x.py").write_text("import os\nos._exit(7)")
    tally = tiers._pytest(sys.executable, "dead", tmp_path).tally
    assert tally.failed == ["dead: pytest ended with 7 and no report"]


def test_matrix_that_is_not_set_up_is_named_not_built(tmp_path, monkeypatch):
    monkeypatch.setattr(tiers, "cache_folder", lambda: tmp_path)
    tally, pins = tiers.Tally(), read_pins(ROOT / "pyproject.toml")
    assert tiers._matrix(pins, pins.matrix, tally, set_up=False) == []
    assert sum(tally.skipped.values()) == 4
    assert all("test --tier matrix" in reason for reason in tally.skipped)
    assert not list(tmp_path.iterdir())


def test_tier_names_agree():
    parser = build._parser()
    for tier in tiers.TIERS:
        assert parser.parse_args(["test", "--tier", tier]).tier == [tier]
    with pytest.raises(SystemExit):
        parser.parse_args(["test", "--tier", "nonsense"])
    assert isinstance(parser, argparse.ArgumentParser)


def test_what_is_installed_where_is_said_by_name(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "_packs", lambda root, non_commercial: ["starter"])
    extension, pack = tmp_path / "motiongpt-1.zip", tmp_path / "walks.motionpack"
    for path in (extension, pack):
        path.write_bytes(b"")
    assert build._say_package(extension, [pack]) == 0
    said = capsys.readouterr().out
    assert "Install motiongpt-1.zip in Blender" in said and "press Install Pack" in said
    build._say_package(extension, [])
    assert "Install Pack" not in capsys.readouterr().out

"""The packs as they are shipped: written by ``build.py package``, installed, used, removed."""

import json
import zipfile

import pytest

import build
from ext_models.__main__ import main
from ext_models.packs import SHIPPED
from motiongpt_blender.core.body.motion import MotionClip, Origin
from motiongpt_blender.core.packs import manifest

pytest.importorskip("torch", reason="PyTorch is not installed here")
if not (SHIPPED / "styles" / "pack.json").is_file():
    pytest.skip("the pack 'styles' is not in this checkout", allow_module_level=True)


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    return build.package_packs(tmp_path_factory.mktemp("dist"))


def origin_of(folder):
    body = json.loads((folder / "pack.json").read_text(encoding="utf-8"))
    return Origin(body["name"], body["licence"], tuple(body["credits"]))


def test_an_archive_is_installed_used_and_removed(archives, tmp_path, monkeypatch, capsys):
    home = tmp_path / "home"
    monkeypatch.setenv(manifest.VARIABLE, str(home))
    # As on a machine that has the extension only: the name then means the installed pack.
    monkeypatch.setattr("ext_models.packs.SHIPPED", tmp_path / "none")
    (archive,) = [path for path in archives if "-styles-" in path.name]
    assert main(["packs", "install", str(archive)]) == 0
    shipped = origin_of(SHIPPED / "styles")
    assert shipped.licence in capsys.readouterr().out
    made = (tmp_path / "walk.npz", tmp_path / "walk.bvh")
    for out in made:
        asked = ["--seconds", "1", "--candidates", "1", "--device", "cpu", "--out", str(out)]
        assert main(["generate", "--prompt", "a person walks", "--pack", "styles", *asked]) == 0
        assert shipped.licence in capsys.readouterr().out
    assert MotionClip.load(made[0]).origin == shipped
    terms = made[1].with_suffix(".licence.txt").read_text(encoding="utf-8")
    assert all(words in terms for words in (shipped.pack, shipped.licence, *shipped.credits))
    assert main(["packs", "remove", "styles"]) == 0
    assert list(home.iterdir()) == []


def test_the_extension_holds_nothing_non_commercial(archives, tmp_path):
    extension = build.package(tmp_path)
    with zipfile.ZipFile(extension) as archive:
        inside = [n for n in archive.namelist() if n.startswith("ext_models/model_packs/")]
        carried = {n.split("/")[2] for n in inside if n.count("/") > 2}
        assert carried == {"starter", "smollm2"}
        weights = {archive.getinfo(n).CRC for n in inside if n.endswith(".safetensors")}
        bodies = [json.loads(archive.read(n)) for n in inside if n.endswith("/pack.json")]
    assert len(bodies) == 3  # one is the planner's
    for body in bodies:
        assert not manifest.is_non_commercial(body["licence"])
        assert not any("bandai" in line.lower() or "-NC" in line for line in body["credits"])
    for path in archives:
        with zipfile.ZipFile(path) as archive:
            bound = [i for i in archive.infolist() if i.filename.endswith(".safetensors")]
        assert bound and not weights & {i.CRC for i in bound}, path.name

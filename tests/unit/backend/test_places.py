"""Places that are hard for Set Up: folders of others, deep paths, what an older version made."""

import json
import sys
from pathlib import Path

import pytest

from motiongpt_blender.backend.child_task import Phase, set_up
from motiongpt_blender.backend.setup.environment_folder import State
from motiongpt_blender.backend.setup.installer import Environment
from motiongpt_blender.backend.setup.places import INSIDE, STAMP, environment_in, is_free
from tests.unit.backend.test_child_task import BASE, begun, folder, root  # noqa: F401

posix = pytest.mark.skipif(sys.platform == "win32", reason="uses links")


def test_files_of_others_are_never_moved(tmp_path):
    documents = tmp_path / "Documents"
    documents.mkdir()
    assert environment_in(documents) == documents, "an empty folder is used as it is"
    assert environment_in(tmp_path / "new") == tmp_path / "new"
    (documents / "letter.txt").write_text("mine")
    assert environment_in(documents) == documents / INSIDE
    (documents / STAMP).write_text("{}")
    assert environment_in(documents) == documents, "ours, even if its stamp is broken"


@posix
def test_set_up_into_a_folder_with_files_makes_its_own_inside(root, tmp_path):  # noqa: F811
    documents = tmp_path / "Documents"
    documents.mkdir()
    (documents / "letter.txt").write_text("mine")
    task = set_up(BASE, root, documents)
    task.wait()
    assert task.progress.phase is Phase.DONE, task.progress.text
    assert task.progress.made == documents / INSIDE / "bin" / "python"
    assert (documents / "letter.txt").read_text() == "mine"
    assert not list(tmp_path.glob("*.old"))


def test_a_file_is_no_free_folder(tmp_path):
    (tmp_path / "letter.txt").write_text("mine")
    assert not is_free(tmp_path / "letter.txt")
    assert environment_in(tmp_path / "letter.txt") == tmp_path / "letter.txt" / INSIDE


def test_a_folder_that_is_still_empty_is_no_obstacle(tmp_path):
    environment = Environment(tmp_path / "made by hand")
    environment.folder.mkdir()
    assert environment.state() is State.ABSENT


def test_a_stamp_is_whole_or_not_there(tmp_path, monkeypatch):
    environment = Environment(tmp_path)
    environment.write({"torch": ["torch==1.0"]})
    kept = (tmp_path / STAMP).read_text()

    def die_on_the_way(self, text, *_):
        self.open("w").close()
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_text", die_on_the_way)
    with pytest.raises(KeyboardInterrupt):
        environment.write({})
    assert (tmp_path / STAMP).read_text() == kept


@posix
def test_a_path_of_240_characters_with_umlauts_and_spaces(root, tmp_path):  # noqa: F811
    deep = tmp_path
    while len(str(deep)) < 238 - len("/Umgebung für Größe"):
        left = 238 - len("/Umgebung für Größe") - len(str(deep))
        deep = deep / "ein Ordner mit Öl ä ß"[: max(left - 1, 1)].strip()
    deep = deep / "Umgebung für Größe"
    assert 230 <= len(str(deep)) <= 245
    task = set_up(BASE, root, deep)
    task.wait()
    assert task.progress.phase is Phase.DONE, task.progress.text
    assert task.progress.made == deep / "bin" / "python"


@posix
def test_what_an_older_version_made_is_brought_up_to_date_in_place(root, begun):  # noqa: F811
    stamp = json.loads((begun / STAMP).read_text())
    stamp["groups"] = {"torch": ["torchlike==0.1"], "gone": ["no-longer-used==3.0"]}
    (begun / STAMP).write_text(json.dumps(stamp))
    (begun / "older.txt").write_text("what lay there")
    task = set_up(BASE, root, begun)
    task.wait()
    assert task.progress.phase is Phase.DONE, task.progress.text
    assert (begun / "older.txt").exists() and not list(begun.parent.glob("*.old"))
    groups = json.loads((begun / STAMP).read_text())["groups"]
    assert groups["torch"] == ["torchlike==1.0"] and groups["backend"] == ["tiny==2.0"]


def test_stages_are_told_in_words(tmp_path, monkeypatch):
    said = []
    environment = Environment(tmp_path)
    monkeypatch.setattr(Environment, "_call", lambda self, command, what, *_: said.append(what))
    for group in ("torch", "backend"):
        environment._install(group, [f"{group}==1"], None, said.append)
    assert said == [
        "Installing PyTorch ...",
        "PyTorch",
        "Installing the model's packages ...",
        "the model's packages",
    ]

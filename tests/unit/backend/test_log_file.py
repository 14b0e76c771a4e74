"""One log that rotates."""

import logging

import pytest

from motiongpt_blender.backend import log_file
from motiongpt_blender.backend.log_file import close_log, last_lines, log_path, open_log


@pytest.fixture(autouse=True)
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("MOTIONGPT_LOG", str(tmp_path / "a place" / "m.log"))
    return tmp_path / "a place" / "m.log"


def test_what_the_modules_say_is_kept_and_warnings_reach_the_console(path, capsys):
    handlers = open_log("some.package")
    logging.getLogger("some.package.backend").info("detail ü")
    logging.getLogger("some.package.backend").error("bad")
    close_log("some.package", handlers)
    logging.getLogger("some.package").error("after")
    assert [line.split(" ", 3)[3] for line in last_lines()] == ["detail ü", "bad"]
    assert log_path() == path
    assert "bad" in capsys.readouterr().err


def test_it_rotates_and_never_holds_more_than_two_files(path, monkeypatch):
    monkeypatch.setattr(log_file, "LONGEST", 2000)
    handlers = open_log("some.package")
    for k in range(500):
        logging.getLogger("some.package").info("line %d", k)
    close_log("some.package", handlers)
    assert {file.name for file in path.parent.iterdir()} == {"m.log", "m.log.1"}
    assert sum(file.stat().st_size for file in path.parent.iterdir()) < 4100
    assert last_lines()[-1].endswith("line 499")


def test_without_a_place_the_console_alone_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MOTIONGPT_LOG", str(tmp_path / "file" / "m.log"))
    handlers = open_log("some.package")
    assert len(handlers) == 1 and last_lines() == []
    close_log("some.package", handlers)

"""Logging: where messages go, and what they look like."""

import logging

import pytest

from ext_models import logs


@pytest.fixture(autouse=True)
def restored():
    logger = logging.getLogger(logs.ROOT)
    kept = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.propagate = kept[0], kept[2]
    logger.setLevel(kept[1])


def test_messages_go_to_standard_error_alone(capsys):
    logs.set_up()
    module = logging.getLogger("ext_models.training.trainer")
    module.info("resumed at step %d", 7)
    module.warning("too few clips")
    module.debug("a detail")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "resumed at step 7\nWarning: too few clips\n"


def test_verbose_shows_details_and_modules_once(capsys):
    logs.set_up()
    logs.set_up(verbose=True)
    logging.getLogger("ext_models.packs").debug("a detail")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("DEBUG ext_models.packs: a detail")


def test_messages_of_other_packages_are_left_alone(capsys):
    logs.set_up(verbose=True)
    logging.getLogger("transformers").info("not ours")
    assert "not ours" not in capsys.readouterr().err

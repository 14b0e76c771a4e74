"""Messages on standard error, as the command line sets them up."""

import logging

import pytest

from ext_models import logs


@pytest.fixture(autouse=True)
def logging_set_up():
    logger = logging.getLogger(logs.ROOT)
    handlers, level, propagate = logger.handlers[:], logger.level, logger.propagate
    logs.set_up()
    yield
    logger.handlers[:], logger.propagate = handlers, propagate
    logger.setLevel(level)

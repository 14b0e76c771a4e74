"""What the tests of the model's process share."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("MOTIONGPT_SHARED", ROOT.parent / "shared"))


def _shared(name):
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"needs {name}/ of the folder that MOTIONGPT_SHARED names; it is not there")
    return folder


@pytest.fixture(scope="session")
def golden():
    """Vectors of the reference system."""
    return _shared("golden")


@pytest.fixture(scope="session")
def data():
    """The motion data with captions."""
    return _shared("data")

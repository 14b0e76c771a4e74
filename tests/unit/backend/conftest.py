"""What the tests of environments share."""

import pytest

from motiongpt_blender.backend.setup.installer import Environment
from motiongpt_blender.backend.setup.pins import Pins


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """A folder of wheels as pip's only source."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL", "UV_TORCH_BACKEND"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """One real environment without packages; tests work on copies of it."""
    environment = Environment(tmp_path_factory.mktemp("template") / "venv")
    environment.ensure(Pins({}, {}, {}), [], say=lambda _: None)
    return environment.folder

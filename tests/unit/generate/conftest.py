import pytest

from motiongpt_blender import paths
from tests.support.stage import Stage


@pytest.fixture
def job_folders(tmp_path, monkeypatch):
    """The folder that holds the job folders, in place of the user's."""
    folders = (tmp_path / f"job{number}" for number in range(1000))

    def new_folder():
        folder = next(folders)
        folder.mkdir()
        return folder

    monkeypatch.setattr(paths, "new_job_folder", new_folder)
    return tmp_path


@pytest.fixture
def stage(job_folders):
    return Stage()

"""A base fetched by a child of Blender: its progress, stopped and gone on with, its refusals."""

import sys

import pytest
from transformers import LlamaConfig

from motiongpt_blender.backend.child_task import Phase, fetch_base
from motiongpt_blender.core.folder_lock import FolderLock
from motiongpt_blender.core.packs.fetched_bases import find_fetched
from tests.support.base_sources import COMMIT, serving
from tests.support.bases import SIZES, write_base
from tests.support.child_processes import ROOT

ID = "maker/tiny-base"


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A hub on this machine with one base; the child can reach nothing else."""
    config = LlamaConfig(**SIZES, tie_word_embeddings=True)
    model = write_base(tmp_path / "model", config)
    monkeypatch.setenv("MOTIONGPT_BASES", str(tmp_path / "bases"))
    with serving() as site:
        site.add_to_hub(ID, model)
        for name, value in {
            "HF_ENDPOINT": site.address, "HF_HOME": str(tmp_path / "hub"),
            "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        yield site


def ended(task):
    """How a task ended; what it said is one sentence."""
    task.wait()
    text = task.progress.text
    assert "Traceback" not in text and "\n" not in text and text.endswith("."), text
    return task.progress


def test_a_stopped_download_goes_on_and_tells_its_bytes(site, tmp_path):
    site.stalls = "/model.safetensors"
    task = fetch_base(sys.executable, ROOT, ID, COMMIT)
    assert site.half_sent.wait(240), task.progress
    while task.progress.fraction < 0.1:  # the watcher looks twice a second
        assert task.progress.phase is Phase.RUNNING, task.progress
    assert task.progress.fraction < 0.9
    assert "MB to download" in task.progress.text
    task.cancel()
    assert ended(task).phase is Phase.CANCELLED
    assert find_fetched(ID) is None
    site.stalls, site.asked = "", []
    second = fetch_base(sys.executable, ROOT, ID, COMMIT)
    end = ended(second)
    assert (end.phase, end.fraction) == (Phase.DONE, 1.0), end.text
    base = find_fetched(ID, COMMIT)
    assert end.made == base.folder and not base.damage()
    assert site.ranges("/model.safetensors") and not site.ranges("/tokenizer.json")


def test_another_file_than_the_hub_says_is_one_sentence(site):
    address = f"/{ID}/resolve/{COMMIT}/model.safetensors"
    body, headers = site.files[address]
    site.files[address] = (body[:-1] + bytes([body[-1] ^ 1]), headers)
    end = ended(fetch_base(sys.executable, ROOT, ID, COMMIT))
    assert end.phase is Phase.FAILED and "another file than the hub says" in end.text
    assert end.made is None and find_fetched(ID) is None


def test_no_network_and_a_second_blender_are_one_sentence(site, tmp_path, monkeypatch):
    (tmp_path / "bases").mkdir()
    with FolderLock(tmp_path / "bases" / "fetching"):
        end = ended(fetch_base(sys.executable, ROOT, ID, COMMIT))
    assert end.phase is Phase.FAILED and "by another program" in end.text
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    end = ended(fetch_base(sys.executable, ROOT, ID, COMMIT))
    assert end.phase is Phase.FAILED and "check the network" in end.text
    asked = len(site.asked)
    end = ended(fetch_base(sys.executable, ROOT, ID, COMMIT, offline=True))
    assert end.phase is Phase.FAILED and "cannot be had from the wheel" in end.text
    assert len(site.asked) == asked, "the hub was asked though Blender is offline"

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


@pytest.fixture
def vqvae_file(tmp_path):
    """A small VQ-VAE checkpoint of the reference."""
    import torch

    from tests.support import reference_files

    path = tmp_path / "t2m.pth"
    torch.save({"net": reference_files.vqvae_tensors()}, path)
    return path


@pytest.fixture
def llama_files(tmp_path):
    """A small language model of the reference, base and LoRA."""
    import torch

    from tests.support import reference_files

    base, lora = tmp_path / "lit-llama.pth", tmp_path / "pretrained.pth"
    torch.save(reference_files.llama_tensors(), base)
    torch.save(reference_files.lora_tensors(), lora)
    return base, lora

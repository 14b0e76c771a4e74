"""Weights of a pack that are cut off, not finite or of absurd sizes: one sentence each."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from ext_models import packs
from ext_models.language.base_models.bases import Loading, config_of, load_located
from ext_models.language.base_models.locating import Location
from ext_models.text_motion import model as text_motion
from ext_models.tokenizer.clip_summary import ClipSummary
from ext_models.tokenizer.vqvae import load_tokenizer
from tests.support.memory import at_most

LOADERS = {
    "motion_tokenizer.safetensors": load_tokenizer,
    "clip_summary.safetensors": ClipSummary.load,
    "reranker/text_motion.safetensors": lambda folder: text_motion.load(folder / "reranker"),
}


@pytest.fixture
def pack(tmp_path):
    return shutil.copytree(packs.DEFAULT_PACK, tmp_path / "starter")


def refused(load, folder, words):
    with pytest.raises(packs.PackError, match=words) as caught:
        load(folder)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


@pytest.mark.parametrize("name", LOADERS)
def test_weights_that_are_cut_off(pack, name):
    data = (pack / name).read_bytes()
    (pack / name).write_bytes(data[: len(data) // 2])
    refused(LOADERS[name], pack, "damaged")


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(pack, name, number):
    state = load_file(pack / name)
    key = max(state, key=lambda k: state[k].numel())
    state[key].view(-1)[3] = number
    save_file(state, pack / name)
    refused(LOADERS[name], pack, "not finite")


def changed(path, **values):
    body = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(body | values))


@pytest.mark.parametrize("field", ["downsamplings", "levels", "width", "codes"])
def test_a_tokenizer_of_absurd_sizes(pack, field):
    changed(pack / "motion_tokenizer.json", **{field: 10**9})
    with at_most(2**24):
        refused(load_tokenizer, pack, f"{field} = 1000000000: at most")


@pytest.mark.parametrize("field", ["motion_layers", "buckets", "width"])
def test_a_reranker_of_absurd_sizes(pack, field):
    path = pack / "reranker" / "text_motion.json"
    changed(path, config=json.loads(path.read_text("utf-8"))["config"] | {field: 2**30})
    with at_most(2**24):
        refused(text_motion.load, pack / "reranker", f"{field} is 1 to")


@pytest.mark.parametrize("field", ["num_hidden_layers", "hidden_size", "vocab_size"])
def test_a_base_of_absurd_sizes(pack, field):
    changed(pack / "base" / "config.json", **{field: 10**9})
    refused(lambda f: config_of(Location(f)), pack / "base", f"{field} 1000000000")


def test_a_base_whose_configuration_describes_no_model(pack):
    changed(pack / "base" / "config.json", rope_parameters={"rope_theta": "x"})
    refused(lambda f: load_located(Location(f), Loading()), pack / "base", "cannot be loaded")


def test_the_largest_half_precision_numbers_are_finite():
    packs.check_finite(packs.DEFAULT_PACK, [torch.full((100,), 60_000.0).half()])

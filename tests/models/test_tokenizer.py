"""The tokenizer: shapes, round trips, single poses, files."""

import numpy as np
import pytest
import torch

from ext_models import packs
from ext_models.tokenizer import vqvae as v

SMALL = v.TokenizerConfig(width=16, code_width=8, codes=12, levels=2)


@pytest.fixture
def model():
    torch.manual_seed(0)
    made = v.VQVAE(SMALL).eval()
    for book in made.quantizer.books:
        book.codebook.normal_()
    return made


def test_codes_have_a_step_every_four_frames(model):
    codes = model.encode(torch.randn(2, 35, 263))
    assert codes.shape == (2, 8, 2)
    assert model.decode(codes).shape == (2, 32, 263)


def test_looking_codes_up_gives_what_was_quantised(model):
    z = torch.randn(3, 8, 5)
    quantised, codes, _ = model.quantizer(z)
    assert torch.allclose(model.quantizer.look_up(codes), quantised, atol=1e-5)


def test_a_held_pose_is_the_middle_of_a_long_window(model):
    pose = torch.randn(4, 263)
    long = model.encoder(pose[:, :, None].expand(-1, -1, 200))
    assert torch.allclose(v.held_still(model.encoder, pose), long[..., 25], atol=1e-5)
    code = torch.randn(4, 8)
    long = model.decoder(code[:, :, None].expand(-1, -1, 50))
    assert torch.allclose(v.held_still(model.decoder, code), long[..., 100], atol=1e-5)


def test_files_round_trip(model, tmp_path):
    v.save_tokenizer(model, tmp_path)
    back = v.load_tokenizer(tmp_path)
    assert back.config == SMALL
    codes = torch.randint(12, (1, 5, 2))
    assert torch.allclose(back.decode(codes), model.decode(codes), atol=1e-2)  # half precision


@pytest.mark.parametrize("fault", ["missing", "truncated", "config"])
def test_a_broken_pack_names_the_file(model, tmp_path, fault):
    v.save_tokenizer(model, tmp_path)
    weights = tmp_path / packs.TOKENIZER_WEIGHTS
    if fault == "missing":
        weights.unlink()
    elif fault == "truncated":
        weights.write_bytes(weights.read_bytes()[:-100])
    else:
        (tmp_path / packs.TOKENIZER_CONFIG).write_text('{"width": "wide"}')
    name = packs.TOKENIZER_CONFIG if fault == "config" else packs.TOKENIZER_WEIGHTS
    with pytest.raises(packs.PackError, match=name):
        v.load_tokenizer(tmp_path)


def test_poses_keep_their_height_and_lose_their_place(model):
    rng = np.random.default_rng(0)
    poses = rng.normal(size=(3, 22, 3)).astype(np.float32)
    moved = poses + np.array([5, 0, -3], np.float32)
    assert np.array_equal(model.encode_poses(poses), model.encode_poses(moved))

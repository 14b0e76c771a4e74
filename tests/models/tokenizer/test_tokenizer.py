"""The tokenizer: shapes, round trips, single poses, files."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ext_models import packs
from ext_models.tokenizer import training
from ext_models.tokenizer import vqvae as v
from ext_models.tokenizer.quantizers import ResidualQuantizer, ScalarQuantizer

SMALL = v.TokenizerConfig(width=16, code_width=8, codes=12, levels=2)
PATCHES = replace(SMALL, form="patches")
LAPPED = replace(PATCHES, lap=2)
SCALAR = replace(PATCHES, quantizer="scalar", codes=240)


@pytest.fixture(
    params=[SMALL, PATCHES, LAPPED, SCALAR], ids=["convolutions", "patches", "lapped", "scalar"]
)
def model(request):
    torch.manual_seed(0)
    made = v.VQVAE(request.param).eval()
    if isinstance(made.quantizer, ResidualQuantizer):
        for book in made.quantizer.books:
            book.codebook.normal_()
    for name, values in made.named_parameters():
        if ".refine.out" in name:  # begins as the identity, which would prove little
            values.data.normal_(0, 0.1)
    return made


def test_codes_have_a_step_every_four_frames(model):
    codes = model.encode(torch.randn(2, 35, 263))
    assert codes.shape == (2, 8, 2)
    assert model.decode(codes).shape == (2, 32, 263)


def test_looking_codes_up_gives_what_was_quantised(model):
    z = torch.randn(3, 8, 5)
    quantised, codes, _ = model.quantizer(z)
    assert torch.allclose(model.quantizer.look_up(codes), quantised, atol=1e-5)


def test_codes_are_the_best_together():
    """The search compares sums of codes: as good as trying all of them, better than in a row."""
    torch.manual_seed(0)
    quantizer = ResidualQuantizer(levels=2, codes=8, width=4)
    for scale, book in zip((1.0, 0.7), quantizer.books, strict=True):
        book.codebook.normal_(0, scale)
    z = torch.randn(1, 4, 200)

    def errors(codes):
        return (quantizer.look_up(codes) - z).pow(2).sum(1)[0]

    every = torch.cartesian_prod(torch.arange(8), torch.arange(8))
    least = torch.cdist(z[0].T, quantizer.look_up(every[:, None])[..., 0]).pow(2).amin(1)
    in_a_row = errors(quantizer.eval()(z)[1])
    assert torch.allclose(errors(quantizer.encode(z)), least, atol=1e-5)
    assert least.mean() < 0.95 * in_a_row.mean()
    first = quantizer.encode(z, 1)
    assert first.shape == (1, 200, 1)
    assert torch.equal(first[..., 0], quantizer(z)[1][..., 0])
    assert not torch.equal(first, quantizer.encode(z)[..., :1])


def test_a_held_pose_is_the_middle_of_a_long_window(model):
    pose = torch.randn(4, 263)
    long = model.encoder(pose[:, :, None].expand(-1, -1, 200))
    assert torch.allclose(model.encoder.still(pose), long[..., 25], atol=1e-4)
    code = torch.randn(4, 8)
    long = model.decoder(code[:, :, None].expand(-1, -1, 50))
    assert torch.allclose(model.decoder.still(code), long[..., 100:104].mean(-1), atol=1e-4)


@pytest.mark.parametrize("made", [PATCHES, LAPPED, SCALAR], ids=["residual", "lapped", "scalar"])
def test_training_begins_at_a_working_tokenizer(made):
    torch.manual_seed(0)
    # Motion of few dimensions, as real motion is: the components catch all of it.
    directions = torch.randn(3, 263)
    tempo = torch.tensor([0.1, 0.23, 0.37])

    class Few:
        def draw(self):
            time = torch.arange(64)[None, :, None] + 60 * torch.rand(8, 1, 3)
            return torch.sin(time * tempo) @ directions, torch.ones(8, 64, 1)

    model = v.VQVAE(replace(made, width=8, code_width=16, codes=240, levels=4))
    training.initialize(model, Few(), batches=20)
    x, _ = Few().draw()
    plain = model.decoder(model.encoder(x.movedim(-1, 1))).movedim(1, -1)
    assert torch.allclose(plain, x, atol=1e-2)
    error = (model.eval()(x)[0] - x).pow(2).mean() / x.pow(2).mean()
    assert error < 0.1


def test_lapped_patches_cross_fade():
    """Two steps that each say one value: what lies between them is a line, not a seam."""
    decoder = v.VQVAE(replace(LAPPED, channels=1, code_width=1)).decoder
    torch.nn.init.ones_(decoder.project.weight)
    torch.nn.init.zeros_(decoder.project.bias)
    message = decoder(torch.tensor([[[0.0, 8.0, 8.0]]]))[0, 0].tolist()
    assert message == pytest.approx([0, 0, 1, 3, 5, 7, 8, 8, 8, 8, 8, 8])
    with pytest.raises(ValueError, match="0 to 2 frames"):
        replace(LAPPED, lap=3)


def test_scalars_make_every_code_and_no_other():
    torch.manual_seed(0)
    quantizer = ScalarQuantizer(levels=2, codes=240, width=8)
    _, codes, loss = quantizer(5 * torch.randn(4, 8, 5000))
    assert codes.min() == 0
    assert codes.max() == 239
    assert len(codes.unique()) == 240
    assert loss == 0
    with pytest.raises(ValueError, match="240"):
        ScalarQuantizer(2, 300, 8)


def test_gradients_pass_through_the_codes(model):
    x = torch.randn(2, 32, 263)
    model(x)[0].pow(2).sum().backward()
    assert all(p.grad is not None for p in model.encoder.parameters())


def test_an_upper_body_keeps_its_height_over_its_new_pelvis():
    rng = np.random.default_rng(0)
    x, other = rng.normal(size=(2, 3, 5, 263)).astype(np.float32)
    mixed = training.with_upper_body(x, other)
    height, head, foot = 3, 4 + 3 * 14 + 1, 4 + 3 * 9
    assert np.allclose(mixed[..., head] - mixed[..., height], other[..., head] - other[..., height],
                       atol=1e-5)  # fmt: skip
    assert np.array_equal(mixed[..., :4], x[..., :4])
    assert np.array_equal(mixed[..., foot : foot + 3], x[..., foot : foot + 3])


def test_files_round_trip(model, tmp_path):
    v.save_tokenizer(model, tmp_path)
    back = v.load_tokenizer(tmp_path)
    assert back.config == model.config
    codes = torch.randint(12, (1, 5, 2))
    assert torch.allclose(back.decode(codes), model.decode(codes), atol=2e-2)  # half precision


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

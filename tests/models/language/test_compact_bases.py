"""Bases that travel: cut to their first layers, in few bits, and what is left after that."""

import pytest
import torch
from transformers import LlamaConfig

from ext_models.__main__ import main
from ext_models.language.base_models import bases, compact
from ext_models.packs import PackError
from tests.support.bases import SIZES, write_base

WIDE = SIZES | {
    "hidden_size": 64, "intermediate_size": 128, "head_dim": 32, "num_hidden_layers": 4,
}  # fmt: skip


@pytest.fixture
def base(tmp_path):
    return write_base(tmp_path / "base", LlamaConfig(**WIDE, tie_word_embeddings=True))


@pytest.mark.parametrize(("bits", "bytes_each"), [(4, 0.5 + 4 / 32), (8, 1 + 4 / 32)])
def test_integers_are_within_half_a_step(bits, bytes_each):
    torch.manual_seed(0)
    weight = torch.randn(50, 128) * torch.logspace(-3, 1, 50)[:, None]
    weight[3, :32] = 0.25  # a group without any range
    stored = compact.quantise(weight, bits)
    assert sum(part.nbytes for part in stored) == bytes_each * weight.numel()
    error = (compact.dequantise(*stored) - weight).unflatten(1, (-1, 32)).abs().amax(-1)
    span = weight.unflatten(1, (-1, 32))
    step = (span.amax(-1) - span.amin(-1)) / (2**bits - 1)
    assert (error <= 0.52 * step + 2e-3 * span.abs().amax(-1)).all()
    assert error.max() > 0.3 * step.max()


def test_a_cut_base_is_the_first_layers(base, tmp_path, capsys):
    out = tmp_path / "cut"
    assert main(["bases", "cut", str(base), "--layers", "2", "--out", str(out)]) == 0
    assert "base written to" in capsys.readouterr().out
    whole, _ = bases.load_plain_base(str(base), None)
    model, _ = bases.load_plain_base(str(out), None)
    assert len(model.model.layers) == 2
    for name, weight in model.named_parameters():
        assert torch.allclose(weight, whole.get_parameter(name), rtol=1e-2), name


def test_a_compact_base_is_small_and_expands_to_the_same_model(base, tmp_path):
    out, plain = tmp_path / "compact", tmp_path / "plain"
    asked = ["bases", "cut", str(base), "--layers", "3", "--out"]
    assert main([*asked, str(out), "--compact"]) == 0
    assert main([*asked, str(plain)]) == 0
    sizes = [
        (f / n).stat().st_size for f, n in ((out, compact.COMPACT), (plain, "model.safetensors"))
    ]
    assert sizes[0] < 0.45 * sizes[1]
    assert main(["bases", "expand", str(out)]) == 0
    assert not (out / compact.COMPACT).exists()
    (expanded, text), (model, _) = (bases.load_plain_base(str(f), None) for f in (out, plain))
    tokens = torch.tensor([text("a person walks forward.").input_ids])
    with torch.no_grad():
        hidden, expected = (
            m.model(tokens).last_hidden_state for m in (expanded.eval(), model.eval())
        )
    error = float((hidden - expected).norm() / expected.norm())
    assert 1e-4 < error < 0.15


def test_what_cannot_be_cut_or_expanded(base, tmp_path):
    with pytest.raises(PackError, match="has 4 layers and the recipe keeps 9"):
        compact.cut_base(str(base), 9, tmp_path / "a", compact=True)
    with pytest.raises(PackError, match="is not empty: name a new folder"):
        compact.cut_base(str(base), 2, base, compact=True)
    with pytest.raises(PackError, match=r"compact\.safetensors"):
        compact.expand_base(base)
    compact.cut_base(str(base), 2, tmp_path / "b", compact=True)
    path = tmp_path / "b" / compact.COMPACT
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(PackError, match=r"is damaged .*: cut the base again"):
        compact.expand_base(tmp_path / "b")

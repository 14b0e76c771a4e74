"""The narrow head: the numbers of the whole head, of a fraction of its multiplications."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import LlamaConfig

from ext_models.generation import decoding
from ext_models.language import loss, narrow_head
from ext_models.language import vocabulary as voc
from ext_models.language.base_models import adapters as m
from ext_models.language.base_models import bases
from ext_models.language.corpus import batch_of
from motiongpt_blender.wire import Sampling
from tests.support import tiny_pack
from tests.support.bases import CONFIGS, SIZES, VOCABULARY, write_base

WORDS = [7, 8, 9]


def whole_head(model, inputs, wanted):
    """What ``wanted_logits`` gives, out of all logits of the model."""
    logits = model(**inputs).logits
    return [logits[one.tokens][:, one.ids] for one in wanted]


def batch(ids, end=2):
    """Two motions of different lengths, and a caption of a third."""
    return batch_of(
        [
            ([*WORDS, ids.start], [*ids.of_codes([[1, 2], [3, 4], [5, 6]]), ids.end]),
            ([ids.start, *ids.of_codes([[5, 6]]), ids.end], [*WORDS, end]),
            ([*range(5, 20), ids.start], [*ids.of_codes([[7, 11]]), ids.end]),
        ],
        ids.pad,
    )


def prepared(name, folder, method):
    model, text = m.load_base(str(write_base(folder, CONFIGS[name])), None, VOCABULARY)
    ids = voc.TokenIds.of(text, VOCABULARY)
    if method == "full":
        return m.train_everything(model).eval(), ids
    rows = list(ids.ids.values())
    adapted = m.add_adapter(model, m.AdapterConfig(rank=2, dropout=0.0), rows)
    with torch.no_grad():  # as after some training: no part of the adapter is zero
        for weights in adapted.parameters():
            if weights.requires_grad:
                weights.add_(0.1 * torch.randn_like(weights))
    return adapted.eval(), ids


def measured(model, ids):
    weights = loss.TokenWeights(ids, (1.0, 0.25), torch.device("cpu"))
    found = weights.measure(model, batch(ids))
    model.zero_grad()
    found.loss.backward()
    return found, {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.parametrize("name", CONFIGS)
def test_loss_and_gradients_are_those_of_the_whole_head(name, method, tmp_path, monkeypatch):
    model, ids = prepared(name, tmp_path / "base", method)
    narrow, gradients = measured(model, ids)
    monkeypatch.setattr(loss, "wanted_logits", whole_head)
    whole, expected = measured(model, ids)
    assert narrow.loss.item() == pytest.approx(whole.loss.item(), rel=1e-5)
    assert (narrow.right, narrow.asked) == (whole.right, whole.asked)
    assert gradients.keys() == expected.keys()
    for weights, gradient in gradients.items():
        size = float(expected[weights].abs().max())
        assert torch.allclose(gradient, expected[weights], rtol=1e-4, atol=1e-5 * size), weights
    assert max(float(g.abs().max()) for g in gradients.values()) > 1e-3


def test_each_token_competes_with_its_kind():
    """The loss written out: codes among their level, the end among the added, words among all."""
    torch.manual_seed(1)
    text = tiny_pack.text_tokenizer()
    ids = voc.TokenIds.of(text, VOCABULARY)
    model = m.new_base(m.BaseConfig(hidden=16, layers=1, heads=2, mlp=16), text).eval()
    given, weights = batch(ids), {0: 1.0, 1: 0.25}
    logits = model(**{k: v for k, v in given.items() if k != "labels"}).logits
    total = count = right = 0.0
    for row, at in (given["labels"] != loss.IGNORED).nonzero().tolist():
        wanted = int(given["labels"][row, at])
        levels = [k for k, f in enumerate(ids.first_code) if f <= wanted < f + VOCABULARY.codes]
        if levels:
            first = ids.first_code[levels[0]]
            kind, weight = range(first, first + VOCABULARY.codes), weights[levels[0]]
        else:
            kind = sorted(ids.ids.values()) if wanted == ids.end else range(logits.shape[-1])
            weight = 1.0
        shares, column = logits[row, at - 1, list(kind)].log_softmax(-1), list(kind).index(wanted)
        total, count = total - weight * shares[column].item(), count + weight
        right += int(shares.argmax()) == column
    found = loss.TokenWeights(ids, (1.0, 0.25), torch.device("cpu")).measure(model, given)
    assert found.loss.item() == pytest.approx(total / count, rel=1e-5)
    assert (found.right, found.asked) == (right, int((given["labels"] != loss.IGNORED).sum()))


@pytest.mark.parametrize("name", CONFIGS)
def test_the_wanted_ids_alone_have_logits(name, tmp_path):
    model, ids = prepared(name, tmp_path / "base", "lora")
    tokens, some = torch.tensor([[5, 6, ids.start]]), slice(ids.first_code[0], ids.first_code[1])
    with torch.no_grad():
        whole = model(input_ids=tokens).logits
        with narrow_head.only_ids(model, some):
            narrow = model(input_ids=tokens).logits
        after = model(input_ids=tokens).logits
    assert torch.allclose(narrow[..., some], whole[..., some], rtol=1e-5, atol=1e-6)
    assert narrow.shape == whole.shape
    assert int(narrow.isfinite().sum()) == 3 * (some.stop - some.start)
    assert torch.equal(after, whole)


def test_an_error_leaves_the_whole_head(tmp_path):
    model, ids = prepared("llama, tied", tmp_path / "base", "lora")
    head = model.get_output_embeddings()
    with pytest.raises(RuntimeError, match="stop"), narrow_head.only_ids(model, ids.added):
        raise RuntimeError("stop")
    assert model.get_output_embeddings() is head


def test_little_is_multiplied():
    """Of a head with 20 times the rows, the motion's are multiplied, at the answer's tokens."""
    text = tiny_pack.text_tokenizer()
    ids = voc.TokenIds.of(text, VOCABULARY)
    config = LlamaConfig(**SIZES | {"vocab_size": 20 * len(text)}, tie_word_embeddings=True)
    torch.manual_seed(0)
    model = bases.AutoModelForCausalLM.from_config(config)
    rows = list(ids.ids.values())
    model = m.add_adapter(model, m.AdapterConfig(rank=2, dropout=0.0), rows)
    given = batch_of([([*WORDS, ids.start], [*ids.of_codes([[1, 2]]), ids.end])] * 2, ids.pad)
    weights = loss.TokenWeights(ids, (), torch.device("cpu"))
    inputs = {k: v for k, v in given.items() if k != "labels"}

    def counted(call):
        with FlopCounterMode(display=False) as counter:
            call()
        return counter.get_total_flops()

    body = counted(lambda: model.base_model.model.model(**inputs))
    trained = counted(lambda: weights.loss(model, given))
    assert trained - body < 0.01 * (counted(lambda: model(**inputs)) - body)
    asked = [decoding.TokenPrompt([*WORDS, ids.start], [ids.start], 2, seed=0)]
    write = counted(lambda: decoding.generate_codes(model.eval(), ids, asked, Sampling()))
    steps = 2 * VOCABULARY.levels
    head = 2 * len(text) * 20 * SIZES["hidden_size"]
    assert write < steps * 0.2 * head + 2 * body

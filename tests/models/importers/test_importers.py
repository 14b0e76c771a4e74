"""The reference's files: exact to its own numbers, and harmless whatever is in them."""

import os
import pickle

import numpy as np
import pytest
import torch

from ext_models import packs
from ext_models.importers import guo_networks
from ext_models.importers import reference as ref
from ext_models.importers.lit_llama import half_split
from ext_models.importers.reading import read_array, read_checkpoint, read_plain_pickle
from tests.support import reference_files as files
from tests.support.memory import at_most

LOADERS = [ref.load_vqvae, ref.load_language_model, ref.load_evaluator]


def small_evaluator():
    torch.manual_seed(4)
    made = guo_networks.GuoNetwork(
        guo_networks.MovementEncoder(259, 6, 5),
        guo_networks.MotionEncoder(5, 4, 3),
        guo_networks.TextEncoder(8, 15, 7, 3),
    )
    for own in (made.motion_encoder, made.text_encoder):
        own.hidden.data.normal_()
    return made.eval()


@pytest.fixture
def evaluator_file(tmp_path):
    made, path = small_evaluator(), tmp_path / "finest.tar"
    parts = {name: getattr(made, name).state_dict() for name, _ in made.named_children()}
    torch.save({**parts, "epoch": 3}, path)
    return path


def changed(path, part=None, **changes):
    """The file with tensors replaced, or left out for None."""
    body = torch.load(path, weights_only=True)
    tensors = body[part] if part else body
    for key, value in changes.items():
        if value is None:
            del tensors[key]
        else:
            tensors[key] = value
    torch.save(body, path)
    return path


# The reference's own numbers


@pytest.mark.parametrize("data_set", ["t2m", "kit"])
def test_golden_vqvae(golden, data_set):
    folder = golden / "reference"
    vectors = np.load(folder / f"vqvae_{data_set}_small.npz")
    codec = ref.load_vqvae(folder / f"vqvae_{data_set}_small.pth")
    motion = torch.from_numpy(vectors["motion"])
    encoded = codec.model.encoder(motion.mT).detach()
    np.testing.assert_allclose(encoded, vectors["encoded"], atol=1e-4)
    np.testing.assert_array_equal(codec.encode(vectors["motion"]), vectors["codes"])
    decoded = codec.decode(vectors["codes"][0])
    np.testing.assert_allclose(decoded, vectors["decoded_first"], atol=1e-4)


def test_golden_language_model(golden):
    folder = golden / "reference"
    vectors = np.load(folder / "lit_llama_small.npz")
    tokens = torch.from_numpy(vectors["tokens"])
    base, lora = folder / "lit_llama_small.pth", folder / "lit_llama_lora_small.pth"
    model = ref.load_language_model(base, lora)
    with torch.no_grad():
        np.testing.assert_allclose(model(tokens).logits, vectors["logits_lora"], atol=1e-3)
        with model.disable_adapter():
            np.testing.assert_allclose(model(tokens).logits, vectors["logits_base"], atol=1e-3)


def test_golden_evaluator(golden):
    folder = golden / "reference"
    v = np.load(folder / "text_mot_match_small.npz")
    evaluator = ref.load_evaluator(folder / "text_mot_match_small.tar")
    motion = evaluator.embed_motion(v["motion"], v["motion_lengths"])
    text = evaluator.embed_text(v["word_embeddings"], v["pos_one_hot"], v["caption_lengths"])
    np.testing.assert_allclose(motion, v["motion_embedding"], atol=1e-4)
    np.testing.assert_allclose(text, v["text_embedding"], atol=1e-4)


# The same arithmetic written once more


@pytest.mark.parametrize(("depth", "halvings"), [(2, 2), (3, 1), (1, 3)])
def test_vqvae_of_any_size(tmp_path, depth, halvings):
    tensors = files.vqvae_tensors(depth=depth, halvings=halvings)
    torch.save({"net": tensors}, tmp_path / "a.pth")
    codec = ref.load_vqvae(tmp_path / "a.pth")
    assert (codec.config.codes, codec.config.code_width) == (files.CODES, files.CODE_WIDTH)
    motion = torch.randn(2, 24, files.CHANNELS)
    codes = codec.encode(motion)
    assert torch.equal(codes, files.encode(tensors, motion, depth, halvings))
    assert torch.equal(codec.encode(motion[0].numpy()), codes[:1])
    again = files.decode(tensors, codes, depth, halvings)
    assert torch.allclose(codec.decode(codes), again, atol=1e-5)


def test_vqvae_saved_with_gradients(tmp_path, vqvae_file):
    body = torch.load(vqvae_file, weights_only=True)["net"]
    torch.save({"net": {k: torch.nn.Parameter(v) for k, v in body.items()}}, tmp_path / "b.pth")
    codec = ref.load_vqvae(tmp_path / "b.pth")
    assert not codec.decode(codec.encode(torch.randn(1, 8, files.CHANNELS))).requires_grad


@pytest.mark.parametrize(("width", "heads"), [(32, 4), (256, 2)])
def test_language_model_of_any_size(tmp_path, width, heads):
    base, lora = files.llama_tensors(width=width), files.lora_tensors(width=width)
    torch.save(base, tmp_path / "base.pth")
    torch.save(lora, tmp_path / "lora.pth")
    model = ref.load_language_model(tmp_path / "base.pth", tmp_path / "lora.pth")
    tokens = torch.randint(40, (2, 9))
    with torch.no_grad():
        logits = model(tokens).logits
        plain = ref.load_language_model(tmp_path / "base.pth")(tokens).logits
    assert torch.allclose(logits, files.llama_logits(base, tokens, heads, lora), atol=1e-4)
    assert torch.allclose(plain, files.llama_logits(base, tokens, heads), atol=1e-4)
    assert not torch.allclose(logits, plain, atol=1e-2)


def test_half_split_puts_even_channels_first():
    assert half_split(torch.arange(8), 2).tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_language_model_keeps_the_precision_of_the_file(tmp_path):
    half = {k: v.bfloat16() for k, v in files.llama_tensors().items()}
    torch.save(half, tmp_path / "base.pth")
    model = ref.load_language_model(tmp_path / "base.pth")
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}


def test_language_model_from_a_folder(tmp_path, llama_files):
    base, lora = llama_files
    ref.load_language_model(base).save_pretrained(str(tmp_path / "hf"))
    tokens = torch.arange(6)[None]
    with torch.no_grad():
        one, two = (
            ref.load_language_model(b, lora)(tokens).logits for b in (base, tmp_path / "hf")
        )
    assert torch.equal(one, two)
    with pytest.raises(packs.PackError, match="no Llama that transformers can read"):
        ref.load_language_model(tmp_path, lora)


def test_evaluator_keeps_the_order_of_its_clips(evaluator_file):
    made, evaluator = small_evaluator(), ref.load_evaluator(evaluator_file)
    motion, lengths = torch.randn(3, 40, 263), torch.tensor([12, 40, 27])
    vectors = evaluator.embed_motion(motion, lengths)
    assert torch.equal(vectors, made.embed_motion(motion, lengths))
    assert torch.allclose(evaluator.embed_motion(motion.flip(0), lengths.flip(0)).flip(0), vectors)
    words, tags = torch.randn(3, 5, 8), torch.eye(15)[torch.randint(15, (3, 5))]
    one = evaluator.embed_text(words[:1], tags[:1], [2])
    assert torch.allclose(evaluator.embed_text(words, tags, [2, 5, 1])[:1], one, atol=1e-6)


# Hostile files


class Payload:
    """A pickle that would make a file."""

    def __init__(self, witness):
        self.witness = witness

    def __reduce__(self):
        return (os.system, (f"echo > '{self.witness}'",))


def _zip(payload, path):
    torch.save({"net": payload}, path)


def _legacy(payload, path):
    torch.save({"net": payload}, path, _use_new_zipfile_serialization=False)


def _pickle(protocol):
    return lambda payload, path: path.write_bytes(pickle.dumps(payload, protocol))


@pytest.mark.parametrize("write", [_zip, _legacy, _pickle(0), _pickle(2), _pickle(5)])
@pytest.mark.parametrize("load", [*LOADERS, read_checkpoint])
def test_a_hostile_pickle_is_refused(tmp_path, write, load):
    witness, path = tmp_path / "witness", tmp_path / "evil.pth"
    write(Payload(witness), path)
    with pytest.raises(packs.PackError) as raised:
        load(path)
    assert not witness.exists()
    assert str(path) in files.sentence(raised)
    assert "refused" in str(raised.value)


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_hostile_plain_pickle_is_refused(tmp_path, protocol):
    witness, path = tmp_path / "witness", tmp_path / "our_vab_words.pkl"
    path.write_bytes(pickle.dumps(["walk", Payload(witness)], protocol))
    with pytest.raises(packs.PackError, match=r"asks for '\w+.system'") as raised:
        read_plain_pickle(path)
    assert not witness.exists()
    files.sentence(raised)


@pytest.mark.parametrize(
    "data", [b"]r\xff\xff\xff\x3f.", b"\x80\x02]r\xff\xff\xff\x3f.", b"]p999999999\n."]
)
def test_a_pickle_that_numbers_its_objects_by_the_billion_allocates_nothing(tmp_path, data):
    path = tmp_path / "our_vab_words.pkl"
    path.write_bytes(data)
    with at_most(2**20), pytest.raises(packs.PackError) as raised:
        read_plain_pickle(path)
    files.sentence(raised)


def test_a_large_or_endless_file_is_no_pickle(tmp_path, monkeypatch):
    path = tmp_path / "our_vab_words.pkl"
    path.write_bytes(pickle.dumps(["walk"] * 100))
    monkeypatch.setattr("ext_models.importers.reading.PICKLE_LIMIT", 100)
    with pytest.raises(packs.PackError, match="is larger than"):
        read_plain_pickle(path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(packs.PackError, match="is no file"):
            read_plain_pickle(tmp_path / "pipe")


def test_an_array_that_claims_gigabytes_is_refused(tmp_path):
    path = tmp_path / "Mean.npy"
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (10**9,)}
        np.lib.format.write_array_header_1_0(file, header)
    with at_most(2**20), pytest.raises(packs.PackError, match="cut off"):
        read_array(path, (None,))


def test_a_hostile_array_is_refused(tmp_path):
    witness, path = tmp_path / "witness", tmp_path / "Mean.npy"
    np.save(path, np.array([Payload(witness)], dtype=object), allow_pickle=True)
    with pytest.raises(packs.PackError) as raised:
        read_array(path, (None,))
    assert not witness.exists()
    files.sentence(raised)


def test_a_tensor_larger_than_its_data_is_refused(tmp_path):
    path = tmp_path / "bomb.pth"
    torch.save({"net": {"vqvae.quantizer.codebook": torch.zeros(1).expand(10**7, 10**7)}}, path)
    with pytest.raises(packs.PackError, match="claims the shape"):
        ref.load_vqvae(path)


@pytest.mark.parametrize(
    "odd",
    [torch.zeros(10, 7).to_sparse(), torch.zeros(10, 7, device="meta")],
    ids=["sparse", "meta"],
)
def test_a_tensor_without_plain_data_is_refused(vqvae_file, odd):
    changed(vqvae_file, "net", **{"vqvae.quantizer.codebook": odd})
    with pytest.raises(packs.PackError, match="holds no plain tensor"):
        ref.load_vqvae(vqvae_file)


# Wrong and broken files


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vqvae.encoder.model.0.weight": None}, "'net/vqvae.encoder.model.0.weight' of shape"),
        ({"vqvae.decoder.model.6.bias": None}, r"6.bias' of shape \(263\) is missing"),
        (
            {"vqvae.encoder.model.3.1.model.1.conv1.weight": torch.zeros(12, 12, 5)},
            r"conv1.weight' should have the shape \(12, 12, 3\) and has \(12, 12, 5\)",
        ),
        ({"vqvae.quantizer.codebook": torch.zeros(4)}, r"shape \(any, any\) and has \(4\)"),
        ({"vqvae.quantizer.codebook": torch.zeros(10, 7, dtype=torch.int8)}, "torch.int8"),
        ({"vqvae.decoder.norm.weight": torch.zeros(3)}, r"norm.weight' of shape \(3\) has no"),
        ({"vqvae.decoder.model.0.bias": torch.full((12,), torch.nan)}, "not finite"),
        ({"vqvae.decoder.model.0.bias": 3}, "holds a int instead of a tensor"),
    ],
)
def test_vqvae_names_what_is_wrong(vqvae_file, changes, words):
    changed(vqvae_file, "net", **changes)
    with pytest.raises(packs.PackError, match=words) as raised:
        ref.load_vqvae(vqvae_file)
    assert str(vqvae_file) in files.sentence(raised)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lm_head.weight": None}, "'lm_head.weight'"),
        (
            {"transformer.h.1.attn.c_attn.weight": torch.zeros(64, 32)},
            r"c_attn.weight' should have the shape \(96, 32\) and has \(64, 32\)",
        ),
        ({"transformer.h.1.rms_2.scale": None}, r"'transformer.h.1.rms_2.scale' of shape \(32\)"),
        ({"transformer.h.0.attn.bias": torch.zeros(1)}, "'transformer.h.0.attn.bias'"),
    ],
)
def test_base_names_what_is_wrong(llama_files, changes, words):
    with pytest.raises(packs.PackError, match=words) as raised:
        ref.load_language_model(changed(llama_files[0], **changes))
    files.sentence(raised)


@pytest.mark.parametrize(
    ("lora", "words"),
    [
        (files.lora_tensors(layers=3), "adapts 3 layers and the base model has 2"),
        (files.lora_tensors(width=64), r"lora_A' should have the shape \(any, 32\)"),
        (files.vqvae_tensors(), "lora_A' of shape"),
        (
            {**files.lora_tensors(), "transformer.h.1.attn.c_attn.lora_B": torch.zeros(32, 3)},
            r"lora_B' should have the shape \(64, 3\) and has \(32, 3\)",
        ),
    ],
)
def test_lora_names_what_is_wrong(llama_files, lora, words):
    torch.save(lora, llama_files[1])
    with pytest.raises(packs.PackError, match=words) as raised:
        ref.load_language_model(*llama_files)
    files.sentence(raised)


def test_heads_that_cannot_be(llama_files):
    with pytest.raises(packs.PackError, match="divided into 5 attention heads"):
        ref.load_language_model(llama_files[0], heads=5)


def test_evaluator_names_what_is_wrong(evaluator_file):
    changed(evaluator_file, "text_encoder", **{"gru.bias_hh_l0": torch.zeros(2)})
    words = r"'text_encoder/gru.bias_hh_l0' should have the shape \(21\) and has \(2\)"
    with pytest.raises(packs.PackError, match=words):
        ref.load_evaluator(evaluator_file)
    changed(evaluator_file, motion_encoder=None)
    with pytest.raises(packs.PackError, match="the key 'motion_encoder' is missing"):
        ref.load_evaluator(evaluator_file)


@pytest.mark.parametrize("load", LOADERS)
def test_broken_files_end_in_a_sentence(tmp_path, vqvae_file, load):
    whole = vqvae_file.read_bytes()
    broken = {
        "empty": b"",
        "start": whole[:3],
        "half": whole[: len(whole) // 2],
        "nearly": whole[:-5],
        "page": b"<!DOCTYPE html><title>Quota exceeded</title>",
        "pointer": b"version https://git-lfs.github.com/spec/v1\n",
        "noise": bytes(range(256)) * 4,
        "list": pickle.dumps([1, 2]),
    }
    for name, body in broken.items():
        path = tmp_path / name
        path.write_bytes(body)
        with pytest.raises(packs.PackError) as raised:
            load(path)
        assert str(path) in files.sentence(raised)
    for path in (tmp_path / "not there", tmp_path):
        with pytest.raises(packs.PackError) as raised:
            load(path)
        files.sentence(raised)


def test_inputs_that_do_not_fit(vqvae_file, evaluator_file):
    codec, evaluator = ref.load_vqvae(vqvae_file), ref.load_evaluator(evaluator_file)
    for bad in (torch.zeros(1, 8, 251), torch.zeros(1, 3, 263), torch.zeros(263)):
        with pytest.raises(packs.PackError, match="these are"):
            codec.encode(bad)
    for bad, words in (([[]], "1 or more"), ([3, 10], "code 10 is outside"), ([-1], "code -1")):
        with pytest.raises(packs.PackError, match=words):
            codec.decode(torch.tensor(bad))
    with pytest.raises(packs.PackError, match="263 channels"):
        evaluator.embed_motion(torch.zeros(1, 8, 251), [8])
    with pytest.raises(packs.PackError, match="4 to 8 are possible"):
        evaluator.embed_motion(torch.zeros(1, 8, 263), [12])
    with pytest.raises(packs.PackError, match="parts of speech"):
        evaluator.embed_text(torch.zeros(1, 4, 8), torch.zeros(1, 4, 14), [2])

"""What is imported becomes a pack: the command, captions, text tokenizers."""

import json
import pickle
import re

import numpy as np
import pytest
import torch

from ext_models import packs
from ext_models.__main__ import main
from ext_models.importers import import_pack, text_tokenizer
from ext_models.importers import reference as ref
from ext_models.importers.word_vectors import TAGS
from tests.support import reference_files as files

# Captions


def glove(folder, words, index=None):
    np.save(folder / "our_vab_data.npy", np.arange(8.0)[:, None].repeat(3, 1))
    index = {w: 7 - i for i, w in enumerate(words)} if index is None else index
    (folder / "our_vab_words.pkl").write_bytes(pickle.dumps(words))
    (folder / "our_vab_idx.pkl").write_bytes(pickle.dumps(index))
    return folder


def test_captions_become_word_vectors(tmp_path):
    vectors = ref.load_word_vectors(glove(tmp_path, ["sos", "eos", "unk", "walk", "man"]))
    long = ["man/NOUN"] * 30
    embedded = vectors.embed([["man/NOUN", "walk/VERB", "zzz/VERB"], long])
    assert embedded.words.shape == (2, 22, 3)
    assert embedded.lengths.tolist() == [5, 22]
    assert embedded.words[0, :, 0].tolist() == [7, 3, 4, 5, 6] + [5] * 17
    tags = [TAGS[i] for i in embedded.tags[0].argmax(-1)]
    assert tags == ["OTHER", "NOUN", "Act_VIP", "OTHER", "OTHER"] + ["OTHER"] * 17


@pytest.mark.parametrize(
    ("words", "index", "message"),
    [
        (["sos", "eos"], None, "without unk"),
        (["sos", "eos", "unk"], {"sos": 1}, "does not number every word"),
        (["sos", "eos", "unk"], {"sos": 1, "eos": 2, "unk": 8}, "do not fit together"),
        ({}, None, "should hold a list"),
    ],
)
def test_word_vectors_that_do_not_fit(tmp_path, words, index, message):
    with pytest.raises(packs.PackError, match=message) as raised:
        ref.load_word_vectors(glove(tmp_path, words, index))
    files.sentence(raised)


def test_sentencepiece_file_without_sentencepiece(tmp_path):
    path = tmp_path / "tokenizer.model"
    path.write_bytes(files.sentencepiece_model(files.PIECES))
    text = text_tokenizer.load_text_tokenizer(path)
    assert text.convert_ids_to_tokens(text("he walk").input_ids) == ["<s>", "▁", "he", "▁walk"]
    assert text.decode(text(" walk, 12").input_ids, skip_special_tokens=True) == " walk, 12"
    text.save_pretrained(tmp_path / "hf")
    again = text_tokenizer.load_text_tokenizer(tmp_path / "hf")
    assert again("walk 31").input_ids == text("walk 31").input_ids


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (files.sentencepiece_model(files.PIECES)[:-40], "not a readable sentencepiece"),
        (b"", "not a readable sentencepiece"),
        (b"PK\x03\x04 and more", "not a readable sentencepiece"),
        (files.sentencepiece_model(files.PIECES, model_type=1), "another type than BPE"),
        (files.sentencepiece_model(files.PIECES[3:]), "unknown text, start and end"),
    ],
    ids=["cut", "empty", "zip", "unigram", "no start"],
)
def test_broken_sentencepiece_files(tmp_path, body, message):
    path = tmp_path / "tokenizer.model"
    path.write_bytes(body)
    with pytest.raises(packs.PackError, match=message) as raised:
        text_tokenizer.load_text_tokenizer(path)
    files.sentence(raised)


# The command


@pytest.fixture
def downloads(tmp_path, vqvae_file, llama_files):
    np.save(tmp_path / "mean.npy", np.linspace(-1, 1, 263))
    np.save(tmp_path / "std.npy", np.linspace(0.1, 2, 263))
    (tmp_path / "tokenizer.model").write_bytes(files.sentencepiece_model(files.PIECES))
    return {
        "vqvae": vqvae_file,
        "mean": tmp_path / "mean.npy",
        "std": tmp_path / "std.npy",
        "base": llama_files[0],
        "lora": llama_files[1],
        "tokenizer": tmp_path / "tokenizer.model",
    }


def run_import(downloads, out, *more):
    given = [str(part) for option, path in downloads.items() for part in (f"--{option}", path)]
    return main(["import-checkpoint", *given, "--out", str(out), *more])


def pack_logits(pack, tokens):
    """What transformers and peft make of a pack on their own."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(pack / "base")
    with torch.no_grad():
        return PeftModel.from_pretrained(base, pack / "adapter")(tokens).logits


def test_import_checkpoint_writes_a_pack(downloads, tmp_path, capsys):
    from ext_models.tokenizer.vqvae import load_tokenizer

    out = tmp_path / "paper"
    assert run_import(downloads, out, "--licence", "mine") == 0
    assert "humanml3d_263" in capsys.readouterr().out
    manifest = packs.read_manifest(out)
    assert (manifest.name, manifest.prompt_style, manifest.licence) == ("paper", "paper", "mine")
    suffixes = {p.suffix for p in out.rglob("*") if p.is_file()}
    assert suffixes == {".json", ".safetensors", ".md"}

    motion = torch.randn(1, 20, 263)
    mean, std = (torch.from_numpy(np.load(downloads[n])).float() for n in ("mean", "std"))
    codes = ref.load_vqvae(downloads["vqvae"]).encode(motion)
    assert torch.equal(load_tokenizer(out).encode(motion * std + mean)[..., 0], codes)

    tokens = torch.arange(8)[None]
    model = ref.load_language_model(downloads["base"], downloads["lora"])
    with torch.no_grad():
        assert torch.allclose(pack_logits(out, tokens), model(tokens).logits, atol=1e-5)
    text = text_tokenizer.load_text_tokenizer(out / "base")
    assert text("walk").input_ids == [1, text.get_vocab()["▁walk"]]
    config = json.loads((out / "base" / "config.json").read_text("utf-8"))
    assert (config["bos_token_id"], config["eos_token_id"]) == (1, 2)


def test_import_checkpoint_on_the_golden_files(golden, downloads, tmp_path):
    folder = golden / "reference"
    given = downloads | {
        "vqvae": folder / "vqvae_kit_small.pth",
        "mean": golden / "mdm" / "kit_mean.npy",
        "std": golden / "mdm" / "kit_std.npy",
        "base": folder / "lit_llama_small.pth",
        "lora": folder / "lit_llama_lora_small.pth",
    }
    np.save(tmp_path / "joints.npy", np.random.default_rng(0).normal(size=(5, 21, 3)) * 300)
    out = tmp_path / "kit"
    assert run_import(given, out, "--skeleton", str(tmp_path / "joints.npy")) == 0
    manifest = packs.read_manifest(out)
    assert (manifest.representation, manifest.fps) == ("kit_251", 12.5)
    assert np.shape(manifest.skeleton) == (21, 3)
    assert 0.1 < np.linalg.norm(manifest.skeleton, axis=1)[1:].mean() < 1.5
    vectors = np.load(folder / "lit_llama_small.npz")
    logits = pack_logits(out, torch.from_numpy(vectors["tokens"]))
    np.testing.assert_allclose(logits, vectors["logits_lora"], atol=1e-3)


def test_it_generates_in_the_prompt_style_of_the_paper(downloads, tmp_path, capsys):
    out = tmp_path / "paper"
    run_import(downloads, out)
    clip = tmp_path / "clip.npz"
    call = [
        "generate",
        "--prompt",
        "walk",
        "--seconds",
        "1",
        "--pack",
        str(out),
        "--out",
        str(clip),
    ]
    status = main(call)
    assert status == 0, capsys.readouterr().err
    assert np.load(clip)["joints"].shape == (20, 22, 3)


@pytest.mark.parametrize(
    ("what", "body", "message"),
    [
        ("mean", np.zeros(251), r"should have the shape \(263\) and has \(251\)"),
        ("std", np.zeros(263), "263 numbers that are not above 0"),
        ("std", np.full(263, np.nan), "not finite"),
        ("vqvae", {"net": files.vqvae_tensors(channels=67)}, "made for 67 channels"),
        ("vqvae", {"net": files.vqvae_tensors(channels=251)}, "--skeleton"),
        ("base", files.llama_tensors(vocabulary=16), "26 tokens and the base model 16"),
        ("lora", files.lora_tensors(layers=1), "adapts 1 layers"),
        ("lora", None, "there is no such file"),
    ],
)
def test_a_failed_import_leaves_nothing(downloads, tmp_path, capsys, what, body, message):
    if body is None:
        downloads[what].unlink()
    elif isinstance(body, dict):
        torch.save(body, downloads[what])
        if message == "--skeleton":
            for name in ("mean", "std"):
                np.save(downloads[name], np.ones(251))
    else:
        np.save(downloads[what], body)
    before = sorted(tmp_path.iterdir())
    assert run_import(downloads, tmp_path / "pack") == 1
    error = capsys.readouterr().err.strip()
    assert error.count("\n") == 0
    assert re.search(message, error)
    assert sorted(tmp_path.iterdir()) == before


def test_a_place_that_is_taken(downloads, tmp_path):
    given = import_pack.Downloads(text=downloads.pop("tokenizer"), **downloads)
    with pytest.raises(packs.PackError, match="is there already"):
        import_pack.import_checkpoint(given, tmp_path)
    with pytest.raises(packs.PackError, match="make it first"):
        import_pack.import_checkpoint(given, tmp_path / "a" / "b")

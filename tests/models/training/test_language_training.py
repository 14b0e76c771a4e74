"""Whole trainings of a language model: what is written, what is refused, several processes."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import LlamaConfig

from ext_models import packs
from ext_models.datasets.layouts import Example
from ext_models.generation.pipeline import MotionPipeline, silent
from ext_models.generation.request import GenerationRequest
from ext_models.language import corpus, pack_training
from ext_models.language.base_models import library
from ext_models.packs import PackError
from ext_models.recipes.schema import Recipe
from ext_models.tokenizer import vqvae as v
from ext_models.tokenizer.clip_summary import ClipSummary
from motiongpt_blender.core.packs.fetched_bases import NOTE, FetchedBase, Kind
from tests.support import tiny_pack
from tests.support.bases import SIZES, write_base
from tests.support.motion_folders import walker

ROOT = Path(__file__).parents[3]


def example(k, split):
    caption = tiny_pack.CAPTIONS[k % 3]
    return Example(f"clip{k}", walker(40, k), (caption,), split, label=f"l{k}")


EXAMPLES = [example(k, s) for k, s in enumerate(["train"] * 4 + ["val", "test"])]


def table(base, **more):
    training = {"steps": 6, "batch": 3, "validate_every": 3, "save_every": 3}
    return {
        "pack": {"name": "t", "title": "T", "licence": "none", "credits": ["c"], "seed": 5},
        "language": {
            "levels": 2, "max_frames": 40, "speeds": [1.0], "offsets": [0],
            "base": base,
            "adapter": {"rank": 2, "training": training, **more.pop("adapter", {})},
            **more,
        },
    }  # fmt: skip


SCRATCH = {"hidden": 16, "layers": 1, "heads": 2, "mlp": 16, "text_tokens": 300}


@pytest.fixture
def tokenizer(tmp_path):
    torch.manual_seed(0)
    motion = v.VQVAE(tiny_pack.TOKENIZER).eval()
    for book in motion.quantizer.books:
        book.codebook.normal_()
    v.save_tokenizer(motion, tmp_path / "pack")
    return tmp_path / "pack"


def train(body, pack, run):
    run.mkdir(exist_ok=True)
    recipe = Recipe.of(body, "test")
    return pack_training.train_pack(recipe.pack, recipe.language, EXAMPLES, pack, run, device="cpu")


def test_a_whole_training_in_bfloat16_with_all_that_saves_memory(tokenizer, tmp_path):
    saving = {"precision": "bfloat16", "checkpointing": True, "accumulate": 2, "steps": 4}
    body = table({**SCRATCH, "pretrain": False})
    body["language"]["adapter"]["training"] |= saving
    trained = train(body, tokenizer, tmp_path / "run")
    note = json.loads((tokenizer / packs.TRAINING).read_text())
    assert note["trainable_share"] == trained.trainable_share
    assert note["sequences_a_step"] == 6
    assert not note["pretrained"]
    assert np.isfinite(trained.logs[0].held_out[-1][1])
    assert trained.picture and trained.picture.stat().st_size > 5000
    clips = MotionPipeline.from_pack(tokenizer, "cpu").generate(
        GenerationRequest("a person walks", 20), *silent()
    )
    assert len(clips.clips[0]) == 20


def test_clips_are_encoded_once_for_several_trainings(tokenizer, tmp_path, monkeypatch):
    text = tiny_pack.text_tokenizer(tiny_pack.VOCABULARY)

    def encoded(motion, seen):
        sizes = {"levels": 2, "max_steps": 10, "mirror": True}
        return corpus.encode_examples(EXAMPLES[:3], motion, text, seen=seen, **sizes)

    motion, seen = v.load_tokenizer(tokenizer, "cpu"), {}
    first = encoded(motion, seen)
    with monkeypatch.context() as patch:
        patch.setattr(corpus, "_encode", lambda *_: pytest.fail("it was encoded before"))
        again = encoded(motion, seen)
    assert [(a.codes.tolist(), a.poses.tolist()) for a in first] == [
        (b.codes.tolist(), b.poses.tolist()) for b in again
    ]
    motion.quantizer.books[0].codebook.neg_()
    count = len(seen)
    encoded(motion, seen)
    assert len(seen) == 2 * count


def test_full_fine_tuning_needs_no_adapter(tokenizer, tmp_path):
    body = table({**SCRATCH, "pretrain": False}, adapter={"method": "full"})
    body["pack"]["licence_texts"] = ["BSD-3-Clause"]
    trained = train(body, tokenizer, tmp_path / "run")
    assert trained.trainable_share == 1.0
    texts = list((tokenizer / "licences").iterdir())
    assert [text.name for text in texts] == ["BSD-3-Clause.txt"]
    assert "NCSOFT" in texts[0].read_text()
    assert packs.read_manifest(tokenizer).adapter == ""
    assert not (tokenizer / "adapter").exists()
    MotionPipeline.from_pack(tokenizer, "cpu")


def fetched_base(folder, monkeypatch):
    """A base of two layers in the user's folder, as ``bases fetch`` leaves it."""
    monkeypatch.setenv("MOTIONGPT_BASES", str(folder))
    config = LlamaConfig(**SIZES | {"num_hidden_layers": 2}, tie_word_embeddings=True)
    place = write_base(folder / "maker--base", config)
    FetchedBase(
        "maker/base", "abc123", Kind.LANGUAGE, "Apache-2.0", "hub", 9000, library.notes_of(place)
    ).write(place)
    return place


def test_a_pack_names_a_fetched_base_and_no_path_of_this_machine(tokenizer, tmp_path, monkeypatch):
    fetched_base(tmp_path / "bases", monkeypatch)
    body = table({"id": "maker/base", "layers": 1}, adapter={"targets": ["q_proj"]})
    body["pack"]["credits"] = ["c"]
    train(body, tokenizer, tmp_path / "run")
    manifest = packs.read_manifest(tokenizer)
    named = (manifest.base_model, manifest.base_revision, manifest.base_layers)
    assert named == ("maker/base", "abc123", 1)
    credit = "The language model was trained from maker/base, Apache-2.0."
    assert manifest.credits == ("c", credit)
    assert (tokenizer / "licences" / "Apache-2.0.txt").is_file()
    adapter = json.loads((tokenizer / "adapter" / "adapter_config.json").read_text())
    assert adapter["base_model_name_or_path"] == "maker/base"
    assert not (tokenizer / "base").exists()
    for path in (*tokenizer.rglob("*.json"), *tokenizer.rglob("*.md")):
        assert str(tmp_path) not in path.read_text(), path
    pipeline = MotionPipeline.from_pack(tokenizer, "cpu")
    assert pipeline.generator.model.config.num_hidden_layers == 1
    assert len(pipeline.generate(GenerationRequest("a person walks", 20), *silent()).clips[0]) == 20


def test_a_pack_holds_a_base_that_nobody_can_fetch(tokenizer, tmp_path, monkeypatch):
    place = fetched_base(tmp_path / "bases", monkeypatch)
    own = place.rename(tmp_path / "own")
    (own / NOTE).unlink()
    train(table({"id": str(own)}, adapter={"targets": ["q_proj"]}), tokenizer, tmp_path / "run")
    manifest = packs.read_manifest(tokenizer)
    assert (manifest.base_model, manifest.credits) == ("./base", ("c",))
    own.rename(tmp_path / "gone")
    MotionPipeline.from_pack(tokenizer, "cpu")
    for path in tokenizer.rglob("*.json"):
        assert str(tmp_path) not in path.read_text(), path


def test_a_training_text_that_the_base_cannot_read_is_refused_at_once(tokenizer, tmp_path):
    with pytest.raises(PackError, match=r"the base model ./base reads 24"):
        train(table({**SCRATCH, "context": 24}), tokenizer, tmp_path / "run")


@pytest.mark.parametrize("split", ["train", "val"])
def test_no_clips_to_learn_from_or_to_be_watched_by(split, tokenizer, tmp_path, monkeypatch):
    silent_ones = [replace(e, captions=() if e.split == split else e.captions) for e in EXAMPLES]
    for clips in (silent_ones, [e for e in EXAMPLES if e.split != split]):
        monkeypatch.setattr(f"{__name__}.EXAMPLES", clips)
        with pytest.raises(PackError, match=f"the split '{split}' of the data has no captioned"):
            train(table(SCRATCH), tokenizer, tmp_path / "run")
    assert not (tokenizer / "base").exists()


def test_a_clip_summary_of_another_shape_is_made_anew(tokenizer, tmp_path):
    body = table({**SCRATCH, "pretrain": False})
    for shape in ([2, 3], [2, 3], [1, 2]):
        body["language"]["summary"] = shape
        train(body, tokenizer, tmp_path / str(shape))
        assert (
            ClipSummary.load(tokenizer).shape
            == packs.read_manifest(tokenizer).summary
            == tuple(shape)
        )


LAUNCHED = """
import json, sys, torch
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.models.training.test_language_training import EXAMPLES, SCRATCH, table
from tests.models.training.test_trainer import made, line_data
from ext_models.recipes.schema import Recipe
from ext_models.language import pack_training
from ext_models.training import processes
device = processes.join("cpu")
rank = torch.distributed.get_rank()
pack, run = Path({pack!r}), Path({run!r})
run.mkdir(exist_ok=True)
complete = pack_training.complete
def measured(job, base, model, manifest, logs):
    weights = torch.cat([p.detach().reshape(-1) for p in model.parameters() if p.requires_grad])
    sizes = [weights.double().sum().item(), weights.abs().double().sum().item()]
    told = [processes.count(), torch.rand(()).item(), *sizes]
    (run / f"sum{{rank}}.json").write_text(json.dumps(told))
    return complete(job, base, model, manifest, logs)
pack_training.complete = measured
recipe = Recipe.of(table(SCRATCH), "test").with_budget(steps=6)
pack_training.train_pack(recipe.pack, recipe.language, EXAMPLES, pack, run, device=device)
if processes.leave():
    made(run / "alone", line_data())[1].run()
    (run / "alone.json").write_text(json.dumps([rank, processes.count()]))
"""


def test_two_processes_train_one_model(tokenizer, tmp_path):
    script, run = tmp_path / "launched.py", tmp_path / "run"
    script.write_text(LAUNCHED.format(root=str(ROOT), pack=str(tokenizer), run=str(run)))
    done = subprocess.run(
        [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2",
         "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no",
         "--main_process_port", "0", str(script)],
        capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    sums = [json.loads((run / f"sum{rank}.json").read_text()) for rank in (0, 1)]
    counts, draws, *sizes = zip(*sums, strict=True)
    assert counts == (2, 2)
    assert draws[0] != draws[1]
    assert all(a == b for a, b in sizes)
    assert json.loads((run / "alone.json").read_text()) == [0, 1]
    assert json.loads((tokenizer / packs.TRAINING).read_text())["processes"] == 2
    MotionPipeline.from_pack(tokenizer, "cpu")

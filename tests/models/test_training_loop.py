"""The training loop: accumulation, early stopping, resuming, processes, and what is written."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ext_models import packs
from ext_models.datasets.layouts import Example
from ext_models.generation.pipeline import MotionPipeline, silent
from ext_models.generation.request import GenerationRequest
from ext_models.language import adapters as m
from ext_models.language import corpus, pack_training
from ext_models.packs import PackError
from ext_models.tokenizer import vqvae as v
from ext_models.tokenizer.clip_summary import ClipSummary
from ext_models.training import trainer
from ext_models.training.checkpoint import Checkpoint, Schedule
from ext_models.training.workers import Workers
from tests.support import tiny_pack
from tests.support.motion_folders import walker

ROOT = Path(__file__).parents[2]


class Line(torch.nn.Module):
    """The smallest model that the loop can train."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(3))
        self.frozen = torch.nn.Parameter(torch.ones(50), requires_grad=False)

    def forward(self, input_ids, target=None):
        logits = torch.stack([-self.weight[0] + 0 * input_ids, self.weight[0] + 0 * input_ids], -1)
        return type("Out", (), {"logits": logits})()


def squares(model, batch):
    return ((model.weight - batch["target"]) ** 2).mean()


def data(held=5.0):
    def draw(_done):
        return {"target": torch.randn(3)}

    asked = {
        "target": torch.full((3,), held),
        "input_ids": torch.zeros(1, 3, dtype=torch.long),
        "labels": torch.tensor([[-100, 1, 0]]),
    }
    return trainer.TrainingData(draw, [asked], squares)


def stage(tmp_path, data=None, **settings):
    torch.manual_seed(3)
    chosen = {"steps": 12, "check_every": 4, "save_every": 4, "learning_rate": 0.1, **settings}
    model = Line()
    made = trainer.Trainer(
        "line", model, data, trainer.LanguageTraining(**chosen), tmp_path, Workers()
    )
    return model, made


def test_accumulated_batches_are_one_large_batch(tmp_path):
    targets = torch.arange(24.0).reshape(4, 2, 3) / 10
    small, large = iter(targets.reshape(8, 1, 3)), iter(targets)
    one, few = (
        stage(tmp_path / name, replace(data(), draw=lambda _, it=it: {"target": next(it)}),
              steps=4, accumulate=k, save_every=99)
        for name, it, k in (("large", large, 1), ("small", small, 2))
    )  # fmt: skip
    for _, made in (one, few):
        made.run()
    assert torch.allclose(one[0].weight, few[0].weight, atol=1e-6)


def test_a_stopped_training_goes_on_as_if_it_had_not_been(tmp_path):
    whole, made = stage(tmp_path / "whole", data())
    curve = made.run()
    first, made = stage(tmp_path / "halves", data())
    made.schedule.agree = lambda done: 1.0 if made.schedule.step >= 8 else done
    made.run()
    torch.manual_seed(77)
    second, again = stage(tmp_path / "halves", data())
    resumed = again.run()
    assert torch.equal(whole.weight, second.weight)
    assert not torch.equal(first.weight, second.weight)
    assert [s for s, _ in resumed.held_out] == sorted({s for s, _ in resumed.held_out})
    assert resumed.held_out[-1] == curve.held_out[-1]


def test_it_stops_when_nothing_gets_better_and_stays_stopped(tmp_path):
    away = data(held=-100.0)  # whatever is learnt is worse for this one
    pushed = replace(away, draw=lambda _: {"target": torch.full((3,), 9.0)})
    _, made = stage(tmp_path, pushed, steps=500, patience=2, check_every=2, keep="best")
    curve = made.run()
    assert made.schedule.step < 20
    assert curve.checks_since_best >= 2
    assert curve.best == min(loss for _, loss in curve.held_out)
    _, again = stage(tmp_path, pushed, steps=500, patience=2, check_every=2, keep="best")
    steps = made.schedule.step
    again.run()
    assert again.schedule.step == steps


def test_right_tokens_are_counted_where_there_is_an_answer(tmp_path):
    model, _ = stage(tmp_path, data(held=0.0))
    with torch.no_grad():
        model.weight.fill_(1.0)
    right, asked = trainer.correct_tokens(model, data().held_out[0], torch.device("cpu"))
    assert (float(right), float(asked)) == (1.0, 2.0)


def test_checkpoints_leave_out_what_is_not_trained(tmp_path):
    model, made = stage(tmp_path, data())
    made.run()
    state = torch.load(tmp_path / "line.pt", weights_only=True)
    assert set(state["model"]) == {"weight"}
    (tmp_path / "line.pt").write_bytes(b"broken")
    _, again = stage(tmp_path, data())
    with pytest.raises(PackError, match="delete it to begin anew"):
        again.run()
    path = tmp_path / "other.pt"
    torch.save({"model": {"another": torch.zeros(1)}, "optimizer": {}}, path)
    with pytest.raises(PackError, match="does not belong to this training"):
        Checkpoint(path).resume(model, made.optimizer, Schedule("x", 1))


def test_a_loss_that_is_no_number_stops_the_training(tmp_path):
    odd = iter([1.0, 1.0, 1.0, float("nan")] + [1.0] * 20)
    broken = replace(data(), draw=lambda _: {"target": torch.full((3,), next(odd))})
    model, made = stage(tmp_path, broken, save_every=2, check_every=2, keep="best")
    with pytest.raises(PackError, match="not a number after step 3: lower learning_rate"):
        made.run()
    assert torch.isfinite(model.weight).all()
    assert torch.isfinite(torch.load(tmp_path / "line.pt")["model"]["weight"]).all()
    far = data(held=float("inf"))
    with pytest.raises(PackError, match="not a number after step 1"):
        stage(tmp_path / "far", far, check_every=2)[1].run()


def test_the_best_weights_are_never_those_that_are_no_numbers(tmp_path):
    model, best = Line(), trainer.BestCheckpoint(tmp_path / "x.best.pt", True)
    best.look(model, 0.5)
    with torch.no_grad():
        model.weight.fill_(float("nan"))
    best.look(model, float("nan"))
    assert best.loss == 0.5
    best.restore(model, float("nan"))
    assert model.weight.tolist() == [0, 0, 0]


def test_best_weights_without_their_checkpoint_are_dropped(tmp_path):
    stage(tmp_path, data(held=0.0), keep="best")[1].run()
    (tmp_path / "line.pt").unlink()
    model, again = stage(tmp_path, data(held=9.0), keep="best", learning_rate=1e-6)
    again.run()
    assert model.weight.abs().max() < 1e-4
    assert again.best.loss > 50


def test_no_warm_up_and_no_time(tmp_path):
    assert stage(tmp_path, data(), warm_up=0)[1].schedule.rate == 1
    for name, value in (("minutes", 0), ("minutes", float("nan")), ("warm_up", -1)):
        with pytest.raises(PackError, match=f"a training's {name}"):
            trainer.LanguageTraining(**{name: value})
    for budget in ((0, 1.0), (5, 0.0)):
        with pytest.raises(PackError, match="give it more than 0 of both"):
            Schedule("x", *budget)


def test_settings_that_make_no_sense():
    with pytest.raises(PackError, match="accumulate is 0"):
        trainer.LanguageTraining(accumulate=0)
    with pytest.raises(PackError, match="write auto, float32 or bfloat16"):
        trainer.LanguageTraining(precision="int3")
    with pytest.raises(PackError, match="write lora or full"):
        m.AdapterConfig(method="half")


# -- whole trainings -----------------------------------------------------------------


def example(k, split):
    said = tiny_pack.CAPTIONS[k % 3]
    return Example(f"clip{k}", walker(40, k), (said,), split, label=f"l{k}")


EXAMPLES = [example(k, s) for k, s in enumerate(["train"] * 4 + ["val", "test"])]


def table(base, **more):
    training = {"steps": 6, "batch": 3, "check_every": 3, "save_every": 3}
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
    return pack_training.train_pack(body, EXAMPLES, pack, run, device="cpu", budget={})


def test_a_whole_training_in_bfloat16_with_all_that_saves_memory(tokenizer, tmp_path):
    saving = {"precision": "bfloat16", "checkpointing": True, "accumulate": 2, "steps": 4}
    body = table({**SCRATCH, "pretrain": False})
    body["language"]["adapter"]["training"] |= saving
    trained = train(body, tokenizer, tmp_path / "run")
    note = json.loads((tokenizer / packs.TRAINING).read_text())
    assert note["trainable_share"] == trained.trainable_share
    assert note["sequences_a_step"] == 6
    assert not note["pretrained"]
    assert np.isfinite(trained.curves[0].held_out[-1][1])
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
    trained = train(
        table({**SCRATCH, "pretrain": False}, adapter={"method": "full"}),
        tokenizer, tmp_path / "run",
    )  # fmt: skip
    assert trained.trainable_share == 1.0
    assert packs.read_manifest(tokenizer).adapter == ""
    assert not (tokenizer / "adapter").exists()
    MotionPipeline.from_pack(tokenizer, "cpu")


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


def test_a_gist_of_another_shape_is_made_anew(tokenizer, tmp_path):
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
import sys, json, torch
sys.path[:0] = [{root!r}, {tests!r}]
from test_training_loop import EXAMPLES, table, SCRATCH
from ext_models.language import recipe
from ext_models.training.workers import Workers
from pathlib import Path
workers = Workers.join("cpu")
pack, run = Path({pack!r}), Path({run!r})
run.mkdir(exist_ok=True)
seen = []
kept = recipe.complete
def complete(job, base, model, manifest, curves):
    weights = torch.cat([p.detach().reshape(-1) for p in model.parameters() if p.requires_grad])
    (run / f"sum{{workers.rank}}.json").write_text(json.dumps(
        [workers.count, weights.double().sum().item(), weights.abs().double().sum().item()]))
    return kept(job, base, model, manifest, curves)
recipe.complete = complete
trained = recipe.train_pack(table(SCRATCH), EXAMPLES, pack, run, device="cpu",
                            budget={{"steps": 6}}, workers=workers)
workers.leave()
"""


def test_two_processes_train_one_model(tokenizer, tmp_path):
    script, run = tmp_path / "launched.py", tmp_path / "run"
    script.write_text(
        LAUNCHED.format(
            root=str(ROOT), tests=str(Path(__file__).parent), pack=str(tokenizer), run=str(run)
        )
    )
    done = subprocess.run(
        [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2",
         "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no",
         "--main_process_port", "0", str(script)],
        capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    sums = [json.loads((run / f"sum{rank}.json").read_text()) for rank in (0, 1)]
    assert sums[0] == sums[1]
    assert sums[0][0] == 2
    assert json.loads((tokenizer / packs.TRAINING).read_text())["processes"] == 2
    MotionPipeline.from_pack(tokenizer, "cpu")

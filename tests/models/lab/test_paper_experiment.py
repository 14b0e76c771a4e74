"""The paper's own experiment on synthetic folders in the official layouts."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import LlamaConfig

from ext_models import packs
from ext_models.__main__ import main
from ext_models.evaluation.tables import Table
from ext_models.importers.guo_networks import (
    GuoNetwork,
    MotionEncoder,
    MovementEncoder,
    TextEncoder,
)
from ext_models.lab import guo_evaluator, paper_tables
from ext_models.language.base_models import adapters as m
from ext_models.language.paper import instructions, training
from ext_models.language.paper.tasks import PaperTasks
from ext_models.language.recipe import ExistingBase
from ext_models.motion.representations import HUMANML3D, KIT
from ext_models.recipes.schema import Recipe
from ext_models.tokenizer.reference_training import ReferenceTraining
from ext_models.tokenizer.vqvae import load_tokenizer
from tests.support import reference_files
from tests.support.bases import write_base
from tests.support.motion_folders import data_set, walker

RECIPES = Path(__file__).parents[3] / "ext_models" / "recipes"
WORDS = ["sos", "eos", "unk", "a", "man", "walk", "jump", "turn", "slowly"]


def glove(folder):
    folder.mkdir()
    rng = np.random.default_rng(0)
    np.save(folder / "our_vab_data.npy", rng.normal(size=(len(WORDS), 300)).astype(np.float32))
    (folder / "our_vab_words.pkl").write_bytes(pickle.dumps(WORDS))
    index = {word: k for k, word in enumerate(WORDS)}
    (folder / "our_vab_idx.pkl").write_bytes(pickle.dumps(index))
    return folder


def checkpoints(folder, name, weights, mean, std):
    """The authors' folder: an evaluator and its statistics."""
    place = folder / name / guo_evaluator.WEIGHTS
    place.parent.mkdir(parents=True)
    place.write_bytes(weights)
    meta = folder / name / guo_evaluator.META
    meta.mkdir(parents=True)
    np.save(meta / "mean.npy", mean)
    np.save(meta / "std.npy", std)
    return folder


def kit_evaluator(path):
    """An evaluator of KIT-ML's width with random weights, saved as the authors do."""
    torch.manual_seed(0)
    evaluator = GuoNetwork(
        MovementEncoder(247, 16, 12), MotionEncoder(12, 8, 10), TextEncoder(300, 15, 8, 10)
    )
    parts = ("movement_encoder", "motion_encoder", "text_encoder")
    torch.save({p: getattr(evaluator, p).state_dict() for p in parts} | {"epoch": 1}, path)
    return path.read_bytes()


def evaluated(recipe, data, pack, place, *more):
    call = [
        "evaluate-paper", recipe, "--data", data, "--pack", pack, "--device", "cpu",
        "--authors", place / "checkpoints", "--glove", place / "glove", "--out", place / "out",
        *more,
    ]  # fmt: skip
    return main([str(part) for part in call])


def test_the_golden_checkpoints_are_measured_as_published(golden, tmp_path, capsys):
    data, folder = data_set(tmp_path / "HumanML3D", kit=False), golden / "reference"
    mean, std = golden / "mdm" / "t2m_mean.npy", golden / "mdm" / "t2m_std.npy"
    (tmp_path / "tokenizer.model").write_bytes(
        reference_files.sentencepiece_model(reference_files.PIECES)
    )
    pack = tmp_path / "pack"
    call = [
        "import-checkpoint", "--vqvae", folder / "vqvae_t2m_small.pth",
        "--mean", data / "Mean.npy", "--std", data / "Std.npy",
        "--base", folder / "lit_llama_small.pth", "--lora", folder / "lit_llama_lora_small.pth",
        "--tokenizer", tmp_path / "tokenizer.model", "--out", pack,
    ]  # fmt: skip
    assert main([str(part) for part in call]) == 0
    glove(tmp_path / "glove")
    weights = (folder / "text_mot_match_small.tar").read_bytes()
    checkpoints(tmp_path / "checkpoints", "t2m", weights, np.load(mean), np.load(std))
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        '[pack]\nname = "x"\ndata = "humanml3d"\n'
        '[evaluation]\nlength = "asked"\nrepeats = 1\nbatch = 40\n'
        'tasks = ["text", "initial", "last", "keys"]\nmultimodality = [2, 2]\n'
    )
    capsys.readouterr()
    assert evaluated(recipe, data, pack, tmp_path) == 0, capsys.readouterr().err
    output = capsys.readouterr().out
    quality = Table.load(tmp_path / "out" / "paper_quality.json")
    assert [row.name for row in quality.rows] == [
        "real motion", "its tokenizer", "text", "text + initial pose", "text + last pose",
        "text + key poses",
    ]  # fmt: skip
    rows = {row.name: row.values for row in quality.rows}
    assert rows["real motion"]["FID"][0] == pytest.approx(0, abs=1e-4)
    assert rows["its tokenizer"]["FID"][0] > 0
    assert quality.evaluator.startswith("Guo et al. 2022, t2m")
    assert all(np.isfinite(v).all() for values in rows.values() for v in values.values())
    assert rows["text"]["MultiModality"][0] > 0
    poses = Table.load(tmp_path / "out" / "paper_poses.json")
    assert len(poses.rows) == 6
    assert {"Recon, cm", "Vel, cm/frame"} == set(poses.columns)
    assert "0.567" in output  # the published numbers stand beside

    # R-precision and FID, once more, from the judge's points.
    evaluator = guo_evaluator.load_guo_evaluator(
        tmp_path / "checkpoints", tmp_path / "glove", HUMANML3D
    )
    names = sorted((data / "new_joint_vecs").glob("*.npy"))[8:12]
    together = evaluator.embed_motion([np.load(n) for n in names])
    alone = evaluator.embed_motion([np.load(names[2])[:43]])
    np.testing.assert_allclose(
        together[2], evaluator.embed_motion([np.load(names[2])])[0], atol=1e-5
    )
    assert np.abs(alone[0] - together[2]).max() > 0  # 43 frames are cut to 40


@pytest.mark.parametrize("kit", [False, True], ids=["humanml3d", "kit"])
def test_the_whole_experiment_small(kit, golden, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = "kit_paper" if kit else "humanml3d_paper"
    data = data_set(tmp_path / "data", kit)
    base = write_base(
        tmp_path / "base",
        LlamaConfig(
            hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
            num_key_value_heads=2, vocab_size=300, max_position_embeddings=1024,
        ),
    )  # fmt: skip
    text = (RECIPES / f"{name}.toml").read_text()
    for old, new in (
        ("width = 512\ncode_width = 512\ncodes = 512", "width = 16\ncode_width = 8\ncodes = 20"),
        ("batch = 256\nwindow = 64 ", f"batch = 8\nwindow = {24 if kit else 40}"),
        ('id = "huggyllama/llama-13b"', f'id = "{base}"'),
        ("batch = 4\naccumulate = 64", "batch = 2\naccumulate = 2"),
        ("repeats = 20", 'repeats = 1\ntasks = ["text", "keys"]'),
        ("batch = 32", "batch = 40"),
        ('length = "own"', 'length = "asked"'),
        ("multimodality = [100, 30]", "multimodality = [0, 0]"),
    ):
        assert old in text
        text = text.replace(old, new)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(text)
    for command in ("train-tokenizer", "train-language"):
        call = [command, recipe, "--data", data, "--out", tmp_path / "pack", "--steps", "3",
                "--device", "cpu"]  # fmt: skip
        assert main([str(part) for part in call]) == 0, capsys.readouterr().err
    manifest = packs.read_manifest(tmp_path / "pack")
    assert (manifest.prompt_style, manifest.base_model) == ("paper", "./base")
    assert manifest.fps == (12.5 if kit else 20.0)
    tokenizer = load_tokenizer(tmp_path / "pack")
    assert np.allclose(tokenizer.mean, np.load(data / "Mean.npy"), atol=1e-6)
    glove(tmp_path / "glove")
    weights = (
        kit_evaluator(tmp_path / "finest.tar")
        if kit
        else (golden / "reference" / "text_mot_match_small.tar").read_bytes()
    )
    mean, std = np.load(data / "Mean.npy"), np.load(data / "Std.npy")
    checkpoints(tmp_path / "checkpoints", "kit" if kit else "t2m", weights, mean, std)
    status = evaluated(recipe, data, tmp_path / "pack", tmp_path)
    output = capsys.readouterr()
    assert status == 0, output.err
    assert "text + key poses" in output.out
    assert ("0.597" if kit else "0.567") in output.out


@pytest.mark.parametrize("name", ["humanml3d_paper", "kit_paper"])
def test_the_recipes_say_what_was_published(name):
    recipe = Recipe.read(RECIPES / f"{name}.toml")
    config, published = recipe.tokenizer.config, recipe.tokenizer.training
    assert (config.codes, config.code_width, config.width, config.stride) == (512, 512, 512, 4)
    assert (config.levels, config.dilations) == (1, (9, 3, 1))
    assert (published.steps, published.batch, published.learning_rate) == (300_000, 256, 2e-4)
    assert isinstance(published, ReferenceTraining)
    assert (published.drop_at, published.drop, published.clip_norm) == (2 / 3, 0.05, float("inf"))
    adapter = recipe.language.adapter
    assert adapter.training.batch * adapter.training.accumulate == 256
    assert adapter.config == m.AdapterConfig(64, 16, 0.05, ("q_proj", "v_proj"))
    assert recipe.language.base == ExistingBase("huggyllama/llama-13b", dtype="bfloat16", bits=0)
    assert recipe.language.tasks == PaperTasks(1.0, 1.0, 1.0, 1.0)
    assert recipe.evaluation.repeats == 20


def test_what_is_learnt_is_the_prompt_and_the_digits():
    captioned = training.CaptionedCodes(("a man walks",), (7, 30, 4, 12, 9, 1))

    def spell(text):
        return [ord(c) for c in text]

    torch.manual_seed(0)
    seen = set()
    for _ in range(40):
        prompt, answer = training.draw(captioned, training.PaperTasks(), spell, 0)
        assert "".join(map(chr, answer[:-1])) == "7,30,4,12,9,1"
        assert answer[-1] == 0
        output = "".join(map(chr, prompt))
        seen.add(next(t for t in instructions.Task if f"description{t.value}\n" in output))
        if "<Motion Token>" not in output:
            continue
        given = [int(c) for c in output.split("<Motion Token>")[1].split("<")[0].split(",")]
        if "initial" in output:
            assert given == [7]
        elif "last token" in output:
            assert given == [1]
        else:
            assert 3 <= len(given) <= 5
            places = [captioned.codes.index(c) for c in given]
            assert places == sorted(places)
    assert seen == set(instructions.Task)


def test_pose_errors_follow_their_definition():
    real = walker(12, 1).astype(float)
    made = real[:10] + [0.0, 0.0, 0.5]
    task = instructions.Task
    assert paper_tables.pose_errors(task.INITIAL, made, real, [0]) == pytest.approx(
        (0, 0), abs=1e-6
    )
    last, _ = paper_tables.pose_errors(task.LAST, made, real, [8])
    assert last > 0.01  # frame 9 is not frame 11
    keys = paper_tables.pose_errors(task.KEYS, made, real, [4, 8])
    assert keys == pytest.approx((0, 0), abs=1e-6)


def test_authors_files_that_are_missing_are_named(tmp_path):
    with pytest.raises(packs.PackError, match=r"finest\.tar is missing: --authors names"):
        guo_evaluator.load_guo_evaluator(tmp_path, tmp_path, KIT)


def test_a_pack_of_tokens_is_measured_elsewhere(tmp_path, capsys):
    from tests.support import tiny_pack

    pack = tiny_pack.write(tmp_path / "pack")
    (tmp_path / "r.toml").write_text('[pack]\nname = "x"\ndata = "humanml3d"\n')
    assert evaluated(tmp_path / "r.toml", tmp_path, pack, tmp_path) == 1
    assert "evaluate-paper measures packs of the style 'paper'" in capsys.readouterr().err

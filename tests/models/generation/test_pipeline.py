"""A whole pack, from request to clip, and what broken packs and requests say."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ext_models import devices, packs
from ext_models.__main__ import main
from ext_models.errors import PipelineError
from ext_models.generation.pipeline import MotionPipeline, silent
from ext_models.generation.request import GenerationRequest, PoseCondition
from ext_models.language import vocabulary as voc
from motiongpt_blender.core.body.motion import MotionClip, heading
from motiongpt_blender.wire import Sampling
from tests.support import tiny_pack
from tests.support.motion_folders import walker

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return tiny_pack.write(tmp_path_factory.mktemp("packs") / "tiny")


@pytest.fixture(scope="module")
def pipeline(pack):
    return MotionPipeline.from_pack(pack, "cpu")


def pose(height=0.9):
    rng = np.random.default_rng(1)
    joints = rng.normal(size=(22, 3)).astype(np.float32) * 0.2
    return joints + np.array([2.0, height, 1.0], np.float32)


def test_a_request_becomes_a_clip(pipeline):
    poses = (PoseCondition(0, pose()), PoseCondition(20, pose()))
    seen = []
    request = GenerationRequest("a person walks", 30, poses, Sampling(seed=4, variations=2))
    result = pipeline.generate(request, lambda stage, f: seen.append((stage, f)), lambda: False)
    assert [len(c) for c in result.clips] == [30, 30]
    assert result.clips[0].prompt == "a person walks"
    fractions = [f for _, f in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    first = result.clips[0].joints[0]
    assert np.allclose(first[0, [0, 2]], pose()[0, [0, 2]], atol=1e-4)
    assert np.isclose(np.cos(heading(first) - heading(pose())), 1, atol=1e-3)


def test_the_same_seed_gives_the_same_clip(pipeline):
    request = GenerationRequest("a person walks", 24, sampling=Sampling(seed=9))
    a, b = (pipeline.generate(request, *silent()).clips[0].joints for _ in range(2))
    assert np.array_equal(a, b)


def test_of_several_candidates_the_one_with_the_best_score_is_given(pipeline):
    poses = (PoseCondition(20, pose()),)
    request = GenerationRequest("a person walks", 30, poses, Sampling(seed=4, candidates=6))
    six = replace(request.sampling, variations=6, candidates=1)
    every = pipeline.generate(replace(request, sampling=six), *silent()).clips
    best = pipeline.generate(request, *silent()).clips
    selector = pipeline.selector
    scores = [selector.weights.score(one) for one in selector.features(every, request)]
    assert scores == sorted(scores, reverse=True)  # and variations come in that order
    assert len(best) == 1
    assert np.array_equal(best[0].joints, every[0].joints)


@pytest.mark.parametrize("skills", [(), tuple(voc.Skill)])
def test_a_motion_goes_on_from_a_beginning(skills, tmp_path):
    folder = tiny_pack.write(tmp_path / "pack", skills)
    pipe = MotionPipeline.from_pack(folder, "cpu")
    history = walker(30)
    request = GenerationRequest("a person walks", 18, sampling=Sampling(seed=1), history=history)
    clip = pipe.generate(request, *silent()).clips[0]
    assert len(clip) == 18
    place = [0, 2]
    assert np.linalg.norm(clip.joints[0, 0, place] - history[-1, 0, place]) < 0.3
    given = len(clip.tokens) // 2 - 5
    assert given == (5 if skills else 0)
    # Longer than the pack makes with a whole second before it: less of it is read.
    longest = pipe.generate(replace(request, frames=36), *silent()).clips[0]
    assert len(longest) == 36


def test_tries_that_nothing_tells_apart_are_not_drawn(pipeline):
    """Neither poses nor a reranker: nothing says which of them fits."""
    request = GenerationRequest("a person walks", 30, sampling=Sampling(variations=2, candidates=5))
    (answers,) = pipeline.generate_batch([request])
    assert len(answers) == len(pipeline.select(answers, request).clips) == 2


@pytest.mark.parametrize(("largest", "threads"), [(devices.ONE_THREAD, 1), (0, 2)])
def test_a_small_model_generates_on_one_thread(pipeline, monkeypatch, largest, threads):
    monkeypatch.setattr(devices, "ONE_THREAD", largest)
    before, seen = torch.get_num_threads(), set()
    torch.set_num_threads(2)
    try:
        request = GenerationRequest("a person walks", 8)
        pipeline.generate(request, lambda *_: seen.add(torch.get_num_threads()), lambda: False)
        assert seen == {threads} and torch.get_num_threads() == 2
        with pytest.raises(PipelineError):
            pipeline.generate(GenerationRequest("a person walks", 0), *silent())
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_unknown_words_are_named(pipeline):
    notes = pipeline.generate(GenerationRequest("a person yodels", 8), *silent()).notes
    assert "yodels" in notes[0]


def test_typing_errors_are_read_as_what_was_meant(pipeline):
    typed, meant = (GenerationRequest(p, 8) for p in ("a preson wlaks", "a person walks"))
    result = pipeline.generate(typed, *silent())
    assert result.notes == ("Read 'preson' as 'person', 'wlaks' as 'walks'.",)
    right = pipeline.generate(meant, *silent())
    assert right.notes == () and right.clips[0].tokens == result.clips[0].tokens
    assert pipeline.generate_batch([typed]) == pipeline.generate_batch([meant])


@pytest.mark.parametrize("prompt", ["一个人走路", "\u05dc\u05db\u05ea"])
def test_other_scripts_are_refused_without_a_sentence_reader(pipeline, prompt):
    with pytest.raises(PipelineError, match=f"the letter '{prompt[0]}', .*: write it in English"):
        pipeline.generate(GenerationRequest(prompt, 8), *silent())


@pytest.mark.parametrize("frames", [0, 41])
def test_a_length_out_of_range_is_refused(pipeline, frames):
    with pytest.raises(PipelineError, match=r"up to 2\.0 s"):
        pipeline.generate(GenerationRequest("a person walks", frames), *silent())


def test_a_pose_out_of_range_is_refused(pipeline):
    request = GenerationRequest("a person walks", 8, (PoseCondition(8, pose()),))
    with pytest.raises(PipelineError, match="frame 8"):
        pipeline.generate(request, *silent())


BROKEN = {
    "no pack.json": ("pack.json", None),
    "garbled pack.json": ("pack.json", b"{"),
    "no tokenizer": ("motion_tokenizer.safetensors", None),
    "short tokenizer": ("motion_tokenizer.safetensors", 200),
    "no base": ("base/model.safetensors", None),
    "short base": ("base/model.safetensors", 200),
    "no adapter": ("adapter/adapter_model.safetensors", None),
    "short adapter": ("adapter/adapter_model.safetensors", 200),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_pack_is_named(fault, tmp_path):
    folder = tiny_pack.write(tmp_path / "tiny")
    name, content = BROKEN[fault]
    path = folder / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content if isinstance(content, bytes) else path.read_bytes()[:content])
    with pytest.raises(packs.PackError) as caught:
        MotionPipeline.from_pack(folder, "cpu")
    message = str(caught.value)
    assert str(folder) in message
    assert "\n" not in message


def test_another_format_version_is_refused(pack, tmp_path):
    body = json.loads((pack / packs.MANIFEST).read_text())
    (tmp_path / packs.MANIFEST).write_text(json.dumps(body | {"format_version": 99}))
    with pytest.raises(packs.PackError, match="format_version is 99"):
        packs.read_manifest(tmp_path)


def test_the_command_writes_a_clip(pack, tmp_path):
    start = tmp_path / "start.npy"
    np.save(start, pose())
    out = tmp_path / "clip.npz"
    done = subprocess.run(
        [sys.executable, "-m", "ext_models", "generate", "--prompt", "A person walks!",
         "--seconds", "1.2", "--pack", pack, "--pose", f"start:{start}", "--seed", "3",
         "--candidates", "2", "--out", out],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    clip = MotionClip.load(out)
    assert (len(clip), clip.fps, clip.seed) == (24, 20.0, 3)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--prompt", " "], "empty"),
        (["--prompt", "walk " * 1000], "shorten"),
        (["--prompt", "走"], "English"),
        (["--prompt", "walk", "--pose", "middle:x.npy"], "SECONDS"),
        (["--prompt", "walk", "--pose", "start:none.npy"], "none.npy"),
        (["--prompt", "walk", "--pack", "/nowhere"], "/nowhere"),
        (["--prompt", "walk", "--out", "clip.mp4"], ".npz"),
    ],
)
def test_bad_input_is_one_sentence(arguments, word, pack, capsys):
    if "--pack" not in arguments:
        arguments = [*arguments, "--pack", str(pack)]
    assert main(["generate", *arguments]) == 1
    output = capsys.readouterr().err
    assert word in output
    assert output.count("\n") == 1
    assert "Traceback" not in output


def test_training_without_data_says_what_it_wants(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    recipe = ROOT / "ext_models" / "recipes" / "starter.toml"
    for given in ([], ["--data", str(tmp_path)]):
        call = ["train-tokenizer", str(recipe), "--out", str(tmp_path / "out"), *given]
        assert main(call) == 1
        output = capsys.readouterr().err
        assert "captions.json" in output
        assert output.count("\n") == 1

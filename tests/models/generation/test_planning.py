"""A planner: its opinion of the summary, with a cache as without, added to the pack's own."""

import json
import shutil
from dataclasses import replace

import pytest
import torch

from ext_models.generation.pipeline import MotionPipeline, silent
from ext_models.generation.planning import Plan
from ext_models.generation.request import GenerationRequest
from ext_models.language.instructions import instruction, text_ids
from ext_models.packs import MANIFEST, PackError
from motiongpt_blender.core.packs.manifest import PLANNER
from motiongpt_blender.wire import Sampling
from tests.support import tiny_pack

SUMMARY = (3, 4)
PROMPTS = [("a person waves", 4), ("someone jumps up and turns left twice and sits", 9)]


@pytest.fixture
def pack(tmp_path):
    """A pack whose planner is another pack's language model."""
    folder = tiny_pack.write(tmp_path / "pack", summary=SUMMARY)
    shutil.copytree(tiny_pack.write(tmp_path / "other", summary=SUMMARY), folder / PLANNER)
    return folder


def plain(planner, prompt, kinds):
    """Log probabilities of the next token, of one row alone and without a cache."""
    text, steps = prompt
    asked = instruction(text_ids(planner.text, text), steps, [], planner.ids)
    so_far = [planner.ids.first_summary[k] + kind for k, kind in enumerate(kinds)]
    with torch.no_grad():
        logits = planner.model(input_ids=torch.tensor([asked + so_far])).logits[0, -1]
    return logits[planner.ids.due(len(kinds))].log_softmax(-1)


def test_a_plan_is_what_the_model_says_of_each_row_alone(pack):
    planner = MotionPipeline.from_pack(pack, "cpu").generator.planner
    plan = planner.plan(PROMPTS, 3)
    kinds = torch.zeros(6, 0, dtype=torch.long)
    for step in range(SUMMARY[0]):
        said = plan(kinds)
        alone = [plain(planner, PROMPTS[row // 3], kinds[row].tolist()) for row in range(6)]
        assert torch.allclose(said, torch.stack(alone), atol=1e-5), step
        torch.manual_seed(step)
        kinds = torch.cat([kinds, torch.randint(SUMMARY[1], (6, 1))], dim=1)


def summaries(pipe):
    # Hot, so that random weights have several opinions.
    sampling = Sampling(3, temperature=5.0, variations=6, candidates=1)
    request = GenerationRequest("a person walks", 20, sampling=sampling)
    (answers,) = pipe.generate_batch([request])
    return [answer.summary for answer in answers]


def test_a_sure_planner_decides_the_summary_and_the_model_the_codes(pack, monkeypatch):
    pipe = MotionPipeline.from_pack(pack, "cpu")
    codes = summaries(pipe)
    assert len(set(codes)) > 1

    def sure(self, kinds):
        said = torch.full((len(kinds), SUMMARY[1]), -50.0)
        said[:, (1, 3, 2)[kinds.shape[1]]] = 0.0
        return said

    monkeypatch.setattr(Plan, "__call__", sure)
    assert set(summaries(pipe)) == {(1, 3, 2)}


def test_a_planner_without_an_opinion_changes_nothing(pack, monkeypatch):
    def shrug(self, kinds):
        return torch.full((len(kinds), SUMMARY[1]), -1.4)

    monkeypatch.setattr(Plan, "__call__", shrug)
    shrugged = summaries(MotionPipeline.from_pack(pack, "cpu"))
    shutil.rmtree(pack / PLANNER)
    without = MotionPipeline.from_pack(pack, "cpu")
    assert without.generator.planner is None
    assert summaries(without) == shrugged


def test_a_planner_alone_does_not_hear_the_model_that_writes(pack, monkeypatch):
    pipe = MotionPipeline.from_pack(pack, "cpu")

    def nearly_shrug(self, kinds):
        said = torch.zeros(len(kinds), SUMMARY[1])
        said[:, 2] = 3.0
        return said

    monkeypatch.setattr(Plan, "__call__", nearly_shrug)
    head = pipe.generator.model.get_output_embeddings()
    with torch.no_grad():
        head.weight.mul_(1e4)
    heard = summaries(pipe)
    pipe.generator = replace(pipe.generator, planner=replace(pipe.generator.planner, own=0.0))
    alone = [kind for summary in summaries(pipe) for kind in summary]
    assert len(set(heard)) == 1
    assert len(set(alone)) > 1
    assert alone.count(2) > 0.25 * len(alone)


def test_each_request_of_a_batch_has_its_own_sentence(pack):
    pipe = MotionPipeline.from_pack(pack, "cpu")
    requests = [
        GenerationRequest(text, 4 * steps, sampling=Sampling(seed, variations=4, candidates=1))
        for seed, (text, steps) in enumerate(PROMPTS)
    ]
    together = pipe.generate_batch(requests)
    for request, answers in zip(requests, together, strict=True):
        (alone,) = pipe.generate_batch([request])
        assert [a.summary for a in alone] == [a.summary for a in answers]


def test_a_planner_of_another_shape_is_named(pack):
    path = pack / PLANNER / MANIFEST
    body = json.loads(path.read_text())
    path.write_text(json.dumps(body | {"summary": [2, 4]}))
    with pytest.raises(PackError, match=r"shape \[2, 4\], the pack's \[3, 4\]"):
        MotionPipeline.from_pack(pack, "cpu")


def test_a_planner_whose_base_is_missing_says_what_to_do(pack):
    path = pack / PLANNER / MANIFEST
    body = json.loads(path.read_text())
    path.write_text(json.dumps(body | {"base_model": "some/base-that-nobody-has"}))
    with pytest.raises(PackError, match="bases fetch some/base-that-nobody-has"):
        MotionPipeline.from_pack(pack, "cpu")


def test_a_pack_with_a_planner_generates(pack):
    clip = (
        MotionPipeline.from_pack(pack, "cpu")
        .generate(GenerationRequest("a person walks", 20, sampling=Sampling(1)), *silent())
        .clips[0]
    )
    assert len(clip) == 20

"""Sampling and selection by exact numbers: guidance, seeds, shares of tokens, pose errors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ext_models.generation.candidate_score import pose_distance, pose_error
from ext_models.generation.decoding import CodeSampler, TokenPrompt, force_tokens
from ext_models.generation.pipeline import MotionPipeline, silent
from ext_models.generation.request import GenerationRequest, PoseCondition
from ext_models.generation.reranker import Reranker
from ext_models.generation.reranking import CandidateSelector
from ext_models.generation.sampling import (
    SUMMARY_TEMPERATURE,
    RowSampler,
    answer_seeds,
    uniform_numbers,
)
from ext_models.language import vocabulary as voc
from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.wire import Sampling
from tests.support import tiny_pack
from tests.support.motion_folders import walker

COLD = Sampling(temperature=0.0)
#: Summary tokens and codes of two candidates of a pack of random weights.
GOLDEN = [
    ((0, 2), [[2, 10], [4, 10], [4, 10]]),
    ((2, 2), [[5, 10], [4, 10], [4, 10]]),
]


@pytest.fixture(scope="module")
def ids():
    vocabulary = voc.MotionVocabulary(levels=2, codes=12, max_steps=10, summary=(1, 5))
    return voc.TokenIds.of(tiny_pack.text_tokenizer(vocabulary), vocabulary)


def with_reranker(pipeline):
    """The same pack, which draws several candidates of a prompt."""
    parts = (pipeline.manifest, pipeline.tokenizer, pipeline.generator)
    return MotionPipeline(*parts, CandidateSelector(Reranker(None)))


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    folder = tiny_pack.write(tmp_path_factory.mktemp("packs") / "tiny", summary=(2, 6))
    return MotionPipeline.from_pack(folder, "cpu")


class Recorder:
    """Stands for pose guidance: keeps what it is given and favours one column."""

    def __init__(self, favoured: int) -> None:
        self.favoured, self.generated, self.scores = favoured, None, None

    def __call__(self, generated, scores):
        self.generated, self.scores = generated, scores
        guided = scores.clone()
        guided[:, self.favoured] += 1000
        return guided


def step_of(ids, at, scale, guidance=None, steps=(3, 1), sampling=COLD):
    """Scores of two rows at a step of the answer; the token of each row that is left."""
    prompts = [TokenPrompt([1, 2], [2], count, seed) for seed, count in enumerate(steps)]
    sampler = CodeSampler(ids, prompts, 2, sampling, cfg_scale=scale, guidance=guidance)
    rows = len(steps) * (1 if scale == 1 else 2)
    size = 1 + max(ids.ids.values())
    scores = torch.randn(rows, size, generator=torch.Generator().manual_seed(at))
    generated = torch.arange(rows * (2 + at)).reshape(rows, 2 + at)
    left = sampler(generated, scores)
    assert torch.isfinite(left).sum(-1).tolist() == [1] * rows
    return scores, generated, left.argmax(-1).tolist()


@pytest.mark.parametrize("scale", [0.5, 2.0, 3.0])
def test_guidance_goes_from_the_unconditional_scores_towards_the_conditional(ids, scale):
    recorder = Recorder(7)
    scores, generated, tokens = step_of(ids, 1, scale, recorder)
    allowed = ids.due(1)
    cond, uncond = scores[:2, allowed], scores[2:, allowed]
    assert torch.allclose(recorder.scores, uncond + scale * (cond - uncond), atol=1e-6)
    assert torch.equal(recorder.generated, generated[:2, 2:])  # the answers, not the prompts
    assert tokens == [allowed.start + 7] * 4  # the unconditional rows get the same tokens


def test_a_larger_scale_counts_the_caption_more(ids):
    """A code that the caption makes likelier wins, one that it makes less likely loses."""
    prompts = [TokenPrompt([1], [1], 3, 0)]
    allowed = ids.due(1)
    scores = torch.zeros(2, 1 + max(ids.ids.values()))
    scores[:, allowed.start] = torch.tensor([1.0, 1.5])  # likely, and less so with the caption
    scores[:, allowed.start + 1] = torch.tensor([0.9, 0.0])
    chosen = [
        int(
            CodeSampler(ids, prompts, 1, COLD, cfg_scale=scale)(torch.zeros(2, 2), scores)[
                0
            ].argmax()
        )
        for scale in (1.0, 2.0)
    ]
    assert chosen == [allowed.start, allowed.start + 1]


def test_without_guidance_the_conditional_scores_decide(ids):
    scores, _, tokens = step_of(ids, 2, 1.0)
    allowed = ids.due(2)
    assert tokens == (allowed.start + scores[:, allowed].argmax(-1)).tolist()


def test_a_finished_row_is_padded(ids):
    _, _, tokens = step_of(ids, 3, 1.0)  # one summary token and one step of two levels
    assert tokens[1] == ids.pad != tokens[0]
    _, _, tokens = step_of(ids, 2, 1.0)
    assert ids.pad not in tokens


def test_the_summary_is_sampled_at_a_higher_temperature(ids):
    sampling = Sampling(temperature=0.7, top_p=1.0)
    for at, scale in ((0, SUMMARY_TEMPERATURE), (1, 1.0)):
        steps = (9,) * 40
        scores, _, tokens = step_of(ids, at, 1.0, steps=steps, sampling=sampling)
        numbers = [uniform_numbers(seed, ids.vocabulary.tokens_of(9)) for seed in range(40)]
        allowed = ids.due(at)
        wanted = allowed.start + RowSampler(numbers, sampling)(at, scores[:, allowed], scale)
        assert tokens == wanted.tolist()


def test_forced_tokens_are_repeated_for_the_unconditional_rows():
    forced = force_tokens(torch.tensor([2, 0]), torch.zeros(4, 3))
    assert forced.argmax(-1).tolist() == [2, 0, 2, 0]
    assert torch.isinf(forced).sum() == 8


def test_every_answer_has_a_seed_of_its_own():
    seeds = answer_seeds(Sampling(seed=5, variations=2, candidates=3))
    assert seeds == [5, 104_734, 209_463, 7924, 112_653, 217_382]
    assert answer_seeds(Sampling(seed=5, candidates=1)) == [5]


@pytest.mark.parametrize(
    ("sampling", "number", "column"),
    [
        (Sampling(temperature=0.0), 0.99, 1),
        (Sampling(temperature=1.0, top_p=1.0), 0.0, 1),
        (Sampling(temperature=1.0, top_p=1.0), 0.49, 1),
        (Sampling(temperature=1.0, top_p=1.0), 0.51, 2),
        (Sampling(temperature=1.0, top_p=1.0), 0.79, 2),
        (Sampling(temperature=1.0, top_p=1.0), 0.81, 0),
        (Sampling(temperature=1.0, top_p=1.0), 0.96, 3),
        (Sampling(temperature=1.0, top_p=0.79), 0.999, 2),
        (Sampling(temperature=1.0, top_p=0.81), 0.999, 0),
        (Sampling(temperature=1.0, top_p=1.0, top_k=1), 0.999, 1),
        (Sampling(temperature=1.0, top_p=1.0, top_k=2), 0.62, 1),
        (Sampling(temperature=1.0, top_p=1.0, top_k=2), 0.63, 2),
        (Sampling(temperature=0.5, top_p=1.0), 0.68, 1),
        (Sampling(temperature=0.5, top_p=1.0), 0.70, 2),
    ],
)
def test_a_random_number_picks_its_share(sampling, number, column):
    """Columns by falling likelihood: 1 (0.5), 2 (0.3), 0 (0.15), 3 (0.05)."""
    logits = torch.tensor([[0.15, 0.5, 0.3, 0.05]]).log()
    sample = RowSampler([torch.tensor([0.9, number])], sampling)
    assert sample(1, logits).tolist() == [column]
    warm = RowSampler([torch.tensor([0.9, number])], sampling)
    assert warm(1, 2 * logits, 2.0).tolist() == [column]


def test_a_pack_gives_the_same_tokens_as_ever(pipeline):
    """Golden: random weights, one seed; a change here changes every animator's takes."""
    sampling = Sampling(seed=3, temperature=1.0, variations=1, candidates=2)
    request = GenerationRequest("a person walks", 12, sampling=sampling)
    (answers,) = with_reranker(pipeline).generate_batch([request])
    assert [(answer.summary, answer.codes) for answer in answers] == GOLDEN


# -- which candidates are kept ---------------------------------------------------------


def clip_of(joints):
    return MotionClip(joints.astype(np.float32), 20.0, (), "", 0)


def placed_request(**changes):
    body = walker(30, seed=2)
    poses = (PoseCondition(0, body[0]), PoseCondition(29, body[29], placed=True))
    sampling = Sampling(**{"variations": 1, "candidates": 2, **changes})
    return body, GenerationRequest("a person walks", 30, poses, sampling)


def test_the_place_of_a_pose_counts_among_the_candidates():
    body, request = placed_request()
    away = body.copy()
    away[29, :, 0] += 0.5  # the right pose at a wrong place
    near, far = clip_of(body), clip_of(away)
    assert pose_error(near, request) == pytest.approx(0, abs=1e-5)
    assert pose_error(far, request) == pytest.approx(0.25, abs=1e-4)  # the mean of two poses
    selector = CandidateSelector()
    assert pose_distance(near, request) == 0
    assert pose_distance(far, request) == pytest.approx((0.5 - 0.08) / 2, abs=1e-4)
    (given,) = selector.select([far, near], request).clips
    assert given.joints is near.joints
    free = GenerationRequest("x", 30, (request.poses[0], PoseCondition(29, body[29])))
    assert pose_error(far, free) == pytest.approx(0, abs=1e-5)


def test_only_the_bound_joints_count():
    body, _ = placed_request()
    arm = np.zeros(22, dtype=bool)
    arm[20] = True
    moved = body.copy()
    moved[29, 20, 1] += 0.3
    poses = (PoseCondition(29, body[29], bound=arm),)
    assert pose_error(clip_of(moved), GenerationRequest("x", 30, poses)) == pytest.approx(0.3)
    moved[29, 20, 1] -= 0.3
    moved[29, 21, 1] += 0.3
    assert pose_error(clip_of(moved), GenerationRequest("x", 30, poses)) == pytest.approx(0)


def test_the_nearest_few_are_kept_in_order():
    body, request = placed_request(variations=2)
    clips = []
    for off in (0.3, 0.1, 0.2):
        moved = body.copy()
        moved[29, :, 0] += off
        clips.append(clip_of(moved))
    kept = CandidateSelector().select(clips, request).clips
    assert [next(k for k, c in enumerate(clips) if c.joints is k_.joints) for k_ in kept] == [1, 2]


def test_candidates_are_sampled_where_something_ranks_them(pipeline):
    body, posed = placed_request(variations=2, candidates=3)
    text = GenerationRequest("a person walks", 30, sampling=posed.sampling)
    assert pipeline._sampling(posed) == Sampling(variations=6, candidates=1)
    assert pipeline._sampling(text) == Sampling(variations=2, candidates=1)
    ranking = with_reranker(pipeline)
    assert ranking._sampling(text) == Sampling(variations=2, candidates=3)
    continued = GenerationRequest("x", 20, sampling=posed.sampling, history=body)
    assert ranking._sampling(continued) == Sampling(variations=2, candidates=3)
    assert len(pipeline.generate(posed, *silent()).clips) == 2

"""Many requests in one batch: each row is what it would be alone, and held to its grammar."""

from dataclasses import replace

import pytest
import torch

from ext_models.generation import decoding, sampling
from ext_models.generation.pipeline import MotionPipeline, silent
from ext_models.generation.request import GenerationCancelledError, GenerationRequest
from ext_models.generation.sampling import RowSampler, uniform_numbers
from ext_models.language import vocabulary as voc
from ext_models.language.base_models import adapters as m
from motiongpt_blender.wire import Sampling
from tests.support import tiny_pack

VOCABULARY = tiny_pack.VOCABULARY


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    return MotionPipeline.from_pack(
        tiny_pack.write(tmp_path_factory.mktemp("packs") / "tiny"), "cpu"
    )


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(3)
    text = tiny_pack.text_tokenizer()
    base = m.new_base(m.BaseConfig(hidden=16, layers=2, heads=2, mlp=16), text).eval()
    return base, voc.TokenIds.of(text, VOCABULARY)


def asked(ids, words, steps, seed):
    length = [ids.length(steps), ids.start]
    return decoding.TokenPrompt([*words, *length], length, steps, seed)


@pytest.mark.parametrize("cfg_scale", [1.0, 2.5])
@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=0), Sampling(top_k=3)])
def test_a_row_does_not_depend_on_its_neighbours(model, cfg_scale, sampling):
    base, ids = model
    rows = [
        asked(ids, range(5, 5 + n), steps, 40 + n) for n, steps in ((1, 3), (9, 7), (4, 5), (2, 7))
    ]
    together = decoding.generate_codes(base, ids, rows, sampling, cfg_scale=cfg_scale)
    alone = [
        decoding.generate_codes(base, ids, [row], sampling, cfg_scale=cfg_scale)[0] for row in rows
    ]
    assert [len(answer.codes) for answer in together] == [3, 7, 5, 7]
    assert together == alone


def test_guidance_changes_what_is_written(model):
    base, ids = model
    row = asked(ids, (5, 6, 7), 8, 1)
    plain, guided = (
        decoding.generate_codes(base, ids, [row], Sampling(), cfg_scale=g) for g in (1.0, 6.0)
    )
    assert plain != guided


@pytest.fixture(scope="module")
def planned():
    """A model whose answers begin with a summary of two tokens."""
    torch.manual_seed(5)
    vocabulary = replace(VOCABULARY, summary=(2, 5))
    text = tiny_pack.text_tokenizer(vocabulary)
    base = m.new_base(m.BaseConfig(hidden=16, layers=2, heads=2, mlp=16), text).eval()
    return base, voc.TokenIds.of(text, vocabulary)


def test_guidance_doubles_the_rows_of_the_summary_alone(planned, model, monkeypatch):
    sizes, generate_rows = [], decoding.generate_rows

    def noted(model, prompts, longest, *more, **options):
        sizes.append((len(prompts), longest))
        return generate_rows(model, prompts, longest, *more, **options)

    monkeypatch.setattr(decoding, "generate_rows", noted)
    for (base, ids), cfg_scale in ((planned, 3.0), (planned, 1.0), (model, 3.0)):
        rows = [asked(ids, (5, 6, 7), 4, 1), asked(ids, (5,), 3, 2)]
        shares = []
        answers = decoding.generate_codes(
            base, ids, rows, Sampling(), cfg_scale=cfg_scale, progress=shares.append, plain=True
        )
        assert [len(answer.codes) for answer in answers] == [4, 3]
        assert shares == sorted(shares) and shares[-1] == 1.0
    codes = 4 * VOCABULARY.levels
    assert sizes == [(4, 2), (2, codes), (2, 2 + codes), (4, codes)]


def test_an_answer_in_two_spans_is_the_one_in_one(planned):
    """Guidance by what is no other prompt changes nothing but the spans."""
    base, ids = planned
    rows = [asked(ids, (5, 6, 7), 6, 1), asked(ids, (5,), 4, 2)]
    rows = [replace(row, uncond=row.cond) for row in rows]
    whole = decoding.generate_codes(base, ids, rows, Sampling(), plain=True)
    assert decoding.generate_codes(base, ids, rows, Sampling(), cfg_scale=3.0, plain=True) == whole


def test_seeds_give_different_rows(model):
    base, ids = model
    rows = [asked(ids, (5, 6), 8, seed) for seed in range(4)]
    codes = decoding.generate_codes(base, ids, rows, Sampling(temperature=2.0, top_p=1.0))
    assert len({str(c) for c in codes}) == 4


def test_draws_follow_the_shares():
    """Of 3000 seeds, each column is drawn as often as it is likely; the unlikely never."""
    shares = torch.tensor([0.5, 0.3, 0.15, 0.05])
    sampling = Sampling(temperature=1.0, top_p=0.9)
    draws = RowSampler([uniform_numbers(seed, 1) for seed in range(3000)], sampling)
    drawn = draws(0, shares.log().expand(3000, 4)).bincount(minlength=4) / 3000
    assert drawn[3] == 0
    assert torch.allclose(drawn[:3], shares[:3] / 0.95, atol=0.03)
    colder = RowSampler(draws.numbers, Sampling(temperature=0.5, top_p=1.0, top_k=2))
    drawn = colder(0, shares.log().expand(3000, 4)).bincount(minlength=4) / 3000
    assert drawn[0] == pytest.approx(0.25 / 0.34, abs=0.03)
    assert drawn[2:].sum() == 0


def test_a_pipeline_writes_many(pipeline):
    requests = [
        GenerationRequest("a person walks", n, sampling=Sampling(seed=n, candidates=1))
        for n in (9, 30, 17)
    ]
    before = pipeline.generate(requests[0], *silent()).clips[0]
    answers = pipeline.generate_batch(requests)
    assert [[len(a.codes) for a in candidates] for candidates in answers] == [[3], [8], [5]]
    made = [
        pipeline.select(candidates, r).clips
        for candidates, r in zip(answers, requests, strict=True)
    ]
    assert [len(clip) for (clip,) in made] == [9, 30, 17]
    assert pipeline.generate(requests[0], *silent()).clips[0].tokens == before.tokens


def test_it_stops_when_asked(pipeline):
    with pytest.raises(GenerationCancelledError):
        pipeline.generate_batch([GenerationRequest("a person walks", 30)], cancelled=lambda: True)


@pytest.mark.parametrize(("spread", "is_enough"), [(3.0, True), (0.1, False)])
def test_sorting_a_few_columns_samples_as_sorting_all_does(monkeypatch, spread, is_enough):
    """Of 1,000 columns; where the few do not fill the share, all are sorted."""
    logits = spread * torch.randn(60, 1000, generator=torch.Generator().manual_seed(2))
    numbers = [uniform_numbers(seed, 1) for seed in range(60)]
    draws = RowSampler(numbers, Sampling(temperature=1.0, top_p=0.8))
    found = draws(0, logits)
    sorted_columns = draws._likeliest(logits.softmax(-1))[0].shape[1]
    assert sorted_columns == (sampling.FEW if is_enough else 1000)
    monkeypatch.setattr(sampling, "FEW", 1000)
    assert torch.equal(draws(0, logits), found)
    assert len(found.unique()) > 30

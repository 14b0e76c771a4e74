"""The clip summary of a motion: told apart, kept by a pack, first in every answer."""

import numpy as np
import pytest

from ext_models.datasets.layouts import read_examples
from ext_models.generation.decoding import CodeSampler, TokenPrompt
from ext_models.generation.pipeline import MotionPipeline, silent
from ext_models.generation.request import GenerationRequest, PoseCondition
from ext_models.language import fine_tuning, tasks
from ext_models.language import vocabulary as voc
from ext_models.language.corpus import Encoded, Pool
from ext_models.language.instructions import answer, instruction
from ext_models.packs import PackError, read_manifest
from ext_models.tokenizer.clip_summary import ClipSummary, describe, fit_clip_summary
from motiongpt_blender.core.body.rotations import about_y, rotate
from motiongpt_blender.wire import Sampling
from tests.support import tiny_pack
from tests.support.motion_folders import walker

VOCABULARY = voc.MotionVocabulary(levels=2, codes=12, max_steps=10, summary=(2, 3))


@pytest.fixture(scope="module")
def ids():
    return voc.TokenIds.of(tiny_pack.text_tokenizer(VOCABULARY), VOCABULARY)


def test_a_description_is_the_motion_s_own(data):
    joints = read_examples(data, "clean")[3].joints
    turn = np.broadcast_to(about_y(np.array(2.0)), (*joints.shape[:-1], 4))
    moved = rotate(turn, joints) + np.array([3.0, 0.0, -1.0])
    np.testing.assert_allclose(describe(moved), describe(joints), atol=1e-3)


def test_a_style_is_told_apart_whatever_foot_goes_first(data):
    """A run a few frames later is mostly nearest to itself; by bodies and path alone, 1 in 6 is."""
    examples = [e for e in read_examples(data, "nc") if e.label.startswith("run, ")]
    one = {e.label: e.joints for e in examples if len(e.joints) >= 60}
    early = {label: describe(joints[:50]) for label, joints in one.items()}
    late = {label: describe(joints[-50:]) for label, joints in one.items()}
    nearest = {
        label: min(early, key=lambda k, point=point: float(np.linalg.norm(early[k] - point)))
        for label, point in late.items()
    }
    assert len(one) >= 5
    assert sum(a == b for a, b in nearest.items()) >= 0.5 * len(one)


def test_kinds_of_motion_are_told_apart(data, tmp_path):
    clips = [
        e
        for k, e in enumerate(read_examples(data, "clean"))
        if k % 8 == 0 or e.label == "run" or e.label.startswith("idle")
    ]
    made = fit_clip_summary([e.joints for e in clips], levels=2, kinds=16, seed=0)
    idle = [made(e.joints)[0] for e in clips if e.label.startswith("idle")]
    runs = [made(e.joints)[0] for e in clips if e.label == "run"]
    assert not set(idle) & set(runs)
    made.save(tmp_path)
    again = ClipSummary.load(tmp_path)
    assert again.shape == (2, 16)
    assert [again(e.joints) for e in clips[:9]] == [made(e.joints) for e in clips[:9]]


def test_fewer_motions_than_kinds():
    made = fit_clip_summary([walker(20 + k) for k in range(4)], levels=2, kinds=6, seed=0)
    assert all(0 <= c < 4 for c in made(walker(22)))


def test_an_answer_begins_with_its_summary(ids):
    codes = [[1, 2], [3, 4]]
    written = answer(codes, ids, (2, 1))
    assert len(written) == VOCABULARY.tokens_of(2) + 1
    assert written[:2] == [ids.ids["<s0_2>"], ids.ids["<s1_1>"]]
    assert ids.written(written[:-1]) == voc.GeneratedCodes(codes, (2, 1))
    one = Encoded(((5, 6),), np.array(codes), np.array(codes), np.zeros((2, 3)), summary=(0, 2))
    _, reply = tasks.draw(one, tasks.TaskMix(text=1.0), ids, 2)
    assert reply == answer(codes, ids, (0, 2))


def test_the_grammar_asks_for_the_summary_first(ids):
    import torch

    rows = [TokenPrompt((), (), 2, seed) for seed in range(200)]
    grammar = CodeSampler(ids, rows, 3, Sampling(temperature=1.0, top_p=1.0))
    size = max(ids.ids.values()) + 1
    for at, span in enumerate([ids.due(k) for k in range(6)]):
        held = grammar(torch.zeros(200, 3 + at, dtype=torch.long), torch.zeros(200, size))
        assert (torch.isfinite(held).sum(1) == 1).all()
        assert set(held.argmax(1).tolist()) == set(range(span.start, span.stop))
    assert ids.due(0).stop - ids.due(0).start == 3
    assert ids.due(2).stop - ids.due(2).start == 12


def test_a_pack_with_a_summary_generates(tmp_path):
    folder = tiny_pack.write(tmp_path / "pack", summary=(2, 3))
    assert read_manifest(folder).summary == (2, 3)
    pipe = MotionPipeline.from_pack(folder, "cpu")
    requests = [GenerationRequest("a person walks", n, sampling=Sampling(seed=n)) for n in (12, 20)]
    clips = [pipe.generate(r, *silent()).clips[0] for r in requests]
    assert [len(c) for c in clips] == [12, 20]
    assert [len(c.tokens) for c in clips] == [6, 10]


def test_an_answer_may_be_the_summary_alone(ids):
    codes = np.array([[1, 2], [3, 4]])
    one = Encoded(((5, 6),), codes, codes, np.zeros((2, 3)), summary=(0, 2))
    asked, reply = tasks.draw_summary(one, tasks.TaskMix(text=1.0), ids)
    assert asked == instruction([5, 6], 2, (), ids)
    assert reply == ids.summary_ids((0, 2))


@pytest.mark.parametrize("late, many", [(None, False), (1.0, True)])
def test_summaries_alone_are_learnt_late(ids, late, many):
    codes = np.array([[1, 2], [3, 4]])
    one = Encoded(((5, 6),), codes, codes, np.zeros((2, 3)), summary=(0, 2))
    mix = tasks.TaskMix(text=1.0, summary_share=0.0, late_summary_share=late)

    def pick(pool):
        return tasks.draw(pool.pick(), mix, ids, 2)

    draw = fine_tuning._batches(pick, Pool([one]), ids, 3, mix)
    assert {len(draw(0.4)["labels"]) for _ in range(20)} == {3}
    assert {len(draw(0.6)["labels"]) for _ in range(20)} == {12 if many else 3}


def test_candidates_have_summaries_of_their_own(tmp_path):
    pipe = MotionPipeline.from_pack(tiny_pack.write(tmp_path / "pack", summary=(2, 5)), "cpu")
    poses = (PoseCondition(19, walker(20)[19]),)
    request = GenerationRequest(
        "a person walks", 20, poses, Sampling(seed=3, temperature=5.0, variations=2, candidates=6)
    )
    (answers,) = pipe.generate_batch([request])
    assert len(answers) == 12
    assert len({a.summary for a in answers}) > 2


def test_a_wrong_summary_is_named(tmp_path):
    folder = tiny_pack.write(tmp_path / "pack")
    path = folder / "pack.json"
    path.write_text(path.read_text().replace('"summary": []', '"summary": [3]'))
    with pytest.raises(PackError, match="'summary' must be two whole numbers"):
        read_manifest(folder)

"""Neighbours: which motions are found, when they come, and how their codes are mixed in."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ext_models.generation import decoding
from ext_models.generation.neighbours import (
    Neighbour,
    NeighbourMixture,
    Neighbours,
    NeighbourScales,
)
from ext_models.generation.pipeline import MotionPipeline
from ext_models.generation.request import GenerationRequest
from ext_models.generation.targets import PoseTarget
from ext_models.language.corpus import Encoded
from ext_models.language.datastore import Datastore
from ext_models.language.vocabulary import MotionVocabulary, TokenIds
from ext_models.motion import features
from motiongpt_blender.wire import Sampling
from tests.support import tiny_pack
from tests.support.motion_folders import walker

VOCABULARY = MotionVocabulary(levels=2, codes=12, max_steps=10, summary=(2, 5))
#: Each sentence is a direction; "stroll" is near "walk".
VECTORS = {"walk": (1, 0, 0), "stroll": (0.98, 0.199, 0), "sit": (0, 1, 0), "bow": (0, 0, 1)}


class Reader:
    name, width = "directions", 3

    def __call__(self, sentences):
        return np.array([VECTORS[s] for s in sentences], dtype=np.float32)


def motion(sentence, clip, steps, first):
    codes = (first + np.arange(2 * steps).reshape(steps, 2)) % 12
    summary = (first % 5, 3)
    return Encoded((), codes, codes, np.zeros((steps, 3)), 1.0, summary, (), (sentence,), clip)


MOTIONS = [
    motion("walk", "a", 8, 0),
    motion("walk", "a", 8, 1),  # mirrored
    motion("stroll", "b", 6, 2),
    motion("sit", "c", 3, 3),
    motion("bow", "d", 5, 4),
]


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    folder = tiny_pack.write(tmp_path_factory.mktemp("packs") / "tiny", summary=(2, 5))
    tiny_pack.write_bodies(folder)
    return MotionPipeline.from_pack(folder, "cpu")


@pytest.fixture
def neighbours(pipeline):
    scales = NeighbourScales(spread=0.0, short=0.0)
    return Neighbours(Datastore.of(MOTIONS, Reader()), Reader(), pipeline.tokenizer, scales)


def starts(found):
    return [int(one.codes[0, 0]) for one in found]


def test_the_nearest_come_first_and_a_clip_once(neighbours):
    found = neighbours.find("walk", 6, 4, seed=3)
    # Sitting and bowing are nothing like it.
    assert [one.summary[0] for one in found] == [0, 2]
    assert len(neighbours.find("walk", 6, 1, seed=3)) == 1
    assert [one.summary for one in neighbours.find("sit", 6, 4, seed=0)] == [(3, 3)]


def test_a_seed_changes_the_order_of_what_is_nearly_equal(neighbours):
    loose = replace(neighbours, scales=replace(neighbours.scales, spread=0.03))
    first = {loose.find("walk", 6, 1, seed)[0].summary[0] for seed in range(40)}
    assert first == {0, 1, 2}
    assert loose.find("walk", 6, 2, 5)[0].summary == loose.find("walk", 6, 2, 5)[0].summary
    assert {loose.find("bow", 6, 1, seed)[0].summary[0] for seed in range(20)} == {4}


def test_one_that_lasts_is_nearer_than_a_short_one(neighbours):
    store = Datastore.of([motion("walk", "s", 2, 0), motion("stroll", "l", 9, 5)], Reader())
    patient = replace(neighbours, datastore=store)
    assert starts(patient.find("walk", 9, 1, 0)) == [0]
    patient = replace(patient, scales=replace(patient.scales, short=0.2))
    assert patient.find("walk", 9, 1, 0)[0].codes[0, 0] == 5
    assert starts(patient.find("walk", 2, 1, 0)) == [0]


def test_a_longer_motion_is_cut_anywhere_and_a_shorter_one_comes_first(neighbours):
    found = [neighbours.find("walk", 3, 1, seed)[0] for seed in range(60)]
    assert {len(one.codes) for one in found} == {3} and {one.begin for one in found} == {0}
    assert set(starts(found)) == {0, 2, 4, 6, 8, 10}
    (short,) = neighbours.find("sit", 7, 1, 0)
    assert short.begin == 0 and len(short.codes) == 3


@pytest.mark.parametrize(("steps", "at"), [(4, 2), (4, 4), (9, 0), (9, 1)])
def test_with_poses_a_motion_comes_when_it_suits_them(neighbours, pipeline, steps, at):
    """``at``: the code step of the motion, or of the answer, that the other one begins with."""
    codes = MOTIONS[0].codes
    frames = pipeline.tokenizer.decode(torch.tensor(codes[None]))[0].numpy()
    joints = features.to_joints(frames)
    stride = pipeline.tokenizer.config.stride
    seen = (1, 3 * stride) if steps < len(codes) else (stride, 7 * stride)
    moved = at * stride * (1 if steps < len(codes) else -1)
    poses = [PoseTarget(frame, joints[frame + max(moved, 0)]) for frame in seen]
    poses = [replace(pose, frame=pose.frame - min(moved, 0)) for pose in poses]
    (found,) = neighbours.find("walk", steps, 1, 0, poses)
    begin, first = (0, at) if steps < len(codes) else (at, 0)
    assert found.begin == begin
    np.testing.assert_array_equal(found.codes, codes[first:][: steps - begin])


def test_the_mixture_is_the_share_and_finer_codes_follow_coarser_ones():
    ids = TokenIds.of(tiny_pack.text_tokenizer(VOCABULARY), VOCABULARY)
    neighbour = Neighbour((1, 3), np.array([[4, 5], [6, 7]]), begin=1)
    mixture = NeighbourMixture(ids, [None, neighbour], share=0.75)
    answer = torch.tensor(ids.summary_ids((1, 3)) + ids.of_codes([[0, 0], [4, 5], [6, 7], [1, 1]]))
    rows = torch.stack([answer, answer])
    scores = torch.randn(2, 12, generator=torch.Generator().manual_seed(0))

    def mixed(step, before=rows):
        allowed = ids.due(step)
        given = scores[:, : allowed.stop - allowed.start]
        found = mixture(before[:, :step], given, allowed)
        assert torch.equal(found[0], given[0])  # it has no neighbour
        return given[1], found[1]

    for step, kind in ((0, 1), (1, 3)):
        assert mixed(step)[1].softmax(-1)[kind] == 1
    for step in (2, 3, 8, 9):  # before it begins, after its end
        given, found = mixed(step)
        assert torch.equal(given, found)
    for step, code in ((4, 4), (5, 5), (6, 6), (7, 7)):
        given, found = mixed(step)
        expected = 0.25 * given.softmax(-1)
        expected[code] += 0.75
        torch.testing.assert_close(found.softmax(-1), expected)
    other = rows.clone()
    other[:, 6] = ids.first_code[0] + 9
    given, found = mixed(7, other)
    assert torch.equal(given, found)


def test_an_answer_keeps_to_its_neighbour_and_goes_on_by_itself(pipeline):
    generator = pipeline.generator
    codes = np.array([[3, 4], [5, 6], [7, 8]])
    row = generator._prompt(pipeline._code_request(GenerationRequest("a person walks", 20)))
    rows = [
        replace(row, seed=seed, neighbour=Neighbour((4, 2), codes) if seed % 2 else None)
        for seed in range(12)
    ]
    answers = decoding.generate_codes(
        generator.model, generator.ids, rows, Sampling(temperature=1.5), neighbour_share=0.999
    )
    beside, plain = answers[1::2], answers[::2]
    assert {answer.summary for answer in beside} == {(4, 2)}
    assert all(answer.codes[:3] == codes.tolist() for answer in beside)
    assert len({str(answer.codes[3:]) for answer in beside}) > 3
    assert len({answer.summary for answer in plain}) > 2
    alone = decoding.generate_codes(
        generator.model, generator.ids, rows[::2], Sampling(temperature=1.5)
    )
    assert alone == plain


def asked(pipeline, neighbours, guidance=1.0, first=0, way=None, **sampling):
    """The rows of a request; ``way``: metres ahead of a pose at its end."""
    generator = replace(pipeline.generator, neighbours=neighbours)
    request = GenerationRequest("walk", 20, sampling=Sampling(3, guidance=guidance, **sampling))
    code_request = replace(pipeline._code_request(request), first=first)
    if way is not None:
        end = PoseTarget(19, walker(20)[-1].astype(np.float32), place=(0.0, way, 0.0))
        targets = replace(code_request.targets, poses=(end,))
        code_request = replace(code_request, targets=targets)
    return generator._rows(replace(code_request, sampling=request.sampling))


def test_every_third_candidate_has_a_neighbour_as_far_as_there_are_some(pipeline, neighbours):
    rows = asked(pipeline, neighbours, candidates=10)
    # Two clips are like the prompt.
    assert [k for k, row in enumerate(rows) if row.neighbour] == [2, 5]
    assert [row.targets.turn for row in rows] == [0, 1, None, 2, 3, None, 4, 5, 6, 6]
    assert not any(row.neighbour for row in asked(pipeline, neighbours, 0.0, candidates=10))
    assert not any(row.neighbour for row in asked(pipeline, None, candidates=10))
    assert not any(row.neighbour for row in asked(pipeline, neighbours, way=2.0, candidates=10))
    assert any(row.neighbour for row in asked(pipeline, neighbours, way=0.0, candidates=10))
    (one,) = asked(pipeline, neighbours, first=8, candidates=1)
    assert one.neighbour is not None

"""A batch that does not fit the memory is written in parts, with the answers of the whole."""

from dataclasses import replace

import pytest
import torch

from ext_models.generation.batches import write_batch
from ext_models.generation.generators import CodeRequest
from ext_models.generation.pipeline import MotionPipeline, silent
from ext_models.generation.request import GenerationRequest
from ext_models.generation.sampling import answer_seeds
from motiongpt_blender.wire import Sampling
from tests.support import tiny_pack


class Narrow:
    """A generator whose memory holds so many answers at once; an answer is its seed and number."""

    def __init__(self, most):
        self.most, self.calls = most, 0

    def generate(self, requests, progress, cancelled, sketcher=None):
        self.calls += 1
        rows = [
            (r.prompt, seed, number)
            for r in requests
            for number, seed in enumerate(answer_seeds(r.sampling), r.first)
        ]
        if len(rows) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return rows


def ask(prompt="a", first=0, **sampling):
    return CodeRequest(prompt, 5, (), Sampling(seed=7, **sampling), first=first)


@pytest.mark.parametrize(
    "requests",
    [
        [ask(candidates=16)],
        [ask(variations=3, candidates=5, first=2)],
        [ask("a", variations=1, candidates=2), ask("b", candidates=3), ask("c", candidates=1)],
    ],
)
@pytest.mark.parametrize("most", [1, 3, 100])
def test_the_parts_hold_the_answers_of_the_whole(requests, most):
    whole = Narrow(1000).generate(requests, None, None)
    narrow = Narrow(most)
    answers, parts = write_batch(narrow, requests, *silent())
    assert answers == whole
    assert (parts == 1) == (len(whole) <= most)
    assert parts >= len(whole) / most


def test_one_answer_that_does_not_fit_and_other_errors_are_passed_on():
    with pytest.raises(torch.OutOfMemoryError):
        write_batch(Narrow(0), [ask(candidates=1)], *silent())

    class Broken:
        calls = 0

        def generate(self, *_):
            self.calls += 1
            raise ValueError("a bug")

    broken = Broken()
    with pytest.raises(ValueError, match="a bug"):
        write_batch(broken, [ask(candidates=16)], *silent())
    assert broken.calls == 1


def test_a_take_made_in_parts_is_that_of_the_whole_and_says_so(tmp_path, monkeypatch):
    pipe = MotionPipeline.from_pack(tiny_pack.write(tmp_path / "tiny"), "cpu")
    sampling = Sampling(seed=3, variations=4, candidates=1)
    request = GenerationRequest("a person walks", 20, sampling=sampling)
    whole = pipe.generate(request, *silent())
    assert not any("memory was short" in note for note in whole.notes)
    kind, real = type(pipe.generator), type(pipe.generator).generate

    def narrow(self, requests, *others):
        if sum(r.sampling.answers for r in requests) > 2:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ...")
        return real(self, requests, *others)

    monkeypatch.setattr(kind, "generate", narrow)
    parts = pipe.generate(replace(request), *silent())
    assert parts.notes[0] == "The memory was short: the candidates were made in 2 parts."
    assert [clip.tokens for clip in parts.clips] == [clip.tokens for clip in whole.clips]

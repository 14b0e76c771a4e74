"""Every target is fuzzed a little, with cases that are the same each time."""

import itertools
import json

import pytest

from motiongpt_blender.core.packs.manifest import PackError
from tests.fuzz import running
from tests.fuzz.inputs import damaged_json
from tests.fuzz.running import TooMuchError, fuzz
from tests.fuzz.targets import TARGETS, Target

#: Cases of each target; a pack is loaded with PyTorch each time.
CASES = {"pack": 12, "checkpoint": 25}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TARGETS)
def test_damaged_files_are_read_or_refused_in_a_sentence(name):
    assert fuzz(TARGETS[name], cases=CASES.get(name, 40)).cases > 0


def probe(read):
    """A target with this reader; its refusals are those of packs."""

    def prepare(folder):
        return damaged_json({"a": 1}).map(lambda data: {"x.json": data})

    return Target("probe", prepare, read, (PackError,))


def raises_key_error(folder):
    return json.loads('{"a": 1}')["b"]


def two_lines(folder):
    raise PackError("one\ntwo")


@pytest.mark.parametrize(
    ("read", "error"), [(raises_key_error, KeyError), (two_lines, TooMuchError)]
)
def test_other_errors_are_found(read, error):
    with pytest.raises(error):
        fuzz(probe(read), cases=5)


def test_slow_and_large_cases_are_found(monkeypatch):
    monkeypatch.setattr(running, "SECONDS", 0)
    with pytest.raises(TooMuchError, match=" s"):
        fuzz(probe(lambda folder: sum(range(10_000))), cases=5)
    monkeypatch.setattr(running, "SECONDS", 5)
    peaks = itertools.count(100, 600)
    monkeypatch.setattr(running, "_peak", lambda: next(peaks))
    with pytest.raises(TooMuchError, match="600 MB"):
        fuzz(probe(lambda folder: None), cases=1)

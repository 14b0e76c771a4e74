"""The wire: what is written is what is read, and nothing else is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motiongpt_blender import wire

TEXT = st.text(max_size=200)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
COUNT = st.integers(-(2**40), 2**40)
MESSAGES = st.one_of(
    st.builds(
        wire.Generate, TEXT, TEXT, COUNT, TEXT, st.lists(COUNT, max_size=9).map(tuple), COUNT,
        NUMBER, COUNT,
    ),
    st.builds(wire.Cancel, TEXT),
    st.just(wire.Shutdown()),
    st.builds(wire.Hello, COUNT, TEXT, TEXT, COUNT, TEXT, NUMBER, COUNT),
    st.builds(wire.Progress, TEXT, TEXT, NUMBER),
    st.builds(
        wire.Result, TEXT, st.lists(TEXT, max_size=4).map(tuple),
        st.dictionaries(TEXT, NUMBER, max_size=4), st.lists(TEXT, max_size=4).map(tuple),
    ),
    st.builds(wire.Failure, TEXT, TEXT, TEXT),
    st.builds(wire.Cancelled, TEXT),
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
)
KINDS = ("Generate", "Cancel", "Shutdown", "Hello", "Progress", "Result", "Failure", "Cancelled")


@given(MESSAGES)
def test_round_trip(message):
    line = wire.encode(message)
    assert line.endswith("\n") and line.count("\n") == 1 and line.isascii()
    assert wire.decode(line) == message


@given(st.text(max_size=300))
def test_any_text_is_a_message_or_a_wire_error(text):
    try:
        wire.decode(text)
    except wire.WireError as error:
        assert "\n" not in str(error)


@given(st.sampled_from(KINDS), st.dictionaries(st.text(max_size=9), JSON, max_size=4), JSON, JSON)
def test_any_json_is_a_message_or_a_wire_error(kind, extra, fraction, pose_frames):
    body = {"type": kind, "job": "a", "stage": "b", "fraction": fraction}
    for candidate in (body, {**body, **extra}, {"type": kind, "pose_frames": pose_frames}, extra):
        try:
            message = wire.decode(json.dumps(candidate))
        except wire.WireError:
            continue
        wire.encode(message)  # what was let in can be passed on


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "not JSON"),
        ("Segmentation fault", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[1, 2]", "not a JSON object"),
        ('{"job": "a"}', "unknown message type None"),
        ('{"type": ["Cancel"], "job": "a"}', "unknown message type"),
        ('{"type": "Explode"}', "'Explode'"),
        ('{"type": "Cancel"}', "Cancel is incomplete"),
        ('{"type": "Cancel", "job": 3}', "Cancel.job has the wrong type (int)"),
        ('{"type": "Cancel", "job": "a", "why": 1}', "no field 'why'"),
        ('{"type": "Progress", "job": "a", "stage": "b", "fraction": true}', "wrong type (bool)"),
        ('{"type": "Progress", "job": "a", "stage": "b", "fraction": NaN}', "not a finite"),
        ('{"type": "Progress", "job": "a", "stage": "b", "fraction": 1e999}', "not a finite"),
        (
            '{"type": "Progress", "job": "a", "stage": "b", "fraction": 1' + "0" * 400 + "}",
            "not a finite",
        ),
        ('{"type": "Result", "job": "a", "clips": [1]}', "Result.clips has the wrong type"),
        ('{"type": "Result", "job": "a", "clips": "clip.npz"}', "Result.clips"),
        ("x" * (wire.MAX_LINE + 1), "longer than"),
    ],
)
def test_what_is_no_message_is_named(line, says):
    with pytest.raises(wire.WireError) as caught:
        wire.decode(line)
    assert says in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_no_number_that_is_none_is_written(value):
    with pytest.raises(wire.WireError):
        wire.encode(wire.Progress("a", "b", value))


def test_a_line_that_is_too_long_is_not_written():
    with pytest.raises(wire.WireError, match="longer than"):
        wire.encode(wire.Failure("a", "x" * wire.MAX_LINE))


def test_line_ends_of_windows_are_read():
    assert wire.decode('{"type": "Cancel", "job": "a"}\r\n') == wire.Cancel("a")

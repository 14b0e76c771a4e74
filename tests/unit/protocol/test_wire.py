"""The wire: what is written is what is read, and nothing else is."""

import json
import types
import typing
from dataclasses import asdict, fields, is_dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motiongpt_blender import wire
from motiongpt_blender.core.ways.way import Way, Waypoint

VALUES = {
    str: st.text(max_size=200),
    int: st.integers(-(2**40), 2**40),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
}


def any_value(hint):
    """Values of a field's annotation."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return st.lists(any_value(arguments[0]), max_size=9).map(tuple)
    if origin is types.UnionType:
        return st.none() | any_value(arguments[0])
    if origin is dict:
        return st.dictionaries(any_value(arguments[0]), any_value(arguments[1]), max_size=4)
    return any_of(hint) if is_dataclass(hint) else VALUES[hint]


def any_of(kind):
    """Messages with a value in every field, those with a default included."""
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{f.name: any_value(hints[f.name]) for f in fields(kind)})


KINDS = (*typing.get_args(wire.Request), *typing.get_args(wire.Report))
#: A request that differs from the defaults in every field.
FULL = wire.Generate(
    "job", "a person walks", 40, "folder", (0, 39), wire.Sampling(7, 0.5, 0.9, 40, 2, 3, 1.5), True,
    Way((Waypoint(0.0, 1.0, 0.5, 0.0), Waypoint(2.0, 3.0, None, 1.5)), drawn=True),
)  # fmt: skip
#: The beginning of a request's line.
GENERATE = '{"type": "Generate", "job": "a", "prompt": "b", "frames": 9, "folder": "c", '
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)


@pytest.mark.parametrize("kind", KINDS)
@given(st.data())
def test_every_field_comes_through(kind, data):
    message = data.draw(any_of(kind))
    line = wire.encode(message)
    assert line.endswith("\n") and line.count("\n") == 1 and line.isascii()
    assert wire.decode(line) == message


def test_no_field_of_a_request_is_left_at_its_default():
    """Guards the next test: what equals its default could be lost unseen."""
    for one in (FULL, FULL.sampling):
        assert all(getattr(one, f.name) != f.default for f in fields(one))
    assert wire.decode(wire.encode(FULL)) == FULL


def test_the_nested_sampling_is_an_object_of_its_own():
    body = json.loads(wire.encode(FULL))
    assert body["sampling"] == {
        "seed": 7, "temperature": 0.5, "top_p": 0.9, "top_k": 40,
        "variations": 2, "candidates": 3, "guidance": 1.5,
    }  # fmt: skip
    del body["sampling"], body["continues"], body["pose_frames"], body["way"]
    assert wire.decode(json.dumps(body)) == wire.Generate("job", "a person walks", 40, "folder")


def line_with(kind, hints, name):
    """A line of a message, or of a request with a sampling, that says True in one field."""
    plain = {str: "text", int: 1, float: 1.0, bool: False, tuple[str, ...]: []}
    body = {f.name: plain[hints[f.name]] for f in fields(kind) if hints[f.name] in plain}
    body[name] = True
    if kind is wire.Sampling:
        body = {"job": "a", "prompt": "b", "frames": 1, "folder": "c", "sampling": body}
        return json.dumps({"type": "Generate", **body})
    return json.dumps({"type": kind.__name__, **body})


@pytest.mark.parametrize("kind", [*KINDS, wire.Sampling])
def test_true_is_neither_an_integer_nor_a_number(kind):
    hints = typing.get_type_hints(kind)
    for name in (f.name for f in fields(kind) if hints[f.name] in (int, float)):
        with pytest.raises(wire.WireError, match=rf"\.{name} has the wrong type \(bool\)"):
            wire.decode(line_with(kind, hints, name))


@given(st.text(max_size=300))
def test_any_text_is_a_message_or_a_wire_error(text):
    try:
        wire.decode(text)
    except wire.WireError as error:
        assert "\n" not in str(error)


@given(
    st.sampled_from([kind.__name__ for kind in KINDS]),
    st.dictionaries(st.text(max_size=9), JSON, max_size=4),
    JSON,
    JSON,
)
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
        ('{"type": "Cancel"}', "Cancel is incomplete: the field 'job' is missing"),
        ('{"type": "Cancel", "job": 3}', "Cancel.job has the wrong type (int)"),
        ('{"type": "Cancel", "job": "a", "why": 1}', "no field 'why'"),
        ('{"type": "Progress", "job": "a", "stage": "b", "fraction": true}', "wrong type (bool)"),
        ('{"type": "Progress", "job": "a", "stage": "b", "fraction": NaN}', "not a finite"),
        ('{"type": "Progress", "job": "a", "stage": "b", "fraction": 1e999}', "not a finite"),
        (
            '{"type": "Progress", "job": "a", "stage": "b", "fraction": 1' + "0" * 400 + "}",
            "not a finite",
        ),
        (GENERATE + '"sampling": {"tries": 1}}', "Generate.sampling has no field 'tries'"),
        (
            GENERATE + '"sampling": {"seed": 1.5}}',
            "Generate.sampling.seed has the wrong type (float)",
        ),
        (GENERATE + '"sampling": {"top_p": NaN}}', "Generate.sampling.top_p is not a finite"),
        (GENERATE + '"sampling": [1]}', "Generate.sampling has the wrong type (list)"),
        (GENERATE + '"sampling": null}', "Generate.sampling has the wrong type (NoneType)"),
        (GENERATE + '"continues": 1}', "Generate.continues has the wrong type (int)"),
        (GENERATE + '"pose_frames": [0, true]}', "Generate.pose_frames has the wrong type (bool)"),
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


def test_the_defaults_and_limits_of_a_sampling():
    """What a user gets who chooses nothing, and may choose at most: a change is a decision."""
    defaults = {"seed": 0, "temperature": 0.8, "top_p": 0.95, "top_k": 0, "variations": 1,
                "candidates": 16, "guidance": 1.0}  # fmt: skip
    highest = {"seed": 2**31 - 1, "temperature": 10, "top_p": 1, "top_k": 2**31 - 1,
               "variations": 1000, "candidates": 1000, "guidance": 10}  # fmt: skip
    assert asdict(wire.Sampling()) == defaults
    assert {name: limits.high for name, limits in wire.LIMITS.items()} == highest
    lowest = dict.fromkeys(defaults, 0) | {"variations": 1, "candidates": 1}
    assert {name: limits.low for name, limits in wire.LIMITS.items()} == lowest

"""Recipes: every table is typed, and what it does not know is refused with file and key."""

import copy
import math
import tomllib
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest

from ext_models.lab.ablation_recipe import read_ablation
from ext_models.lab.compare_tokenizers import read_comparison
from ext_models.language.recipe import ExistingBase, PaperLanguage, ScratchBase, TokensLanguage
from ext_models.language.vocabulary import Skill
from ext_models.packs import PackError
from ext_models.recipes.schema import Recipe
from ext_models.tokenizer.recipe import PublishedTokenizer, TokenizerRecipe
from ext_models.training.recipe import FLAT, keys_of, read_table, read_toml

RECIPES = Path(__file__).parents[3] / "ext_models" / "recipes"
PACKS = ("starter", "styles", "humanml3d_paper", "kit_paper", "evaluator")


def tables(body, name=""):
    """Dotted names of all tables of a recipe."""
    for key, value in body.items():
        dotted = f"{name}.{key}" if name else key
        if isinstance(value, dict):
            yield dotted
            yield from tables(value, dotted)


def at(body, name):
    for key in name.split("."):
        body = body[key]
    return body


EVERY_TABLE = [
    (name, table)
    for name in PACKS
    for table in tables(tomllib.loads((RECIPES / f"{name}.toml").read_text()))
]
EVERY_KEY = [
    (name, table, key)
    for name, table in EVERY_TABLE
    for key, value in at(tomllib.loads((RECIPES / f"{name}.toml").read_text()), table).items()
    if not isinstance(value, dict)
]


@pytest.mark.parametrize("name", PACKS)
def test_shipped_recipes_are_read(name):
    recipe = Recipe.read(RECIPES / f"{name}.toml")
    assert recipe.source.endswith(f"{name}.toml")
    assert (recipe.evaluator is None) == (name != "evaluator")


def test_every_value_of_a_shipped_recipe_arrives():
    """What stands in the file stands in the dataclasses, key by key."""
    body = tomllib.loads((RECIPES / "styles.toml").read_text())
    recipe = Recipe.read(RECIPES / "styles.toml")

    def compare(table, typed):
        for key, value in table.items():
            holder = typed
            for each in fields(typed):
                if each.metadata == FLAT and key in keys_of(type(getattr(typed, each.name))):
                    holder = getattr(typed, each.name)
            found = getattr(holder, key)
            if isinstance(value, dict):
                compare(value, found)
            else:
                plain = (
                    [v.value if isinstance(v, Enum) else v for v in found]
                    if isinstance(found, tuple)
                    else found
                )
                assert plain == value, key

    compare(body, recipe)
    assert recipe.language.skills[0] is Skill(body["language"]["skills"][0])
    assert isinstance(recipe.tokenizer, TokenizerRecipe)
    assert isinstance(recipe.language, TokensLanguage)
    assert isinstance(recipe.language.base, ScratchBase)
    paper = Recipe.read(RECIPES / "kit_paper.toml")
    assert isinstance(paper.tokenizer, PublishedTokenizer)
    assert isinstance(paper.language, PaperLanguage)
    assert isinstance(paper.language.base, ExistingBase)


@pytest.mark.parametrize(("name", "table"), EVERY_TABLE)
def test_an_unknown_key_is_refused_in_every_table(name, table):
    body = tomllib.loads((RECIPES / f"{name}.toml").read_text())
    at(body, table)["nonsense_key"] = 1
    with pytest.raises(PackError, match=rf"file: \[{table}\] has no key 'nonsense_key'"):
        Recipe.of(body, "file")


@pytest.mark.parametrize(("name", "table", "key"), EVERY_KEY)
def test_a_misspelt_key_is_named_with_the_right_one(name, table, key):
    body = tomllib.loads((RECIPES / f"{name}.toml").read_text())
    values = at(body, table)
    wrong = key[:-1] + "zz"
    values[wrong] = values.pop(key)
    with pytest.raises(PackError) as refused:
        Recipe.of(body, "file")
    printed = str(refused.value)
    assert printed.startswith(f"file: [{table}] has no key '{wrong}'")
    if len(key) > 4:
        assert f"did you mean '{key}'?" in printed


@pytest.mark.parametrize(("name", "table", "key"), EVERY_KEY)
def test_a_value_of_another_type_is_refused(name, table, key):
    body = tomllib.loads((RECIPES / f"{name}.toml").read_text())
    values = at(body, table)
    values[key] = {"a": 1} if isinstance(values[key], str | list) else "text"
    with pytest.raises(PackError, match=rf"^file: {table}\.{key} is .*; write "):
        Recipe.of(body, "file")


def test_a_misspelt_table_is_named_with_the_right_one():
    body = tomllib.loads((RECIPES / "starter.toml").read_text())
    body["langauge"] = body.pop("language")
    message = r"^file: there is no table \[langauge\] in a recipe; did you mean \[language\]\?$"
    with pytest.raises(PackError, match=message):
        Recipe.of(body, "file")
    body = tomllib.loads((RECIPES / "starter.toml").read_text())
    body["language"]["guidence"] = 3
    with pytest.raises(PackError, match=r"\[language\] has no key 'guidence'"):
        Recipe.of(body, "file")


@pytest.mark.parametrize(
    ("table", "key"), [("pack", "name"), ("language", "levels"), ("language", "max_frames")]
)
def test_a_missing_key_is_named(table, key):
    body = tomllib.loads((RECIPES / "starter.toml").read_text())
    del body[table][key]
    with pytest.raises(PackError, match=rf"^file: \[{table}\] has no '{key}'; write it\.$"):
        Recipe.of(body, "file")


@pytest.mark.parametrize("name", ["pack", "language", "tokenizer"])
def test_a_missing_table_is_named(name):
    recipe = Recipe.of({}, "file")
    with pytest.raises(PackError, match=rf"^file: the recipe has no \[{name}\] table\.$"):
        getattr(recipe, f"{name}_table")


@pytest.mark.parametrize(
    ("table", "key", "value", "says"),
    [
        ("tokenizer", "method", "publshed", 'tokenizer.method is "publshed"; write'),
        ("language", "prompt_style", "digits", 'language.prompt_style is "digits"; write'),
        ("language", "skills", ["fly"], r'language.skills\[1\] is "fly"; write'),
        ("language", "summary", [1, 2, 3], "language.summary has 3 values; write 2"),
        ("language", "levels", True, "language.levels is true; write a whole number"),
        ("language", "levels", 2.5, "language.levels is 2.5; write a whole number"),
        ("language", "cfg_scale", math.nan, "language.cfg_scale is nan; write a number"),
        ("language.joining", "share", 1.0, r"\[language.joining\]: .*joining.share is 1"),
        ("language.adapter.training", "steps", 0, r"\[language.adapter.training\]: .* steps is 0"),
        ("tokenizer", "lap", 9, r"\[tokenizer\]: lap = 9"),
        ("language", "joining", 3, r"language.joining is 3; write a table \[language.joining\]"),
        ("pack", "quoted_captions", 1, "pack.quoted_captions is 1; write true or false"),
        ("pack", "credits", "me", 'pack.credits is "me"; write a list'),
        ("pack", "licence_texts", ["WTF"], r"\[pack\]: .* text 'WTF' is unknown: .*, BSD-3"),
    ],
)  # fmt: skip
def test_values_that_make_no_sense(table, key, value, says):
    body = tomllib.loads((RECIPES / "starter.toml").read_text())
    at(body, table)[key] = value
    with pytest.raises(PackError, match=f"^file: {says}"):
        Recipe.of(body, "file")


def test_both_choices_of_a_table_are_offered():
    body = tomllib.loads((RECIPES / "starter.toml").read_text())
    body["language"]["prompt_style"] = "digits"
    with pytest.raises(PackError, match='write "paper" or "tokens"'):
        Recipe.of(body, "file")


def test_a_base_by_its_id_or_as_a_table():
    body = tomllib.loads((RECIPES / "starter.toml").read_text())
    body["language"]["base"] = "org/model"
    assert Recipe.of(body, "file").language.base == "org/model"
    body["language"]["base"] = {"id": "org/model", "bits": 4}
    assert Recipe.of(body, "file").language.base == ExistingBase("org/model", bits=4)
    body["language"]["base"]["bitz"] = 4
    with pytest.raises(PackError, match="did you mean 'bits'"):
        Recipe.of(body, "file")


def test_whole_numbers_are_numbers_too():
    body = tomllib.loads((RECIPES / "starter.toml").read_text())
    body["language"]["cfg_scale"] = 3
    value = Recipe.of(body, "file").language.cfg_scale
    assert (value, type(value)) == (3.0, float)


def trainings(recipe):
    found = [recipe.tokenizer, recipe.language.base, recipe.language.adapter, recipe.reranker]
    return [part.training for part in found]


def test_a_budget_of_the_command_line_is_for_every_training():
    recipe = Recipe.read(RECIPES / "starter.toml")
    before = trainings(recipe)
    shorter = recipe.with_budget(steps=7)
    assert [t.steps for t in trainings(shorter)] == [7] * 4
    assert [t.minutes for t in trainings(shorter)] == [t.minutes for t in before]
    assert shorter.source == recipe.source
    quick = trainings(recipe.with_budget(minutes=0.5))
    assert [(t.steps, t.minutes) for t in quick] == [(t.steps, 0.5) for t in before]
    assert recipe.with_budget() == recipe
    half = trainings(recipe.with_share_of_minutes(0.5))
    assert [t.minutes for t in half] == [t.minutes / 2 for t in before]
    with pytest.raises(PackError, match="a training's steps is 0"):
        recipe.with_budget(steps=0)


def test_files_that_are_no_recipes(tmp_path):
    with pytest.raises(PackError, match=r"none\.toml: there is no such recipe"):
        read_toml(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("[pack\n")
    with pytest.raises(PackError, match=r"bad\.toml is not a readable recipe"):
        read_toml(tmp_path / "bad.toml")
    with pytest.raises(PackError, match="cannot be read"):
        read_toml(tmp_path)


@pytest.mark.parametrize(
    ("name", "read", "old", "new", "says"),
    [
        ("ablations", lambda p: read_ablation(p, {}), "clips = 120", "clipz = 120",
         r"\[ablation\] has no key 'clipz'; did you mean 'clips'"),
        ("ablations", lambda p: read_ablation(p, {}), "minutes = 3", "minuts = 3",
         r"\[ablation.budget\] has no key 'minuts'; did you mean 'minutes'"),
        ("ablations", lambda p: read_ablation(p, {}), "base.pretrain", "base.pretrian",
         r"row 'not pretrained': \[language.base\] has no key 'pretrian'; did you mean 'pretrain'"),
        ("tokenizers", lambda p: read_comparison(p, {}), "window = 64", "windov = 64",
         r"has no key 'windov'; did you mean 'window'"),
        ("tokenizers", lambda p: read_comparison(p, {}), "seed = 7", "sead = 7",
         r"\[comparison\] has no key 'sead'; did you mean 'seed'"),
        ("tokenizers", lambda p: read_comparison(p, {}), "lap = 2", "lapp = 2",
         r"\[comparison.tokenizers\[2\]\] has no key 'lapp'; did you mean 'lap'"),
    ],
)  # fmt: skip
def test_tables_of_the_lab_are_typed_too(name, read, old, new, says, tmp_path):
    text = (RECIPES / f"{name}.toml").read_text()
    assert old in text
    (tmp_path / "styles.toml").write_text((RECIPES / "styles.toml").read_text())
    (tmp_path / "r.toml").write_text(text)
    read(tmp_path / "r.toml")
    (tmp_path / "r.toml").write_text(text.replace(old, new))
    with pytest.raises(PackError, match=says):
        read(tmp_path / "r.toml")


# -- the reader alone ----------------------------------------------------------------


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Inner:
    width: int = 1
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outer:
    size: float
    kind: Literal["a", "b"] = "a"
    colour: Colour = Colour.RED
    path: Path | None = None
    free: dict[str, Any] = field(default_factory=dict)
    pair: tuple[int, float] = (0, 0.0)
    either: str | tuple[str, ...] = ()
    inner: Inner = field(metadata=FLAT, default_factory=Inner)
    table: Inner = field(default_factory=Inner)
    many: tuple[Inner, ...] = ()


def test_every_kind_of_field():
    table = {
        "size": 2, "kind": "b", "colour": "blue", "path": "a/b", "free": {"x.y": [1]},
        "pair": [3, 4], "either": ["p", "q"], "width": 5, "table": {"names": ["n"]},
        "many": [{"width": 7}, {}],
    }  # fmt: skip
    given = copy.deepcopy(table)
    made = read_table(Outer, table, "file", "outer")
    assert made == Outer(
        2.0, "b", Colour.BLUE, Path("a/b"), {"x.y": [1]}, (3, 4.0), ("p", "q"), Inner(5),
        Inner(names=("n",)), (Inner(7), Inner()),
    )  # fmt: skip
    assert table == given
    assert read_table(Outer, {"size": 1.0, "either": "p"}, "file", "outer").either == "p"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"size": "x"}, 'outer.size is "x"; write a number.'),
        ({"size": True}, "outer.size is true; write a number."),
        ({"kind": "c"}, 'outer.kind is "c"; write "a" or "b".'),
        ({"colour": "green"}, 'outer.colour is "green"; write "red" or "blue".'),
        ({"path": 3}, "outer.path is 3; write a path."),
        ({"free": 3}, "outer.free is 3; write a table [outer.free]."),
        ({"pair": [1]}, "outer.pair has 1 values; write 2."),
        ({"pair": [1.5, 2]}, "outer.pair[1] is 1.5; write a whole number."),
        ({"either": [1]}, "outer.either is [1]; write a text."),
        ({"table": {"widht": 1}}, "[outer.table] has no key 'widht'; did you mean 'width'?"),
        ({"many": [{}, {"wid": 1}]}, "[outer.many[2]] has no key 'wid'; did you mean 'width'?"),
        ({"many": {"width": 1}}, "outer.many is a table; write a list."),
        ({"inner": {}}, "[outer] has no key 'inner'"),
        ({"qqqqqq": 1}, "[outer] has no key 'qqqqqq'; it knows colour, either, "),
    ],
)
def test_every_kind_of_refusal(change, says):
    with pytest.raises(PackError) as refused:
        read_table(Outer, {"size": 1.0, **change}, "file", "outer")
    assert str(refused.value).startswith(f"file: {says}")


def test_only_dataclasses_are_tables():
    assert is_dataclass(Outer)
    with pytest.raises(TypeError, match="is no dataclass"):
        read_table(int, {}, "file", "x")
    with pytest.raises(PackError, match=r"^file: x is 3; write a table \[x\]\.$"):
        read_table(Outer, 3, "file", "x")

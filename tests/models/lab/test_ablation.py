"""One change at a time: rows are trained, measured and kept."""

import json
from pathlib import Path

import pytest
from PIL import Image

from ext_models.__main__ import main
from ext_models.evaluation import clip_maker
from ext_models.evaluation.tables import Row
from ext_models.lab import ablation
from ext_models.lab.ablation_recipe import read_ablation
from ext_models.packs import PackError
from tests.support import tiny_pack
from tests.support.motion_folders import data_set
from tests.support.recipes import HUMANML3D_RECIPE

RECIPES = Path(ablation.__file__).parents[1] / "recipes"
ROWS = """
[ablation]
recipe = "start.toml"
clips = 4
samples = 1
draws = 1
pose_clips = 2
candidates = 1
[ablation.change]
"language.base.context" = 1024
[[ablation.rows]]
name = "as it is"
at = 1
[[ablation.rows]]
group = "All or little"
name = "everything"
change = { "language.adapter.method" = "full" }
[[ablation.rows]]
group = "Tokens or digits"
name = "digits"
change = { "tokenizer.levels" = 1, "language.levels" = 1, "language.prompt_style" = "paper", \
"language.base" = "row:as it is", "language.tasks" = { text = 1.0, last = 1.0 } }
"""


def test_rows_are_trained_measured_and_kept(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = data_set(tmp_path / "HumanML3D", kit=False)
    (tmp_path / "start.toml").write_text(HUMANML3D_RECIPE)
    (tmp_path / "rows.toml").write_text(ROWS)
    call = ["ablate", tmp_path / "rows.toml", "--data", data, "--out", tmp_path / "out",
            "--steps", "2", "--device", "cpu"]  # fmt: skip
    assert main([*map(str, call), "--rows", "4"]) != 0
    assert "--rows 4" in capsys.readouterr().err
    assert main([*map(str, call), "--rows", "1", "2"]) == 0, capsys.readouterr().err
    assert not (tmp_path / "out" / ablation.TABLES).exists()
    assert len(list((tmp_path / "out").glob("*/row.json"))) == 2
    assert main([str(part) for part in call]) == 0, capsys.readouterr().err
    text = (tmp_path / "out" / ablation.TABLES).read_text()
    assert text.count("| as it is |") == 2
    assert "| everything | 1.000 |" in text
    assert "| digits |" in text
    for column in ("held-out loss", "tokens a motion", "s a motion", "key poses"):
        assert column in text
    assert len(list((tmp_path / "out" / "tokenizers").iterdir())) == 2
    times = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*.safetensors")}
    assert main([str(part) for part in call]) == 0
    assert (tmp_path / "out" / ablation.TABLES).read_text() == text
    assert times == {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*.safetensors")}
    # Of other clips nothing is as it was; rows from before clips were noted are taken as they are.
    (row,) = (tmp_path / "out").glob("as_it_is/row.json")
    noted = json.loads(row.read_text())
    row.write_text(json.dumps({k: v for k, v in noted.items() if k != "data"}))
    assert main([*map(str, call), "--rows", "1"]) == 0
    assert "data" not in json.loads(row.read_text())
    row.write_text(json.dumps(noted))
    for path in (data / "texts").glob("*.txt"):
        path.write_text(path.read_text().replace("a ", "one "))
    assert main([*map(str, call), "--rows", "1"]) == 0
    assert json.loads(row.read_text())["data"] != noted["data"]
    assert len(list((tmp_path / "out" / "tokenizers").iterdir())) == 3


PLANNERS = """
[ablation]
recipe = "start.toml"
writer = "{writer}"
clips = 4
samples = 1
draws = 1
pose_clips = 1
candidates = 1
[[ablation.rows]]
name = "as it is"
[[ablation.rows]]
group = "Rank"
name = "rank 1"
change = {{ "language.adapter.rank" = 1 }}
"""


def test_rows_train_planners_of_one_pack_that_decide_alone(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = data_set(tmp_path / "HumanML3D", kit=False)
    writer = tiny_pack.write(tmp_path / "writer", summary=(2, 3))
    before = {p.name: p.read_bytes() for p in writer.iterdir() if p.is_file()}
    shape = HUMANML3D_RECIPE.replace("max_frames = 44", "max_frames = 40\nsummary = [2, 3]")
    (tmp_path / "rows.toml").write_text(PLANNERS.format(writer=writer))
    call = ["ablate", tmp_path / "rows.toml", "--data", data, "--out", tmp_path / "out",
            "--steps", "2", "--device", "cpu"]  # fmt: skip
    (tmp_path / "start.toml").write_text(shape)
    assert main(list(map(str, call))) != 0
    assert "row 'as it is': a planner writes summaries alone" in capsys.readouterr().err
    alone = "[language.tasks]\ntext = 1.0\nsummary_share = 1.0\n"
    (tmp_path / "start.toml").write_text(shape + alone)
    heard = []
    monkeypatch.setattr(ablation, "ClipMaker", lambda pipe, path: (
        heard.append(pipe.generator.planner.own) or clip_maker.ClipMaker(pipe, path)
    ))  # fmt: skip
    assert main(list(map(str, call))) == 0, capsys.readouterr().err
    assert heard == [0.0, 0.0]
    text = (tmp_path / "out" / ablation.TABLES).read_text()
    assert "| rank 1 |" in text and "held-out loss" in text
    assert {p.name: p.read_bytes() for p in writer.iterdir() if p.is_file()} == before
    pack = tmp_path / "out" / "rank_rank_1" / "pack"
    assert (pack / "motion_tokenizer.safetensors").is_file()
    assert {p.name for p in (pack / "planner").iterdir()} >= {"adapter", "pack.json"}
    assert not (pack / "planner" / "motion_tokenizer.safetensors").exists()


def test_the_shipped_recipe_changes_what_there_is():
    wanted = read_ablation(RECIPES / "ablations.toml", {"steps": 5})
    names = {(c.group, c.name) for c in wanted.rows}
    assert len(names) == len(wanted.rows) >= 13
    common = wanted.rows[0].recipe
    assert common.tokenizer.training.steps == common.language.base.training.steps == 5
    for change in wanted.rows:
        assert change is wanted.rows[0] or change.recipe != common
        language = change.recipe.language
        assert language.adapter.training.steps == 5
        if language.prompt_style != "paper":
            assert language.base.config.context == 1024
            # The start has a sentence reader, which an empty table removes.
            assert language.reader is None


def test_a_change_of_a_key_that_is_not_there_is_refused(tmp_path):
    (tmp_path / "start.toml").write_text(HUMANML3D_RECIPE)
    (tmp_path / "rows.toml").write_text(ROWS.replace("adapter.method", "adapter.metod"))
    message = r"row 'everything': \[language.adapter\] has no key 'metod'; did you mean 'method'"
    with pytest.raises(PackError, match=message):
        read_ablation(tmp_path / "rows.toml", {})


def test_rows_that_have_more_and_more_of_something_are_a_curve(tmp_path):
    wanted = read_ablation(RECIPES / "shares.toml", {})
    rows = {
        c.folder: Row(c.name, {"R@1": (0.5, 0.1), "R@3": (0.8 * (c.at or 0.1), 0.1)})
        for c in wanted.rows
    }
    assert [c.at for c in wanted.rows[:4]] == [1.0, 0.5, 0.25, 0.125]
    (sentence,) = ablation.curves(wanted, rows, tmp_path)
    picture = tmp_path / "amount_of_captioned_motion.png"
    assert str(picture) in sentence
    assert picture.stat().st_size > 5000
    losses = {k: Row(r.name, {**r.values, "held-out loss": 4.5}) for k, r in rows.items()}
    narrow = Image.open(picture).size
    ablation.curves(wanted, losses, tmp_path)
    assert Image.open(picture).size == (1.5 * narrow[0], narrow[1])
    few = {folder: row for folder, row in rows.items() if folder == wanted.rows[0].folder}
    assert not ablation.curves(wanted, few, tmp_path)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("[ablation]\n", "no 'recipe'"),
        ('[ablation]\n[[ablation.rows]]\nname = "a"\n', "\\[ablation\\] has no 'recipe'"),
        (ROWS.replace('group = "All or little"\nname = "everything"', ""), "has no 'name'"),
        (ROWS.replace('"language.adapter.method"', '"pack.name.x"'), "'name' is no table"),
        (ROWS.replace("at = 1", "at = 0"), "row 'as it is' is at 0; write a number above 0"),
        (ROWS.replace('name = "as it is"', 'name = "as it is"\ngroup = "g"'), "has the group 'g'"),
    ],
    ids=["no rows", "no recipe", "no name", "no table", "no place", "no common row"],
)
def test_recipes_that_ask_for_nothing_or_nonsense(body, message, tmp_path):
    (tmp_path / "start.toml").write_text(HUMANML3D_RECIPE)
    (tmp_path / "rows.toml").write_text(body)
    with pytest.raises(PackError, match=message):
        read_ablation(tmp_path / "rows.toml", {})

"""Every command in the documents: its options exist, and a test runs it or it says its needs."""

import importlib
import re
import shlex

import pytest

import build
import ext_models.__main__ as command_line
from tests.support.imports import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
#: Command -> the test that runs it, with data in small.
RUN_BY = {
    "build.py demo": "tests/bpy/demo/test_demo_run.py",
    "build.py package": "tests/package/test_package.py",
    "ext_models ablate": "tests/models/lab/test_ablation.py",
    "ext_models bench": "tests/models/lab/test_bench.py",
    "ext_models caption": "tests/models/generation/test_pipeline.py",
    "ext_models check-prompts": "tests/models/lab/test_check_precision.py",
    "ext_models compare-levels": "tests/models/lab/test_compare_levels.py",
    "ext_models compare-tokenizers": "tests/models/training/test_tokenizer_training.py",
    "ext_models evaluate": "tests/models/evaluation/test_evaluate.py",
    "ext_models evaluate-folds": "tests/models/evaluation/test_evaluate.py",
    "ext_models bases": "tests/models/language/test_fetching.py",
    "ext_models evaluate-paper": "tests/models/lab/test_paper_experiment.py",
    "ext_models export-merged": "tests/models/commands/test_export.py",
    "ext_models generate": "tests/models/generation/test_pipeline.py",
    "ext_models import-checkpoint": "tests/models/importers/test_import_checkpoint.py",
    "ext_models mcp": "tests/models/agents/test_agents.py",
    "ext_models packs": "tests/unit/core/packs/test_pack_archives.py",
    "ext_models prepare-data": "tests/models/datasets/test_prepare.py",
    "ext_models serve": "tests/unit/protocol/test_server.py",
    "ext_models train-evaluator": "tests/models/evaluation/test_evaluator.py",
    "ext_models train-language": "tests/models/lab/test_paper_experiment.py",
    "ext_models train-pack": "tests/models/commands/test_commands.py",
    "ext_models train-planner": "tests/models/commands/test_commands.py",
    "ext_models train-tokenizer": "tests/models/lab/test_paper_experiment.py",
    "tests.fuzz": "tests/models/fuzz/test_fuzz.py",
    "tests.support.measure.copied_motion": "tests/bpy/take/test_copied_motion.py",
    "tests.support.measure.edits": "tests/bpy/demo/test_measures.py",
    "tests.support.measure.few_keys": "tests/bpy/demo/test_measures.py",
    "tests.support.measure.blending": "tests/bpy/take/test_real_blending.py",
    "tests.support.measure.prompts": "tests/bpy/demo/test_demo_run.py",
}
#: Command -> what it needs, where no test runs it whole.
NEEDS = {
    "build.py test": "itself",
    "build.py mutants": "an hour, and the package cosmic-ray",
    "tests.support.measure.actions": "minutes of the model",
    "tests.support.measure.arrival": "Blender and the Rigify file",
    "tests.support.measure.blended_takes": "minutes of the model",
    "tests.support.measure.changed_files": "Blender, the rig files and many minutes",
    "tests.support.measure.feet": "Blender and minutes of the model",
    "tests.support.measure.first_take": "Blender and minutes of the model",
    "tests.support.measure.killed_set_up": "many minutes and killed processes",
    "tests.support.measure.pose_takes": "Blender, the rig files and minutes of the model",
    "tests.support.measure.rigs": "Blender, the motion data and the rig files",
    "tests.support.measure.root_paths": "Blender and the motion data",
    "tests.support.measure.true_captions": "the motion data",
    "tests.support.measure.ways": "minutes of the model",
    "tests.support.record_sample_takes": "Blender and the model, and it writes into the add-on",
}


def commands():
    """(page, words) of each ``python ...`` in a code block or between backquotes."""
    for page in PAGES:
        text = page.read_text("utf-8").replace("\\\n", " ")
        found = re.findall(r"^\s*(python3? [^\n]+)$", text, re.M)
        found += re.findall(r"`(python3? [^`]+)`", text)
        for line in found:
            words = shlex.split(line.replace("`", ""), comments=True)[1:]
            own = words[:1] == ["build.py"] or words[1].startswith(("ext_models", "tests."))
            if own and not words[1].endswith("NAME"):
                yield pytest.param(words, id=f"{page.name}: {' '.join(words)[:60]}")


def plain(words):
    """A documented command as one types it: optional parts given, the first of a choice taken."""
    return [word.strip("[]").split("|")[0] for word in words if word != "..."]


def name_of(words):
    """``build.py demo``, ``ext_models generate`` or the module."""
    if words[0] == "build.py":
        return f"build.py {words[1]}"
    return f"ext_models {words[2]}" if words[1] == "ext_models" else words[1]


@pytest.mark.parametrize("words", commands())
def test_a_documented_command_is_as_it_is_written(words, monkeypatch):
    words = plain(words)
    missing = [w for w in words if w.startswith("ext_models/") and not (ROOT / w).exists()]
    assert not missing
    name = name_of(words)
    if name.startswith("build.py"):
        assert build._parser().parse_args(words[1:]).run
    elif name.startswith("ext_models"):
        # Alone it may stand for a command that the page explains; its options are then its own.
        if words[3:] or words[2] == "packs":
            assert command_line.parser_for(words[2:]).parse_args(words[2:]).run
    else:
        module = importlib.import_module(name)
        if hasattr(module, "__path__"):
            module = importlib.import_module(f"{name}.__main__")
        if hasattr(module, "parser"):
            assert module.parser().parse_args(words[2:])
            return
        monkeypatch.setattr(module, "run_command", lambda *_: 0)
        if words[2:]:
            assert module.main(words[2:]) == 0


@pytest.mark.parametrize("name", sorted({name_of(plain(c.values[0])) for c in commands()}))
def test_a_documented_command_is_run_by_a_test_or_says_what_it_needs(name):
    assert (name in RUN_BY) != (name in NEEDS), f"{name}: name its test, or what it needs"
    if name in RUN_BY:
        text = (ROOT / RUN_BY[name]).read_text("utf-8")
        word = re.escape(re.split(r"[ .]", name)[-1])
        assert re.search(word.replace(r"\-", "[-_ ]"), text), f"{RUN_BY[name]} does not run {name}"

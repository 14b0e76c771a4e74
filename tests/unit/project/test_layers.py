"""The layers of both halves: which folder may import from which, and no circle anywhere."""

import pytest

from tests.support.imports import ROOT, circle, graph, imports, module_name, python_files

_SCENE = ("core", "compat", "scene/errors", "scene/access", "scene/kept", "scene/scene_time")
#: Folder or file of the add-on -> what it may import from; itself always. What is named
#: without its parts ("core") stands for all of them.
ADDON = {
    "core/translation": (),
    "core/text_lines": (),
    "core/time_left": (),
    "core/changelog": (),
    "core/bounded_files": (),
    "core/bounded_arrays": ("core/bounded_files",),
    "core/systems": (),
    "core/patience": ("core/systems",),
    "core/body": ("core/bounded_files", "core/bounded_arrays"),
    "core/mirroring": ("core/body",),
    "core/leftovers": (),
    "core/folder_lock": (),
    "core/progress_lines": (),
    "core/markdown_page": (),
    "core/problem_report": (),
    "core/actions": (),
    "core/packs": ("core/actions", "core/body", "core/bounded_files", "core/leftovers",
                   "core/patience", "core/systems"),
    "core/panel_words": (),
    "core/shots": ("core/bounded_files", "core/pose_constraints"),
    "core/prompt_history": ("core/bounded_files", "core/packs", "core/patience"),
    "core/rig": ("core/body",),
    "core/retargeting": ("core/body", "core/rig"),
    "core/pose_constraints": ("core/bounded_files", "core/body", "core/rig", "core/retargeting"),
    "core/timeline": ("core/body", "core/rig", "core/retargeting", "core/pose_constraints"),
    "core/feet": ("core/body", "core/rig", "core/retargeting", "core/timeline"),
    "core/keyframes": ("core/body", "core/rig", "core/retargeting", "core/feet"),
    "core/overlays": ("core/body", "core/rig", "core/pose_constraints"),
    "core/reshape": ("core/body", "core/rig", "core/retargeting", "core/pose_constraints",
                     "core/timeline", "core/feet"),
    "core/finish_motion": ("core",),
    "core/ways/way": (),
    "core/ways/gaits": ("core/actions",),
    "core/ways": ("core/ways/way", "core/body", "core/rig", "core/retargeting", "core/feet"),
    "wire": ("core/ways/way",),
    "compat": (),
    "scene/errors": (),
    "scene/access": ("compat", "scene/errors"),
    "scene/kept": (),
    "scene/scene_time": ("compat", "scene/access"),
    "scene/export": _SCENE,
    "scene/rig": _SCENE,
    "scene/sample": ("core",),
    "scene/action": (*_SCENE, "scene/rig"),
    "scene/pose": (*_SCENE, "scene/rig", "scene/action"),
    "scene/take": ("core", "compat", "scene"),
    "scene/take/report": ("core",),
    "backend": ("core", "wire"),
    "paths": ("core/packs", "core/changelog", "core/leftovers", "core/prompt_history", "compat"),
    # The use-case takes of Blender what has no bpy in it; the rest is handed in.
    "generate": ("core", "wire", "backend", "paths", "scene/errors", "scene/take/report"),
    "properties": ("core", "wire", "compat", "paths", "scene", "generate"),
    "preferences": ("core", "compat", "paths", "backend"),
    "operators": ("core", "wire", "compat", "paths", "backend", "scene", "generate",
                  "properties", "preferences"),
    "ui": ("core", "wire", "compat", "paths", "backend", "scene", "generate", "properties",
           "preferences", "operators"),
    "translations": ("core",),
    "api": ("core", "wire", "compat", "paths", "scene", "generate", "properties", "preferences",
            "operators"),
    "command_line": ("core", "wire", "generate", "api"),
    "registration": ("scene/kept", "operators", "preferences", "properties", "translations", "ui",
                     "command_line"),
    "__main__": ("registration", "command_line"),
    "demo": ("core", "wire", "compat", "paths", "backend", "scene", "generate", "properties",
             "registration"),
}  # fmt: skip

#: Every message is translated, in whatever layer it is made.
EVERYWHERE = ("core/translation",)

_GROUND = ("errors", "packs", "devices", "logs")
_LEARNED = (*_GROUND, "motion", "datasets", "training")
#: The same for the model's process: the runtime at the bottom, evaluation and lab on top.
MODEL = {
    "errors": (),
    "logs": (),
    "packs": ("errors",),
    "devices": ("errors",),
    "motion": ("errors", "packs"),
    "datasets": (*_GROUND, "motion"),
    "prompt_checks": ("motion", "datasets"),
    "readers": ("packs",),
    "training": (*_GROUND,),
    "tokenizer": (*_LEARNED,),
    "language": (*_LEARNED, "readers", "prompt_checks", "tokenizer"),
    "text_motion": (*_LEARNED, "readers", "language"),
    "recipes": (*_LEARNED, "tokenizer", "language", "text_motion"),
    "generation": (*_LEARNED, "readers", "prompt_checks", "tokenizer", "language", "text_motion"),
    "serving": (*_GROUND, "motion", "generation"),
    "importers": (*_LEARNED, "tokenizer", "language"),
    "evaluation": (*_LEARNED, "prompt_checks", "tokenizer", "language", "text_motion",
                   "generation"),
    "lab": (*_LEARNED, "prompt_checks", "tokenizer", "language", "text_motion", "recipes",
            "generation", "importers", "evaluation"),
    "agents": ("errors",),
    "commands": (*_LEARNED, "agents", "prompt_checks", "tokenizer", "language", "text_motion",
                 "recipes", "generation", "serving", "importers", "evaluation", "lab"),
    "__main__": ("commands", *_GROUND, "datasets"),
}  # fmt: skip
#: Of the add-on, what the model's process may import.
SHARED_WITH_MODEL = ("core", "wire")

HALVES = {"motiongpt_blender": ADDON, "ext_models": MODEL}


def layer(name, table):
    """The row of a table that a dotted name belongs to, "core/body" before "core"."""
    parts = name.split(".")[1:]
    rows = ("/".join(parts[:size]) for size in range(len(parts), 0, -1))
    return next((row for row in rows if row in table), None)


def cases():
    for half, table in HALVES.items():
        for path in python_files(half):
            if layer(module_name(path), table) or path.name != "__init__.py":
                yield pytest.param(half, path, id=path.relative_to(ROOT).as_posix())


@pytest.mark.parametrize(("half", "path"), cases())
def test_a_folder_imports_only_from_the_layers_below(half, path):
    table = HALVES[half]
    own = layer(module_name(path), table)
    where = path.relative_to(ROOT)
    assert own, f"{where}: test_layers has no row for this folder"
    for name in imports(path):
        if name.split(".")[0] != half or not (other := layer(name, table)):
            continue
        allowed = other == own or any(
            other == row or other.startswith(f"{row}/") for row in (*table[own], *EVERYWHERE)
        )
        assert allowed, f"{where} imports {name}: {own} may not import from {other}"


@pytest.mark.parametrize("path", python_files("ext_models"), ids=lambda p: str(p.relative_to(ROOT)))
def test_the_model_process_takes_core_and_wire_alone(path):
    for name in imports(path):
        top, *rest = name.split(".")
        if top == "motiongpt_blender":
            where = path.relative_to(ROOT)
            assert rest[:1] and rest[0] in SHARED_WITH_MODEL, f"{where} imports {name}"


def test_there_is_no_import_circle():
    found = circle(graph("motiongpt_blender", "ext_models", "tests"))
    assert found is None, " -> ".join(str(path.relative_to(ROOT)) for path in found)


def test_a_circle_is_found():
    assert circle({"a": ["b"], "b": ["c"], "c": ["b"]}) == ["b", "c", "b"]
    assert circle({"a": ["b", "c"], "b": ["c"], "c": []}) is None

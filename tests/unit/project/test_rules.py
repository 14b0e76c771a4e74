"""The rules of the design, read off the source; the layers are in ``test_layers``."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ext_models.__main__ import COMMANDS
from tests.support.imports import imports, python_files

ROOT = Path(__file__).resolve().parents[3]
ADDON = ROOT / "motiongpt_blender"
#: The longest a file may grow, in lines; beyond it two rooms are easier to live in.
LONGEST = 450

#: Where Blender's modules may be imported.
BPY_MODULES = {"bpy", "mathutils", "gpu", "gpu_extras", "bl_ui", "blf", "bmesh", "rna_prop_ui"}
BPY_ROOMS = {
    *("registration", "preferences", "compat", "scene", "properties"),
    *("operators", "ui", "demo", "translations", "api", "command_line", "__main__"),
}
HEAVY = {"torch", "transformers", "peft", "accelerate"}


def shipped():
    """The add-on without the demo, which runs from the checkout only."""
    return [path for path in python_files(ADDON) if "demo" not in room(path)]


def room(path):
    """ "scene" for motiongpt_blender/scene/rig/bones.py, "backend/pump" too for that one file."""
    parts = path.relative_to(ADDON).with_suffix("").parts
    return {parts[0], "/".join(parts[:2])}


@pytest.mark.parametrize("path", python_files(ADDON), ids=lambda p: str(p.relative_to(ROOT)))
def test_what_the_addon_may_import_from_outside(path):
    for name in imports(path):
        top = name.split(".")[0]
        assert top != "ext_models", f"the add-on launches ext_models, it never imports {name}"
        assert top not in HEAVY, f"{name} belongs into the model's own process"
        if top in BPY_MODULES:
            assert room(path) & BPY_ROOMS, f"{name} is imported outside Blender's rooms"


@pytest.mark.parametrize("path", shipped(), ids=lambda p: str(p.relative_to(ROOT)))
def test_children_open_no_window_and_no_shell_reads_their_arguments(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or "subprocess" not in ast.unparse(node.func):
            continue
        if ast.unparse(node.func) in ("subprocess.run", "subprocess.Popen"):
            unpacked = [ast.unparse(word.value) for word in node.keywords if word.arg is None]
            assert any(text.startswith("child_options(") for text in unpacked)
            assert not any(word.arg == "shell" for word in node.keywords)


#: Renames and removals at which a virus scanner may stand in the way.
MOVES = {"rename", "replace", "rmtree"}


@pytest.mark.parametrize(
    "path", python_files("motiongpt_blender", "ext_models"), ids=lambda p: str(p.relative_to(ROOT))
)
def test_files_are_moved_patiently(path):
    """``path.rename(target)`` has one argument, as no method of a text has."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            moves = node.func.attr in MOVES and len(node.args) == 1 and not node.keywords
            assert not moves, f"line {node.lineno}: patiently(path.{node.func.attr}, target)"


@pytest.mark.parametrize("path", shipped(), ids=lambda p: str(p.relative_to(ROOT)))
def test_addon_imports_itself_relatively(path):
    """Blender installs the add-on under another name than its folder's."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module]
        assert not any(name.split(".")[0] == "motiongpt_blender" for name in names)


@pytest.mark.parametrize(
    "path", python_files(ROOT / "ext_models"), ids=lambda p: str(p.relative_to(ROOT))
)
def test_model_process_imports(path):
    for name in imports(path):
        assert name.split(".")[0] not in BPY_MODULES, f"the model's process never imports {name}"


#: Runs command lines, one a line of standard input, where the heavy libraries cannot be imported.
WITHOUT_TORCH = f"""
import sys
from ext_models.__main__ import main

class Refusal:
    def find_spec(self, name, *_):
        if name.split(".")[0] in {HEAVY!r}:
            raise ImportError(name + " is imported")

sys.meta_path.insert(0, Refusal())
for line in sys.stdin:
    try:
        code = main(line.split())
    except SystemExit as end:
        code = end.code
    assert not code, (line, code)
"""


def test_command_line_answers_without_torch():
    """The help of every command, too: a misspelt module would show only when someone asks."""
    lines = ["--help", "packs", "--version", *(f"{name} --help" for name in COMMANDS)]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH],
        cwd=ROOT, capture_output=True, text=True, input="\n".join(lines),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for name in COMMANDS:
        _, found, usage = done.stdout.partition(f"usage: python -m ext_models {name} ")
        assert found, name
        assert "--verbose" in usage.partition("usage:")[0], name


def test_the_fake_process_needs_numpy_alone():
    """Blender's own Python runs it in the tests of the interface."""
    others = ("tqdm", "scipy", "safetensors", *HEAVY)
    code = (
        "import runpy, sys\n"
        f"sys.modules.update(dict.fromkeys({others!r}))\n"
        "sys.argv = ['ext_models', 'serve', '--fake']\n"
        "runpy.run_module('ext_models', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, input=""
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('{"type": "Hello"'), done.stdout


@pytest.mark.parametrize(
    "name", ["", ".generate.controller", ".generate.sequence", ".backend.pump"]
)
def test_addon_imports_without_blender(name):
    code = f"import sys; sys.modules['bpy'] = None; import motiongpt_blender{name}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_version_checks_live_in_compat():
    for path in python_files(ADDON):
        text = path.read_text("utf-8")
        if path.name != "compat.py" and path.relative_to(ADDON).parts[0] != "demo":
            assert "app.version" not in text, f"{path.name} asks for Blender's version"


def test_every_module_says_what_it_is():
    for folder in (ADDON, ROOT / "ext_models"):
        for path in python_files(folder):
            assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), path


def test_files_stay_short():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in _tracked(".py")
        if (lines := len(path.read_text("utf-8").splitlines())) > LONGEST
    }
    assert not long


def test_top_level_is_fixed():
    folders = {path.relative_to(ROOT).parts[0] for path in _tracked() if path.parent != ROOT}
    assert folders <= {"motiongpt_blender", "ext_models", "icons", "tests", "docs", ".ci"}


def test_no_place_of_one_machine_is_named():
    """No absolute path of somebody's machine, and no registry's host: pip's settings know both."""
    place = re.compile(
        r"(?<![\w.~])/(work|root|home)/\w|https?://[\w.-]*(pypi|pythonhosted|pytorch)"
    )
    for path in _tracked(".py", ".toml", ".md", ".sh", ".yml", ".json", "/run"):
        if path != Path(__file__).resolve():
            hits = place.findall(path.read_text("utf-8"))
            assert not hits, f"{path.relative_to(ROOT)} names {hits[0]}"


def test_no_dynamic_code_and_no_path_edits():
    """Blender's platform flags both."""
    for path in python_files(ADDON):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec"), path
            if isinstance(node, ast.Attribute) and ast.unparse(node).startswith("sys.path"):
                pytest.fail(f"{path} edits sys.path")


def _tracked(*endings):
    """The files that git knows, or every file where there is no git."""
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in done.stdout.split("\0") if name]
    return [p for p in paths if p.is_file() and (not endings or p.as_posix().endswith(endings))]

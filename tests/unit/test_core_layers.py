"""The rooms of core: which folder may import which, and no import circle."""

import ast
from pathlib import Path

import pytest

CORE = Path(__file__).resolve().parents[2] / "motiongpt_blender" / "core"

#: Each room takes from itself and from the rooms before it.
ORDER = (
    "body", "rig", "retargeting", "pose_constraints", "timeline", "feet", "keyframes",
    "finish_motion",
)  # fmt: skip
#: Rooms beside that order.
MAY_IMPORT = {room: set(ORDER[: k + 1]) for k, room in enumerate(ORDER)} | {
    "packs": {"packs", "body"}
}


def files():
    return sorted(path for path in CORE.rglob("*.py") if path.parent != CORE or path.stem in ORDER)


def imported(path):
    """Modules of core, as tuples of names below it, that a file imports."""
    package = path.relative_to(CORE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            above = len(package) - node.level + 1
            assert above >= 0, f"{path.name} imports from outside core"
            base = (
                (*package[:above], *(node.module or "").split("."))
                if node.module
                else package[:above]
            )
            for alias in node.names:
                yield (*base, alias.name)


@pytest.mark.parametrize("path", files(), ids=lambda p: str(p.relative_to(CORE)))
def test_a_room_imports_itself_and_the_rooms_before_it(path):
    room = path.relative_to(CORE).with_suffix("").parts[0]
    for name in imported(path):
        assert name[0] in MAY_IMPORT[room], f"{room} may not take from {'.'.join(name)}"


def test_every_room_has_its_rule():
    rooms = {path.name for path in CORE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert rooms | {"finish_motion"} == set(MAY_IMPORT)


def test_no_module_imports_itself_over_others():
    modules = {path.relative_to(CORE).with_suffix("").parts: path for path in CORE.rglob("*.py")}
    graph = {}
    for parts, path in modules.items():
        found = set()
        for name in imported(path):
            for known in (name, name[:-1], (*name[:-1], "__init__"), (*name, "__init__")):
                if known in modules and known != parts:
                    found.add(known)
        graph[parts] = found
    done, line = set(), []

    def visit(node):
        assert node not in line, " -> ".join(".".join(n) for n in [*line, node])
        if node not in done:
            line.append(node)
            for other in graph[node]:
                visit(other)
            line.pop()
            done.add(node)

    for node in graph:
        visit(node)

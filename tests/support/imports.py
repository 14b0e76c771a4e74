"""Who imports whom in the checkout, read off the source without running it."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: The project's own packages.
PACKAGES = ("motiongpt_blender", "ext_models", "tests")


def python_files(*folders):
    """The Python files below some folders of the checkout, in order."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(path for path in found if "__pycache__" not in path.parts)


@cache
def imports(path):
    """Full dotted names that a file imports, relative ones resolved, lazy ones included.

    ``from a.b import c`` yields ``a.b.c``. What stands under ``if TYPE_CHECKING`` is never run
    and does not count.
    """
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    names = []
    for node in _nodes(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            stem = ".".join((*base, *filter(None, [node.module])))
            names += [f"{stem}.{alias.name}" for alias in node.names]
    return tuple(names)


def _nodes(tree):
    left = [tree]
    while left:
        node = left.pop()
        yield node
        left += [
            child
            for child in ast.iter_child_nodes(node)
            if not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test))
        ]


def module_name(path):
    """``motiongpt_blender.core.body`` for the file of that module or package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def graph(*folders):
    """Path -> the paths of the project's files that it imports."""
    files = {module_name(path): path for path in python_files(*folders)}

    def file_of(name):
        return files.get(name) or files.get(name.rpartition(".")[0])

    return {
        path: sorted({found for name in imports(path) if (found := file_of(name))} - {path})
        for path in files.values()
    }


def circle(edges):
    """The first import circle as a list of paths that ends where it begins, or None."""
    done = set()

    def walk(path, way):
        if path in way:
            return [*way[way.index(path) :], path]
        if path in done:
            return None
        found = next(filter(None, (walk(other, [*way, path]) for other in edges[path])), None)
        done.add(path)
        return found

    return next(filter(None, (walk(path, []) for path in edges)), None)

"""The rules of Blender's extensions platform, read off manifest and source.

Which test or file answers for which rule: the table in docs/developers.md.
"""

import ast
import re
import tomllib

import pytest

from tests.support.imports import ROOT, imports, python_files

MANIFEST = tomllib.loads((ROOT / "blender_manifest.toml").read_text("utf-8"))
#: The platform's limit for tagline and reasons.
LONGEST = 64
#: Modules that open connections.
NETWORK = {"socket", "urllib", "http", "ftplib", "smtplib", "requests", "httpx", "ssl"}


def shipped():
    return [p for p in python_files("motiongpt_blender") if "demo" not in p.parts]


def test_names_versions_and_licence():
    assert MANIFEST["schema_version"] == "1.0.0"
    assert re.fullmatch(r"[a-z][a-z0-9_]*", MANIFEST["id"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", MANIFEST["version"])
    assert "blender" not in MANIFEST["name"].lower()
    assert MANIFEST["type"] == "add-on"
    assert MANIFEST["blender_version_min"] == "4.2.0"
    assert MANIFEST["license"] == ["SPDX:GPL-3.0-or-later"]
    assert "GNU GENERAL PUBLIC LICENSE" in (ROOT / "LICENSE").read_text("utf-8")


@pytest.mark.parametrize(
    "line", [MANIFEST["tagline"], *MANIFEST["permissions"].values()], ids=lambda line: line[:20]
)
def test_tagline_and_reasons_are_one_short_line(line):
    assert 0 < len(line) <= LONGEST
    assert line[-1].isalnum() or line[-1] == ")"
    assert "\n" not in line


def test_what_the_add_on_does_has_a_permission():
    """Files for packs and takes, the network for downloads, the clipboard for a report."""
    used = {"network", "files"}
    if any("window_manager.clipboard" in path.read_text("utf-8") for path in shipped()):
        used.add("clipboard")
    assert MANIFEST["permissions"].keys() == used


@pytest.mark.parametrize("path", shipped(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_add_on_itself_opens_no_connection(path):
    """Downloads run in children that the user starts: pip, uv, and the command ``bases fetch``."""
    assert not {name.split(".")[0] for name in imports(path)} & NETWORK


def test_what_downloads_asks_for_online_access_first():
    """Every operator that starts a download has ``can_begin`` in its poll."""
    starters = {"set_up", "fetch_base"}
    for name in ("environment", "bases"):
        path = ROOT / "motiongpt_blender" / "operators" / f"{name}.py"
        tree = ast.parse(path.read_text("utf-8"))
        for cls in (node for node in tree.body if isinstance(node, ast.ClassDef)):
            if cls.name.removeprefix("MOTIONGPT_OT_") in starters:
                [poll] = [f for f in cls.body if getattr(f, "name", "") == "poll"]
                assert "can_begin(cls)" in ast.unparse(poll), cls.name
                starters.discard(cls.name.removeprefix("MOTIONGPT_OT_"))
    assert not starters


def test_nothing_updates_or_installs_itself():
    """No module names Blender's own Python as pip's target, nor Blender's extension operators."""
    for path in shipped():
        text = path.read_text("utf-8")
        assert "bpy.ops.extensions" not in text, path
        assert "package_install" not in text, path
        assert "ensurepip.bootstrap" not in text, path

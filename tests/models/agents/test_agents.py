"""An agent's session: a client of the SDK, the server and Blender, each a process of its own."""

import os
import sys
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from ext_models.__main__ import main
from ext_models.agents.blender import command_of
from ext_models.errors import PipelineError
from tests.support.imports import ROOT

needs_both = pytest.mark.skipif(
    find_spec("mcp") is None or find_spec("bpy") is None,
    reason="needs the package mcp and Blender as a module",
)
#: Run with Blender as a module: a file with an armature that can be animated.
A_SHOT = """
import sys, bpy
from motiongpt_blender import registration
bpy.ops.wm.read_factory_settings(use_empty=True)
registration.register()
bpy.ops.motiongpt.add_sample_character()
[rig] = [obj for obj in bpy.data.objects if obj.type == "ARMATURE"]
rig.name = "Hero"
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[1])
import os; os._exit(0)
"""
#: Run with Blender as a module: the frames of the active action of a file.
A_LOOK = """
import sys, os, bpy
bpy.ops.wm.open_mainfile(filepath=sys.argv[1])
print("FRAMES", *bpy.data.objects["Hero"].animation_data.action.frame_range, flush=True)
os._exit(0)
"""


def python(code, *words):
    import subprocess

    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with one shot, and a file outside it."""
    top = tmp_path_factory.mktemp("studio")
    (top / "shots").mkdir()
    python(A_SHOT, top / "shots" / "hero.blend")
    (top / "secret.blend").write_bytes((top / "shots" / "hero.blend").read_bytes())
    return top / "shots"


@asynccontextmanager
async def session(folder, **environment):
    """A client with a server over standard input and output."""
    from mcp.client import Client
    from mcp.client.stdio import StdioServerParameters

    words = ["-m", "ext_models", "mcp", "--folder", folder, "--blender", sys.executable, "--fake"]
    server = StdioServerParameters(
        command=sys.executable,
        args=[str(word) for word in words],
        cwd=ROOT,
        env={**os.environ, **environment},
    )
    async with Client(server) as client:
        yield client


def told(answer):
    """The text of an answer."""
    return "".join(part.text for part in answer.content)


async def value(client, tool, **arguments):
    answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, told(answer)
    found = answer.structured_content
    return found["result"] if set(found) == {"result"} else found


async def refusal(client, tool, **arguments):
    answer = await client.call_tool(tool, arguments)
    assert answer.is_error
    return told(answer)


def play(story):
    import anyio

    anyio.run(story)


@needs_both
def test_an_agent_makes_a_shot_from_file_to_file(folder):
    before = (folder / "hero.blend").read_bytes()

    async def story():
        async with session(folder) as client:
            assert await value(client, "list_files") == ["hero.blend"]
            scene = await value(client, "open_file", file="hero.blend")
            assert (scene["file"], scene["armatures"]) == ("hero.blend", ["Hero"])
            asked = {"armature": "Hero", "prompt": "a person walks", "seconds": 2, "takes": 3}
            progress = []

            async def note(share, total, text):
                progress.append((share, text))

            answer = await client.call_tool(
                "generate_takes", {**asked, "marks": ["start:1"]}, progress_callback=note
            )
            takes = answer.structured_content["result"]
            assert len(takes) == 3 and takes[0]["placement"] == "shown"
            assert [text for _, text in progress][-1] == "Writing the keys"
            kept = await value(
                client, "keep_take", armature="Hero", take=takes[1]["name"], destination="action"
            )
            assert kept["placement"] == "action"
            assert len(await value(client, "list_takes", armature="Hero")) == 1
            assert await value(client, "save_as", file="out/walk.blend") == "out/walk.blend"
            assert await value(client, "export_take", armature="Hero", file="walk.bvh")

    play(story)
    assert (folder / "hero.blend").read_bytes() == before
    first, last = python(A_LOOK, folder / "out" / "walk.blend").split("FRAMES ")[1].split()[:2]
    assert float(last) - float(first) == pytest.approx(48, abs=0.5)  # 2 s of 24 frames
    assert (folder / "walk.bvh").read_text().count("\n") > 48


@needs_both
def test_an_agent_leaves_the_folder_as_it_is(folder):
    async def story():
        async with session(folder) as client:
            for file in ("../secret.blend", str(folder.parent / "secret.blend")):
                assert "outside the folder" in await refusal(client, "open_file", file=file)
            await value(client, "open_file", file="hero.blend")
            said = await refusal(client, "save_as", file="hero.blend")
            assert "hero.blend is there already and is not replaced" in said
            assert "outside the folder" in await refusal(client, "save_as", file="../new.blend")
            assert "no armature 'Rig'" in await refusal(
                client, "generate_takes", armature="Rig", prompt="a person walks"
            )
            assert "has no take" in await refusal(client, "keep_take", armature="Hero")
            assert "is no mark" in await refusal(
                client, "generate_takes", armature="Hero", prompt="walks", marks=["x"]
            )
            tools = (await client.list_tools()).tools
            assert {tool.name for tool in tools if tool.annotations.read_only_hint} == {
                "list_files", "describe_file", "list_takes",
            }  # fmt: skip
            writers = [tool for tool in tools if not tool.annotations.read_only_hint]
            for tool in writers:
                assert "in memory" in tool.description or "file" in tool.description, tool.name
            assert not any("code" in tool.name or "script" in tool.name for tool in tools)

    play(story)
    assert not (folder.parent / "new.blend").exists()


@needs_both
def test_a_blender_that_dies_is_a_sentence_and_starts_again(folder):
    async def story():
        async with session(folder) as client:
            await value(client, "open_file", file="hero.blend")
            killed = [
                int(path.name)
                for path in Path("/proc").iterdir()
                if path.name.isdigit() and f"serve\0--folder\0{folder}" in _command(path)
            ]
            for number in killed:
                os.kill(number, 9)
            said = await refusal(client, "describe_file")
            assert "Blender ended in the middle of the work" in said or killed == []
            assert (await value(client, "describe_file"))["armatures"] == []

    if not Path("/proc").is_dir():
        pytest.skip("processes are found in /proc")
    play(story)


def _command(process):
    try:
        return (process / "cmdline").read_text()
    except OSError:
        return ""


def test_a_blender_or_folder_that_is_not_there_is_one_sentence(tmp_path, capsys):
    assert main(["mcp", "--folder", str(tmp_path / "gone")]) == 1
    assert "There is no folder" in capsys.readouterr().err
    assert main(["mcp", "--folder", str(tmp_path), "--blender", "no-such-blender"]) == 1
    assert "There is no Blender 'no-such-blender'" in capsys.readouterr().err
    with pytest.raises(PipelineError, match="no-such-blender"):
        command_of("no-such-blender", tmp_path)


def test_without_the_package_the_command_says_what_to_install(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    monkeypatch.delitem(sys.modules, "ext_models.agents.server", raising=False)
    assert main(["mcp", "--folder", str(tmp_path), "--blender", sys.executable]) == 1
    assert "The package 'mcp' is not installed" in capsys.readouterr().err


def test_a_program_runs_no_scripts_of_a_file(tmp_path):
    blender = tmp_path / "blender"
    blender.write_text("#!/bin/sh\n")
    blender.chmod(0o755)
    words = command_of(str(blender), tmp_path)
    assert words[1:] == [
        "-b", "--disable-autoexec", "--command", "motiongpt", "serve", "--folder", str(tmp_path),
    ]  # fmt: skip

"""The tools that an agent sees, each with what it may change, over one Blender without a window.

A thin door: a tool hands its arguments to the call of the same purpose in the add-on and returns
the answer. Needs the package ``mcp``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Literal

import anyio
import anyio.from_thread
import anyio.to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

from .blender import BlenderChild, CallError

INSTRUCTIONS: Final = """Motion for characters in Blender files of one folder: list the files, \
open one, look at its armatures, generate takes from an English sentence, keep one, then save or \
export it under a new name. Nothing is written to a file before that."""

#: Changes nothing.
READS: Final = ToolAnnotations(read_only_hint=True, open_world_hint=False)
#: Changes the open file in memory alone.
IN_MEMORY: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, open_world_hint=False
)
#: Takes something away from the open file in memory.
TAKES_AWAY: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, open_world_hint=False
)
#: Writes a new file and replaces none.
WRITES_NEW: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, open_world_hint=False
)


def make_server(child: BlenderChild) -> MCPServer:
    """The server with its tools; it is started with ``run("stdio")`` and ends the child."""

    @asynccontextmanager
    async def ending(_: MCPServer) -> AsyncIterator[None]:
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(child.close)

    server = MCPServer("motiongpt", instructions=INSTRUCTIONS, lifespan=ending, log_level="WARNING")
    turn = anyio.Lock()  # Blender does one thing at a time

    async def ask(context: Context, call: str, **arguments: Any) -> Any:
        def tell(share: float, text: str) -> None:
            anyio.from_thread.run(context.report_progress, share, 1.0, text)

        async with turn:
            try:
                return await anyio.to_thread.run_sync(child.call, call, arguments, tell)
            except CallError as error:
                raise ToolError(str(error)) from None

    _add_reading(server, ask)
    _add_changing(server, ask)
    _add_writing(server, ask)
    return server


def _add_reading(server: MCPServer, ask: Any) -> None:
    @server.tool(annotations=READS)
    async def list_files(context: Context) -> list[str]:
        """List the .blend files of the folder. Changes nothing."""
        return await ask(context, "files")

    @server.tool(annotations=READS)
    async def describe_file(context: Context) -> dict[str, Any]:
        """Tell armatures, frame range and frame rate of the open file. Changes nothing."""
        return await ask(context, "scene")

    @server.tool(annotations=READS)
    async def list_takes(context: Context, armature: str) -> list[dict[str, Any]]:
        """List the takes of an armature: names, frames, whether kept, notes. Changes nothing."""
        return await ask(context, "takes", armature=armature)


def _add_changing(server: MCPServer, ask: Any) -> None:
    @server.tool(annotations=TAKES_AWAY)
    async def open_file(context: Context, file: str) -> dict[str, Any]:
        """Open a .blend file of the folder; its scripts do not run.

        What was not saved of the file that was open is lost. No file on disk changes.
        """
        return await ask(context, "open", file=file)

    @server.tool(annotations=IN_MEMORY)
    async def generate_takes(
        context: Context,
        armature: str,
        prompt: str,
        seconds: float | None = None,
        marks: list[str] | None = None,
        takes: int = 4,
        seed: int = 0,
    ) -> list[dict[str, Any]]:
        """Generate takes of a motion for an armature of the open file, best first.

        Changes the open file in memory: its list of takes, its marked poses where marks are given,
        and the best take is put on the armature for a look. No file on disk changes.

        Args:
            armature: name of the armature.
            prompt: what the character does, in English: "a person walks forward, then jumps".
            seconds: length; without it what suits the prompt, or what the marks say.
            marks: frames whose pose the takes meet: "start:1", "key:24", "end:73"; ["none"] for
                none. Without it, the poses that are marked in the file.
            takes: how many different ones, 1 to 4. A single one is kept at once.
            seed: another one gives other takes.
        """
        return await ask(
            context,
            "generate",
            armature=armature,
            prompt=prompt,
            seconds=seconds,
            marks=marks,
            takes=takes,
            seed=seed,
        )

    @server.tool(annotations=TAKES_AWAY)
    async def keep_take(
        context: Context,
        armature: str,
        take: str | None = None,
        destination: Literal["nla", "action", "layer"] = "nla",
        keep_others: bool = False,
    ) -> dict[str, Any]:
        """Keep a take on its armature, in the open file in memory.

        The other takes of the same request are removed, unless keep_others. Keys that were made by
        hand are never replaced: such a take is refused. No file on disk changes.

        Args:
            armature: name of the armature.
            take: its name; without it the best one of the last request.
            destination: "nla" a track of its own, "action" its keys in the active action, "layer" a
                track that adds to the animation below.
            keep_others: whether the others stay in the list.
        """
        return await ask(
            context,
            "keep",
            armature=armature,
            take=take,
            destination=destination,
            others=keep_others,
        )

    @server.tool(annotations=TAKES_AWAY)
    async def discard_takes(context: Context, armature: str) -> list[dict[str, Any]]:
        """Remove the takes of the last request that are not kept, from the open file in memory.

        The armature is as it was before them. No file on disk changes.
        """
        return await ask(context, "discard", armature=armature)


def _add_writing(server: MCPServer, ask: Any) -> None:
    @server.tool(annotations=WRITES_NEW)
    async def save_as(context: Context, file: str) -> str:
        """Save the open file as a new .blend of the folder; a file that is there is refused."""
        return await ask(context, "save", file=file)

    @server.tool(annotations=WRITES_NEW)
    async def export_take(
        context: Context, armature: str, file: str, take: str | None = None
    ) -> str:
        """Export what an armature does over the frames of a take to a new file of the folder.

        A file that is there is refused.

        Args:
            armature: name of the armature.
            file: its name ends in .bvh, .fbx or .glb, which says the format.
            take: the take's name; without it the chosen one.
        """
        return await ask(context, "export", armature=armature, file=file, take=take)

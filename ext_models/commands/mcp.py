"""``mcp``: lets an agent work on the files of one folder, over standard input and output."""

from __future__ import annotations

import argparse
from pathlib import Path

from ext_models.errors import PipelineError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--folder",
        type=Path,
        required=True,
        help="the only folder whose files an agent opens and in which it writes new ones",
    )
    parser.add_argument(
        "--blender",
        default="blender",
        help="Blender with the extension, or a Python with Blender as a module (blender)",
    )
    parser.add_argument("--fake", action="store_true", help="no model: for tests of the interface")


def run(arguments: argparse.Namespace) -> int:
    """Answer until standard input ends."""
    folder: Path = arguments.folder.resolve()
    if not folder.is_dir():
        raise PipelineError(f"There is no folder {folder}: name the one with your shots.")
    from ext_models.agents.blender import BlenderChild, command_of

    child = BlenderChild(command_of(arguments.blender, folder, fake=arguments.fake))
    try:
        from ext_models.agents.server import make_server
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] not in ("mcp", "mcp_types", "anyio"):
            raise
        raise PipelineError(
            "The package 'mcp' is not installed in this Python: pip install it in the version that "
            "pyproject.toml names under agents."
        ) from None
    make_server(child).run("stdio")
    return 0

"""Making and removing the environment that runs the model, from the panel."""

from __future__ import annotations

import shutil
from functools import lru_cache
from pathlib import Path

import bpy

from .. import paths
from ..backend import locations
from ..backend.child_task import ChildTask, set_up
from ..backend.setup import torch_source
from ..backend.setup.base_python import find_base
from ..backend.setup.install_errors import InstallError, cannot_write
from ..backend.setup.installer import DISK_FACTOR
from ..backend.setup.pins import Pins, read_pins
from ..backend.setup.places import STAMP, environment_in
from ..core.patience import patiently
from ..core.translation import tr
from ..preferences import chosen_pack, entry, environment_folder, settings
from . import session
from .bases import fetch_missing
from .child_task import can_begin, is_running, may_download, run
from .targets import OperatorResult

#: Width of the dialog in pixels.
WIDTH = 460


class MOTIONGPT_OT_set_up(bpy.types.Operator):
    """Download what the language model needs and make its Python environment"""

    bl_idname = "motiongpt.set_up"
    bl_label = "Set Up..."
    bl_options = {"INTERNAL"}

    folder: bpy.props.StringProperty(
        name="Folder",
        description="Where the environment is made",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """One download at a time, and only where Blender may use the network."""
        return can_begin(cls)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Say size, time and place first."""
        self.folder = self.folder or str(environment_folder(context))
        return context.window_manager.invoke_props_dialog(
            self, width=WIDTH, title=tr("Set Up MotionGPT"), confirm_text=tr("Set Up")
        )

    def draw(self, context: bpy.types.Context) -> None:
        """The dialog."""
        layout = self.layout
        assert layout is not None
        download, disk = sizes(_gpu())
        what = tr("PyTorch for your GPU") if _gpu() else tr("PyTorch for the processor")
        layout.label(
            text=tr(
                "Downloads about {download} MB: {what} and Transformers.",
                download=download,
                what=what,
            ),
            icon="IMPORT",
        )
        if (base := paths.missing_base(chosen_pack(context))) is not None:
            size = paths.download_text(base)
            layout.label(
                text=tr("Then {size}: {base}, for the chosen pack.", size=size, base=base.name),
                icon="IMPORT",
            )
        layout.label(text="That takes some minutes, and Blender stays usable.", icon="TIME")
        layout.prop(self, "folder")
        named = self._named(context)
        if (folder := _place_of(named)) != named:
            sentence = tr(
                "That folder has other files: it goes into {name} there.", name=folder.name
            )
            layout.label(text=sentence, icon="INFO")
        free = _free(named)
        short = free is not None and free < disk
        said = tr("unknown") if free is None else _gigabytes(free)
        layout.label(
            text=tr("Needs about {size} there; free: {said}.", size=_gigabytes(disk), said=said),
            icon="ERROR" if short else "DISK_DRIVE",
        )
        layout.label(text="Nothing else on your computer is changed.", icon="CHECKMARK")

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Start it; a script waits for the outcome."""
        named = self._named(context)
        try:
            folder = environment_in(named)
            task = start(folder)
        except InstallError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        except OSError as error:
            self.report({"ERROR"}, cannot_write(error, named))
            return {"CANCELLED"}
        if (chosen := entry(context)) is not None:
            chosen.environment = "" if folder == locations.default_environment() else str(folder)
            context.preferences.is_dirty = True
        return run(self, context, task, lambda now, done: _finish(self, now, done))

    def _named(self, context: bpy.types.Context) -> Path:
        """The folder in the dialog."""
        return Path(bpy.path.abspath(self.folder)) if self.folder else environment_folder(context)


class MOTIONGPT_OT_remove_environment(bpy.types.Operator):
    """Remove the environment that Set Up made. The add-on and the model packs stay"""

    bl_idname = "motiongpt.remove_environment"
    bl_label = "Remove Environment"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only what Set Up made is removed."""
        if not (environment_folder(context) / STAMP).is_file():
            cls.poll_message_set(tr("There is no environment that Set Up made"))
            return False
        return not is_running()

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> OperatorResult:
        """Ask first."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """End the model's process, which uses it, and delete the folder."""
        folder = environment_folder(context)
        session.current().pump.close()
        try:
            patiently(shutil.rmtree, folder)  # its process has just ended
        except OSError as error:
            self.report(
                {"ERROR"},
                tr(
                    "{folder} is not wholly removed ({error}): try again.",
                    folder=folder,
                    error=error,
                ),
            )
            return {"CANCELLED"}
        if locations.noted() == locations.python_in(folder):
            locations.forget()
        session.current().task = None
        look_again(context)
        self.report({"INFO"}, tr("{folder} is removed.", folder=folder))
        return {"FINISHED"}


def is_set_up(context: bpy.types.Context) -> bool:
    """Whether a Python for the model is known; looks for it once, as panels ask at every redraw."""
    kept, chosen = session.current(), entry(context)
    asked = (getattr(chosen, "python", ""), bool(getattr(chosen, "fake", False)))
    if kept.found is None or kept.found[0] != asked:
        python = settings(context).python
        kept.found = asked, asked[1] or (python is not None and python.is_file())
    return kept.found[1]


def look_again(context: bpy.types.Context) -> bool:
    """The same, of what is there now."""
    session.current().found = None
    return is_set_up(context)


def start(folder: Path) -> ChildTask:
    """Begin a set-up; raises InstallError when there is no Python for it."""
    chosen = entry(bpy.context)
    named = getattr(chosen, "base_python", "")
    base = find_base(Path(bpy.path.abspath(named)) if named else None)
    return set_up(base, paths.ROOT, folder)


def sizes(gpu: bool) -> tuple[int, int]:
    """MB to download, and MB on the disk in the end."""
    megabytes = _pins().megabytes
    download = megabytes["torch-gpu" if gpu else "torch"] + megabytes["backend"]
    return download, DISK_FACTOR * download


@lru_cache(maxsize=1)
def _pins() -> Pins:
    return read_pins(paths.ROOT / "pyproject.toml")


@lru_cache(maxsize=1)
def _gpu() -> bool:
    return torch_source.has_gpu()


def _free(folder: Path) -> int | None:
    """MB free where a folder will be."""
    there = next((one for one in (folder, *folder.parents) if one.is_dir()), None)
    return None if there is None else shutil.disk_usage(there).free // 2**20


def _place_of(named: Path) -> Path:
    """Where the environment goes; a folder that cannot be read is told when it is written."""
    try:
        return environment_in(named)
    except OSError:
        return named


def _gigabytes(megabytes: int) -> str:
    return tr("{gigabytes:.1f} GB", gigabytes=megabytes / 1000)


def _finish(operator: bpy.types.Operator, context: bpy.types.Context, task: ChildTask) -> None:
    """Note the new Python, so that every Blender of this user finds it; fetch what is missing."""
    python = task.progress.made
    assert python is not None, "what is done has made something"
    locations.remember(python)
    if (chosen := entry(context)) is not None and chosen.python:
        chosen.python = ""
    look_again(context)
    session.controller().forget_failures()  # "press Set Up" among them
    if may_download():
        fetch_missing(operator, context)

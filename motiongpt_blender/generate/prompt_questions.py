"""How the animator's prompts are understood, asked of the model's process while they are typed.

The panel asks at every redraw and shows what is known by then. A prompt that was not typed in this
session starts no process: a side bar that is open is no wish to load a model. Imports no bpy.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from ..backend.process import Launch
from ..backend.pump import Pump, Timer, Timers
from ..wire import Understood

#: Seconds without another letter until a prompt is asked about.
PAUSE: Final = 0.5


class PromptQuestions:
    """What was shown and asked in one session of Blender."""

    def __init__(self, pump: Pump, timers: Timers, redraw: Callable[[], None]) -> None:
        """Args: the process's pump; Blender's timers; called when an answer has come."""
        self._pump, self._timers, self._redraw = pump, timers, redraw
        #: The last prompt that was shown of each character.
        self._shown: dict[int, str] = {}
        self._wanted: tuple[Launch, str] | None = None
        self._pack: Path | None = None
        self._timer: Timer = self._ask  # one object: timers are found again by identity

    def answer(self, character: int, prompt: str, launch: Launch) -> Understood | None:
        """How a character's prompt is understood; None while that is not known.

        Args:
            character: session id of its armature.
            prompt: as the panel shows it.
            launch: how the process is started.
        """
        typed = self._shown.get(character, prompt) != prompt
        self._shown[character] = prompt
        answer = self._pump.understood
        if answer.prompt == prompt and launch.pack == self._pack:
            return answer
        wanted = launch, prompt
        if prompt.strip() and (typed or not self._pump.is_unloaded) and wanted != self._wanted:
            self._wanted = wanted
            self._begin_pause()
        return None

    def close(self) -> None:
        """Ask no more."""
        if self._timers.is_registered(self._timer):
            self._timers.unregister(self._timer)

    def _begin_pause(self) -> None:
        self.close()
        self._timers.register(self._timer, first_interval=PAUSE)

    def _ask(self) -> None:
        assert self._wanted is not None  # the timer runs for one
        launch, prompt = self._wanted
        self._pack = launch.pack
        self._pump.ask(launch, prompt, self._redraw)

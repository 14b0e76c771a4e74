"""How often each of the four published tasks is drawn."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch

from ext_models.packs import PackError

from .instructions import Task


@dataclass(frozen=True)
class PaperTasks:
    """How often each task is drawn; a task with 0 is not learnt.

    Attributes:
        text: text only.
        initial: text and the first code.
        last: text and the last code.
        keys: text and several codes.
    """

    text: float = 1.0
    initial: float = 1.0
    last: float = 1.0
    keys: float = 1.0

    def draw(self) -> Task:
        """One of the four."""
        shares = torch.tensor([getattr(self, f.name) for f in fields(self)])
        if float(shares.sum()) <= 0:
            raise PackError("every task has the share 0: give one of text, initial, last, keys.")
        return list(Task)[int(torch.multinomial(shares, 1))]

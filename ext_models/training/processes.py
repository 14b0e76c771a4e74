"""The processes of one training, as ``accelerate launch`` and ``torchrun`` start them.

Each process draws batches of its own; accelerate averages the gradients, so that every process
holds the same weights after every step. The main process writes the files.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Final

from accelerate import PartialState
from accelerate.state import AcceleratorState

#: The main process may write gigabytes while the others wait.
TIMEOUT: Final = timedelta(hours=2)
#: What launchers tell a process about the others.
_LAUNCHED: Final = ("WORLD_SIZE", "RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE")


def join(device: str) -> str:
    """Meet the other processes of this training, if there are any.

    Args:
        device: cpu, cuda or mps.

    Returns:
        The device of this process: with several GPUs each process has its own.
    """
    state = PartialState(cpu=device == "cpu", timeout=TIMEOUT)
    return device if state.num_processes == 1 else str(state.device)


def leave() -> bool:
    """Part from the other processes; what follows runs alone.

    Returns:
        Whether this was the main process, which goes on; the others have nothing left to do.
    """
    state = PartialState()
    main = state.is_main_process
    if state.num_processes > 1:
        state.wait_for_everyone()
        state.destroy_process_group()
        # accelerate keeps its state for good; a later training must not look for the others.
        AcceleratorState._reset_state(reset_partial_state=True)
        for name in _LAUNCHED:
            os.environ.pop(name, None)
    return main


def is_main() -> bool:
    """Whether this process writes the files."""
    return PartialState().is_main_process


def count() -> int:
    """How many processes share the training."""
    return PartialState().num_processes

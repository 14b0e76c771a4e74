"""The processes of one training, as ``accelerate launch`` and ``torchrun`` start them.

Each process draws batches of its own; gradients are averaged over all, so that every
process holds the same weights after every step. What is written is written by the first.
Only what is trained travels: of a LoRA that is little, in one piece a step.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor
from torch import distributed as dist

#: The first process may write gigabytes while the others wait.
PATIENCE = timedelta(hours=2)


@dataclass(frozen=True)
class Workers:
    """This process among those of its training.

    Attributes:
        rank: its number, 0 for the one that writes and shows the progress.
        count: how many there are.
        local: its number on this machine.
    """

    rank: int = 0
    count: int = 1
    local: int = 0

    @classmethod
    def join(cls, device: str) -> Workers:
        """Meet the other processes, when there are any; ``device`` is cpu, cuda or mps."""
        count = int(os.environ.get("WORLD_SIZE", "1"))
        if count < 2:
            return cls()
        workers = cls(int(os.environ["RANK"]), count, int(os.environ.get("LOCAL_RANK", "0")))
        if not dist.is_initialized():
            if device == "cuda":
                torch.cuda.set_device(workers.local % torch.cuda.device_count())
            backend = "nccl" if device == "cuda" else "gloo"
            dist.init_process_group(backend, timeout=PATIENCE)
        return workers

    @property
    def first(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    def device(self, name: str) -> str:
        """The device of this process: with several GPUs, each has its own."""
        if name != "cuda" or self.count < 2:
            return name
        return f"cuda:{self.local % torch.cuda.device_count()}"

    def seed(self, seed: int, step: int) -> None:
        """Let every process draw differently from here on; one alone draws as it did."""
        if self.count > 1:
            torch.manual_seed((seed * 1_000_003 + step * 1_009 + self.rank) % 2**63)

    def same(self, value: float, device: torch.device) -> float:
        """The first process's number, for all."""
        if self.count < 2:
            return value
        box = torch.tensor([value], dtype=torch.float32, device=device)
        dist.broadcast(box, 0)
        return float(box)

    def mean(self, values: Tensor) -> Tensor:
        """The mean of numbers (N,) over the processes."""
        if self.count > 1:
            dist.all_reduce(values)
            values /= self.count
        return values

    def share(self, tensors: Sequence[Tensor]) -> None:
        """Give every process the first one's tensors, in place."""
        if self.count > 1:
            for tensor in tensors:
                dist.broadcast(tensor.data, 0)

    def average_gradients(self, trained: Sequence[Tensor]) -> None:
        """Replace each gradient by its mean over the processes; one that is missing counts 0."""
        if self.count < 2:
            return
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in trained]
        flat = self.mean(torch.cat([g.reshape(-1).float() for g in grads]))
        for parameter, part in zip(trained, flat.split([p.numel() for p in trained]), strict=True):
            parameter.grad = part.reshape(parameter.shape).to(parameter.dtype)

    def wait(self) -> None:
        """Until every process has come this far."""
        if self.count > 1:
            dist.barrier()

    def leave(self) -> None:
        """Part from the others, at the end of the command."""
        if self.count > 1 and dist.is_initialized():
            dist.barrier()
            dist.destroy_process_group()

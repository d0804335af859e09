"""Share one training run among the processes that torchrun started; without torchrun there is one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Ranks"]


@dataclass(frozen=True, slots=True)
class Ranks:
    """Say which of how many processes this is.

    Attributes:
        rank: Number of this process; 0 keeps the log and the state.
        world: Number of processes.
    """

    rank: int = 0
    world: int = 1

    @classmethod
    def join(cls, device: str) -> Ranks:
        """Meet the other processes, where torchrun has set RANK and WORLD_SIZE."""
        world = int(os.environ.get("WORLD_SIZE", "1"))
        if world == 1:
            return cls()
        if not torch.distributed.is_initialized():
            torch.distributed.init_process_group("nccl" if device == "cuda" else "gloo")
        return cls(int(os.environ["RANK"]), world)

    @staticmethod
    def is_first() -> bool:
        """Tell whether this process keeps what the run leaves behind."""
        return os.environ.get("RANK", "0") == "0"

    def leave(self) -> None:
        """Part once all have arrived: a process that ends too early takes those down that still talk to it."""
        if self.world > 1:
            torch.distributed.barrier()
            torch.distributed.destroy_process_group()

    def average(self, parameters: Sequence[nn.Parameter], figures: Sequence[float]) -> list[float]:
        """Average gradients over the processes, in place, and return the averages of some figures.

        One exchange carries both, so that clocks agree: all processes end at the same step.
        """
        if self.world == 1:
            return list(figures)
        gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
        numbers = torch.tensor(figures, dtype=gradients[0].dtype, device=gradients[0].device)
        flat = torch.cat([*(gradient.flatten() for gradient in gradients), numbers])
        torch.distributed.all_reduce(flat)
        flat /= self.world
        at = 0
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = _view(flat, at, gradient)
            at += gradient.numel()
        found: list[float] = flat[at:].tolist()
        return found

    def gather(self, value: Any) -> list[Any]:  # Any: whatever each process has to say
        """Return the values of all processes, in their order."""
        if self.world == 1:
            return [value]
        found: list[Any] = [None] * self.world
        torch.distributed.all_gather_object(found, value)
        return found


def _view(flat: Tensor, at: int, like: Tensor) -> Tensor:
    return torch.empty_like(like).copy_(flat[at : at + like.numel()].view(like.shape))

"""Keep what was computed for the columns of a window in one piece of memory while the window moves on."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["Columns"]

ROOM = 3
"""Windows that fit: they wander through the memory, and are copied to its beginning once in so many."""


class Columns:
    """Hold columns [n, R, W] that are numbered since the beginning: what is new is written behind what stays."""

    def __init__(self) -> None:
        self._memory = torch.zeros(0, 0, 0)
        self.clear()

    def clear(self) -> None:
        """Forget all columns; the next begin at 0."""
        self._left = self._settled = self._held = 0  # number of the first column, of the first that may change, count
        self._at = 0  # where the first lies

    def put(self, new: Tensor, left: int, settled: int) -> Tensor:
        """Take new columns in place of those that were not settled, and drop those before the window.

        Args:
            new: [n, R, W] from the first column on that was not settled before.
            left: Number of the window's first column.
            settled: Columns since the beginning that stay what they are.

        Returns:
            The columns of the window [m, R, W], as they are until the next call.
        """
        stay = max(0, self._settled - left)
        new = new[max(0, left - self._settled) :]
        held, at = stay + len(new), self._at + left - self._left
        memory = self._memory
        if memory.shape[1:] != new.shape[1:] or memory.device != new.device or len(memory) < 2 * held:
            self._memory = new.new_empty((ROOM * held, *new.shape[1:]))
        if self._memory is not memory or at + held > len(memory):
            self._memory[:stay] = memory[at : at + stay].clone() if stay else new[:0]
            at = 0
        self._memory[at + stay : at + held] = new
        self._at, self._left, self._settled, self._held = at, left, settled, held
        return self._memory[at : at + held]

"""Hear batches of whole windows on a GPU: in half precision, by kernels that are started as one.

A GPU is idle most of a hop, and what costs is to start its kernels, some three hundred for a window: they are recorded
once for each size of a batch, and replayed (CUDA graphs). What a stream saves on a CPU would be lost on the way.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from library.encoders.blocks import Trunk
from library.encoders.network import TimbrelNetwork
from library.encoders.streaming import NEWEST_CELLS
from library.features import Frontend

__all__ = ["MOST_AT_ONCE", "Heard", "WholePass"]

_log = logging.getLogger(__name__)

SIZES = (1, 4, 16, 64)
"""Batches are filled up to the next of these; each is recorded when it first comes, and its recording takes memory."""

MOST_AT_ONCE = SIZES[-1]

_REHEARSALS = 3
"""Passes before one is recorded: plans and workspaces are made in them."""

_Pass = Callable[[Tensor], tuple[Tensor, ...]]


@dataclass(frozen=True, slots=True)
class Heard:
    """Hold what windows say, each and its newest part by itself, before calibration.

    Attributes:
        embeddings: [B, 2, K, E] unit norm.
        presence: [B, 2, K] logits.
        alone: [B, 2, E] unit norm, what the single path says.
    """

    embeddings: NDArray[np.float32]
    presence: NDArray[np.float32]
    alone: NDArray[np.float32]


class WholePass:
    """Run a network over batches of windows; threads take turns.

    Args:
        network: In evaluation mode, on the device.
        frontend: The same.
        device: On a CPU nothing is recorded.
        half: Run the network in half precision, as it was trained; the spectrum always takes single precision.
    """

    def __init__(self, network: TimbrelNetwork, frontend: Frontend, device: torch.device, half: bool) -> None:
        self._network, self._frontend, self._device, self._half = network, frontend, device, half
        self._recorded: dict[tuple[int, int], _Pass] = {}
        self._turn = threading.Lock()

    def hear(self, audio: NDArray[np.float32]) -> Heard:
        """Hear audio[B, T], 16 kHz mono."""
        parts = []
        with self._turn, torch.inference_mode():
            for at in range(0, len(audio), MOST_AT_ONCE):
                some = audio[at : at + MOST_AT_ONCE]
                size = next(size for size in SIZES if size >= len(some))
                found = self._pass_of(size, audio.shape[1])(torch.from_numpy(np.ascontiguousarray(some, np.float32)))
                parts.append([part[: len(some)].cpu() for part in found])  # waits until all is there
        return Heard(*(torch.cat(column).numpy() for column in zip(*parts, strict=True)))

    def _pass_of(self, size: int, samples: int) -> _Pass:
        """Return what hears up to so many windows of so many samples."""
        if self._device.type != "cuda":
            return lambda audio: self._run(audio.to(self._device))
        key = size, samples
        if key not in self._recorded:
            try:
                self._recorded[key] = _Recorded(self._run, size, samples, self._device)
            except RuntimeError as error:  # a driver that can't record still computes
                _log.warning("batches of %d are not recorded (%s)", size, str(error).splitlines()[0])
                self._recorded[key] = lambda audio: self._run(audio.to(self._device))
        return self._recorded[key]

    def _run(self, audio: Tensor) -> tuple[Tensor, ...]:
        features = self._frontend(audio)
        kind = self._device.type
        with torch.autocast(kind, torch.bfloat16, enabled=self._half, cache_enabled=False):
            grid = self._network.trunk(features)
            window, newest = self._network.sets(grid), self._network.sets(grid[..., -NEWEST_CELLS:])
            alone = (
                self._network.alone(window.whole, features),
                self._network.alone(newest.whole, features[..., -NEWEST_CELLS * Trunk.STRIDE :]),
            )
        # The newest part is too short to tell whether there is any instrument: the window says it for both.
        presence = newest.presence - newest.certainty + window.certainty
        return (
            torch.stack([window.embeddings, newest.embeddings], dim=1).float(),
            torch.stack([window.presence, presence], dim=1).float(),
            torch.stack(alone, dim=1).float(),
        )


class _Recorded:
    """Replay one pass over batches of one shape.

    Raises:
        RuntimeError: It can't be recorded.
    """

    def __init__(self, run: _Pass, size: int, samples: int, device: torch.device) -> None:
        self._given = torch.zeros(size, samples, pin_memory=True)
        self._audio = torch.zeros(size, samples, device=device)
        aside = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(aside):
            for _ in range(_REHEARSALS):
                run(self._audio)
        torch.cuda.current_stream(device).wait_stream(aside)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            self._found = run(self._audio)

    def __call__(self, audio: Tensor) -> tuple[Tensor, ...]:
        """Return what is heard in audio[n, T], n at most the size; behind it is what was there before."""
        self._given[: len(audio)].copy_(audio)
        self._audio.copy_(self._given, non_blocking=True)
        self._graph.replay()
        return self._found

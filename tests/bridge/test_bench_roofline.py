"""Check that the work of a hop is counted as it is done."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from bridge.bench.roofline import roofline
from library.encoders.spec import MixtureEmbedding
from realtime.types import Window


class _Stream:
    """Multiply matrices of known sizes: more in the first window, as real streams do."""

    def __init__(self) -> None:
        self.left, self.right = torch.ones(10, 20), torch.ones(20, 30)
        self.encoded = 0

    def encode(self, audio: NDArray[np.float32], start: int) -> MixtureEmbedding:
        with torch.inference_mode():
            for _ in range(5 if self.encoded == 0 else 1):
                torch.nn.functional.linear(self.left, self.right.T).relu()
        self.encoded += 1
        return MixtureEmbedding(np.zeros((1, 9, 4), np.float32), np.zeros((1, 9), np.float32))

    def news(self, audio: NDArray[np.float32], start: int, present: float) -> float:
        return 1.0

    def features(self) -> None:
        return None


def test_arithmetic_and_traffic_are_those_of_a_later_hop() -> None:
    windows = [Window(np.zeros(16, np.float32), 16_000, 16 * n, 0.0, has_gap=False) for n in range(3)]
    found = roofline(_Stream(), _Stream(), windows)
    assert found.flop == 2 * 10 * 20 * 30
    assert found.moved_bytes == 4 * (200 + 600 + 300) + 4 * (300 + 300), "the product, then the rectifier"
    assert (found.tensors, found.allocated_bytes) == (2, 4 * 600)
    assert found.flop_per_s > 0
    assert found.bytes_per_s > 0
    assert found.measured_ms > 0

"""Run Timbrel with an encoder that asks torch for more memory than there is, once it has heard some windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from library import encoders
from library.encoders.spec import EncoderSpec, MixtureEmbedding, MultiEncoder

__all__ = ["FailingEncoder", "main"]

GOOD_WINDOWS = 20
"""Enough for instruments to be shown before it fails."""

TOO_MUCH_BYTES = 2**60


class FailingEncoder:
    """Encode some windows, then fail as where memory is full.

    Args:
        encoder: Does the work as long as it goes well.
        good: Windows for which it does.
    """

    def __init__(self, encoder: MultiEncoder, good: int = GOOD_WINDOWS) -> None:
        self._encoder = encoder
        self._left = good

    @property
    def spec(self) -> EncoderSpec:
        return self._encoder.spec

    def encode(self, audio: NDArray[np.float32]) -> MixtureEmbedding:
        self._left -= 1
        if self._left < 0:
            torch.empty(TOO_MUCH_BYTES, dtype=torch.uint8)
        return self._encoder.encode(audio)


def main() -> None:
    """Do what the command line asks for, as `timbrel` does."""
    from bridge.cli import main as timbrel

    load = encoders.load_encoder

    def load_failing(path: Path | None = None, device: str = "auto") -> FailingEncoder:
        return FailingEncoder(load(path, device))

    encoders.load_encoder = load_failing  # type: ignore[assignment]  # it stands where the whole one is expected
    timbrel()

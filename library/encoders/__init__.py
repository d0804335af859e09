"""Embed single instruments and mixtures in one space."""

from __future__ import annotations

from typing import TYPE_CHECKING

from library.encoders.spec import Encoder, EncoderSpec, MixtureEmbedding, MultiEncoder, SingleEncoder

if TYPE_CHECKING:
    from pathlib import Path

    from library.encoders.runtime import TorchEncoder

__all__ = ["Encoder", "EncoderSpec", "MixtureEmbedding", "MultiEncoder", "SingleEncoder", "load_encoder"]


def load_encoder(path: Path | None = None, device: str = "auto") -> TorchEncoder:
    """Load the shipped weights, or those at `path`; see library.encoders.runtime.load_encoder."""
    from library.encoders import runtime

    return runtime.load_encoder(path or runtime.WEIGHTS, device)

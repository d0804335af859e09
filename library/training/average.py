"""Average trained weights with those that the run began from (model soups, arXiv 2203.05482)."""

from __future__ import annotations

from pathlib import Path

import torch

from library.encoders.checkpoint import load_checkpoint
from library.encoders.network import TimbrelNetwork
from library.errors import EncoderError, InputError

__all__ = ["average_with"]


def average_with(network: TimbrelNetwork, weights: Path, share: float) -> None:
    """Let other weights make up a share of a network's, in place: what both learnt stays, what each chanced on fades.

    Args:
        network: Of a run that began from `weights`, or from the same weights as they.
        weights: A weights file.
        share: Their part, 0..1.

    Raises:
        InputError: The share is out of its range.
        EncoderError: The file can't be read, or is of a network of other sizes.
    """
    if not 0.0 <= share <= 1.0:
        raise InputError(f"share {share:g}", "must be in 0..1", "take 0.3 for the older weights")
    other = load_checkpoint(weights).network
    if other.config != network.config:
        raise EncoderError(weights, "are weights of a network of other sizes", "average runs of one network")
    theirs = other.state_dict()
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                value.lerp_(theirs[name].to(value), share)

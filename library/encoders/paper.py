"""Rebuild the networks of *Show Me the Instruments* (arXiv 2211.07951, section 3), for comparison.

Module names follow the released checkpoints (conv1..conv4, linear1.1, linear2.0), so that their state dicts load.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from library.errors import MissingDependencyError

__all__ = ["PaperLarge", "PaperNetwork", "strip_parallel"]

PAPER_DIM = 1024
PAPER_SLOTS = 9
_SLOPE = 0.33


def _stage(inputs: int, outputs: int, pool: nn.Module | None) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(_SLOPE),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(_SLOPE),
    ]
    return nn.Sequential(*layers, *([pool] if pool else []))


class PaperNetwork(nn.Module):
    """Single-Instrument Encoder, or the Small Multi-Instrument Encoder.

    Args:
        outputs: Length of the last layer: the number of classes for the single encoder (embedding = linear1's output),
            9 x 1024 for the multi encoder.
    """

    def __init__(self, outputs: int = PAPER_SLOTS * PAPER_DIM) -> None:
        super().__init__()
        self.conv1 = _stage(1, 32, None)
        self.conv2 = _stage(32, 64, None)
        self.conv3 = _stage(64, 128, None)
        self.conv4 = _stage(128, 256, nn.AdaptiveMaxPool2d(1))
        self.pool = nn.Sequential(nn.MaxPool2d(3), nn.Dropout(0.25))
        self.linear1 = nn.Sequential(nn.Flatten(), nn.Linear(256, PAPER_DIM))
        self.linear2 = nn.Sequential(nn.Linear(PAPER_DIM, outputs))

    def embed(self, features: Tensor) -> Tensor:
        """Return embeddings [B, 1024] of features[B, 1, 128, frames]."""
        x = features
        for stage in (self.conv1, self.conv2, self.conv3):
            x = self.pool(stage(x))
        out: Tensor = self.linear1(self.conv4(x))
        return out

    def forward(self, features: Tensor) -> Tensor:
        """Return class logits, or 9 x 1024 values for the multi encoder."""
        out: Tensor = self.linear2(nn.functional.leaky_relu(self.embed(features), _SLOPE))
        return out

    def slots(self, features: Tensor) -> Tensor:
        """Return the set of embeddings [B, 9, 1024] of a multi encoder."""
        flat: Tensor = self(features)
        return flat.view(len(features), PAPER_SLOTS, PAPER_DIM)


class PaperLarge(nn.Module):
    """The Large Multi-Instrument Encoder: timm's ConvNeXt-S with one input channel.

    Raises:
        MissingDependencyError: timm is not installed.
    """

    def __init__(self) -> None:
        super().__init__()
        try:
            import timm
        except ImportError as error:
            raise MissingDependencyError(
                "timm", "is needed for the paper's Large network", "pip install 'timbrel[bench]'"
            ) from error
        self.net = timm.create_model("convnext_small", in_chans=1, num_classes=PAPER_SLOTS * PAPER_DIM)

    def slots(self, features: Tensor) -> Tensor:
        """Return the set of embeddings [B, 9, 1024] of features[B, 1, 128, frames]."""
        out: Tensor = self.net(features).view(len(features), PAPER_SLOTS, PAPER_DIM)
        return out


def strip_parallel(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Remove the `module.` prefix that nn.DataParallel left in the released state dicts."""
    return {key.removeprefix("module."): value for key, value in state.items()}

"""Begin a run from weights that were trained before, on these instruments or on others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as f

from library.data.clips import ClipStore
from library.encoders.checkpoint import load_checkpoint
from library.errors import EncoderError, InputError
from library.training.tasks import SingleTask
from library.training.validation import feature_batches

__all__ = ["begin"]

CLIPS = 12
"""Clips of an instrument whose mean says where it lies."""


def begin(task: SingleTask, start: Path, train: ClipStore) -> None:
    """Give a task what START has learnt: the folder of a run, or a weights file.

    Weights do not hold where the training instruments lie in the space: there they are put where the weights hear them.

    Raises:
        InputError: START is a run of other instruments or another network.
        EncoderError: The weights can't be read, or are of a network of other sizes.
    """
    if start.is_file():
        _begin_from_weights(task, start, train)
        return
    state: Mapping[str, Mapping[str, Tensor]] = torch.load(start / "state.pt", weights_only=True)["modules"]
    try:
        for key, module in task.modules.items():
            module.load_state_dict(state[key])
    except (KeyError, RuntimeError) as error:
        raise InputError(start, "is a run of other instruments or another network", "give one of this data") from error


def _begin_from_weights(task: SingleTask, weights: Path, train: ClipStore) -> None:
    network = load_checkpoint(weights).network
    if network.config != task.network.config:
        raise EncoderError(weights, "are weights of a network of other sizes", "train from `timbrel train single`")
    task.network.load_state_dict(network.state_dict())
    task.network.eval()
    rows = [_spread(np.flatnonzero(train.label == c)) for c in range(len(train.instruments))]
    with torch.inference_mode():
        batches = feature_batches(train, np.concatenate(rows))
        vectors = torch.cat([task.network.single(features.to(task.device)) for features in batches])
    means = torch.stack([part.mean(dim=0) for part in torch.split(vectors, [len(part) for part in rows])])
    task.place(f.normalize(means, dim=-1))


def _spread(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Take some of an instrument's clips, from all kinds: phrases, notes from its bank, single notes."""
    return rows[:: max(1, len(rows) // CLIPS)]

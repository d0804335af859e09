"""Calibrate presence on validation mixtures: temperature, bias, and the highest threshold with a good F1."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as f

from library.encoders.checkpoint import Calibration
from library.evaluation.protocols import mixture_scores
from library.training.losses import assign

__all__ = ["calibrate"]

_THRESHOLDS = np.arange(0.05, 0.96, 0.025)
_GOOD_ENOUGH = 0.97
"""Share of the best F1 that a higher threshold may cost: where F1 is flat, saying less is more honest."""

_STEPS = 200


def calibrate(
    vectors: NDArray[np.float32], logits: NDArray[np.float32], library: NDArray[np.float32], truth: NDArray[np.bool_]
) -> Calibration:
    """Fit Platt scaling of presence logits[M, K] and choose the threshold.

    A slot holds an instrument when the best assignment of slots to the true instruments uses it.

    Args:
        vectors: [M, K, D] unit norm.
        logits: [M, K].
        library: [C, D] one vector per validation instrument.
        truth: [M, C].
    """
    cosine = torch.from_numpy(vectors @ library.T)
    pairs = assign(-cosine, torch.from_numpy(truth))
    target = torch.zeros(logits.shape)
    target[pairs.row, pairs.slot] = 1.0
    scale, bias = torch.ones(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.LBFGS([scale, bias], max_iter=_STEPS)
    raw = torch.from_numpy(logits)

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = f.binary_cross_entropy_with_logits(raw * scale + bias, target)
        torch.autograd.backward(loss)
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]  # torch leaves LBFGS untyped
    probability = (raw * scale + bias).sigmoid().detach().numpy()
    scores = np.array([mixture_scores(vectors, probability, float(t), library, truth).f1_macro for t in _THRESHOLDS])
    threshold = float(_THRESHOLDS[np.flatnonzero(scores >= _GOOD_ENOUGH * scores.max())[-1]])
    return Calibration(1.0 / float(scale.detach()), float(bias.detach()), round(threshold, 3))

"""Calibrate on validation mixtures: temperature and bias of presence, thresholds, and how sets are named."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as f

from library.encoders.checkpoint import Calibration
from library.evaluation.metrics import f1_scores, mean_average_precision
from library.evaluation.protocols import mixture_scores
from library.hubs import Cohort, hubness
from library.naming import SetRule, probabilities
from library.training.losses import assign

__all__ = ["calibrate"]

_THRESHOLDS = np.arange(0.05, 0.96, 0.025)
_GOOD_ENOUGH = 0.98
"""Share of the best F1 that a higher threshold may cost: where F1 is flat, saying less is more honest."""

_SHARPNESS = (4.0, 6.0, 8.0, 10.0, 12.0, 16.0, 24.0)
_STEPS = 200
_SMALLEST = 1e-3
"""Scale of logits at least: those of a network that has learnt nothing can say the opposite of what is there."""


def calibrate(
    vectors: NDArray[np.float32],
    logits: NDArray[np.float32],
    library: NDArray[np.float32],
    truth: NDArray[np.bool_],
    cohort: Cohort = None,
) -> Calibration:
    """Fit Platt scaling of presence logits[M, K] and choose the threshold.

    A slot holds an instrument when the best assignment of slots to the true instruments uses it.

    Args:
        vectors: [M, K, D] unit norm.
        logits: [M, K].
        library: [C, D] one vector per validation instrument.
        truth: [M, C].
        cohort: Corrects for hubs (see library.hubs).
    """
    standing = vectors @ library.T - hubness(library, cohort)
    pairs = assign(-torch.from_numpy(standing), torch.from_numpy(truth))
    target = torch.zeros(logits.shape)
    target[pairs.row, pairs.slot] = 1.0
    log_scale, bias = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.LBFGS([log_scale, bias], max_iter=_STEPS, line_search_fn="strong_wolfe")
    raw = torch.from_numpy(logits)

    def scaled() -> torch.Tensor:
        return raw * log_scale.exp().clamp_min(_SMALLEST) + bias

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = f.binary_cross_entropy_with_logits(scaled(), target)
        torch.autograd.backward(loss)
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]  # torch leaves LBFGS untyped
    probability = scaled().sigmoid().detach().numpy()
    args = (library, truth, None, cohort)
    scores = np.array([mixture_scores(vectors, probability, float(t), *args).f1_macro for t in _THRESHOLDS])
    rule = _fit_rule(standing, probability, truth)
    temperature = 1.0 / max(float(log_scale.detach().exp()), _SMALLEST)
    return Calibration(temperature, float(bias.detach()), _highest_good(scores), rule)


def _fit_rule(standing: NDArray[np.float32], presence: NDArray[np.float32], truth: NDArray[np.bool_]) -> SetRule:
    """Choose the sharpness by mAP, then the threshold by F1."""
    ranked = [probabilities(standing, presence, sharpness) for sharpness in _SHARPNESS]
    best = int(np.argmax([mean_average_precision(truth, scores)[0] for scores in ranked]))
    f1 = np.array([f1_scores(truth, ranked[best] >= t)[0] for t in _THRESHOLDS])
    return SetRule(_SHARPNESS[best], _highest_good(f1))


def _highest_good(scores: NDArray[np.float64]) -> float:
    return round(float(_THRESHOLDS[np.flatnonzero(scores >= _GOOD_ENOUGH * scores.max())[-1]]), 3)

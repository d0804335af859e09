"""Score retrieval the way arXiv 2211.07951 (section 4) does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["average_precision", "equal_error_rate", "f1_scores", "mean_average_precision"]


def equal_error_rate(positive: NDArray[np.floating], negative: NDArray[np.floating]) -> float:
    """Return the rate at which one threshold accepts as many wrong trials as it refuses right ones.

    Args:
        positive: Scores of trials of the same instrument.
        negative: Scores of trials of another.
    """
    scores = np.concatenate([positive, negative])
    truth = np.concatenate([np.ones(len(positive)), np.zeros(len(negative))])[np.argsort(scores, kind="stable")]
    refused = np.concatenate([[0.0], np.cumsum(truth)]) / len(positive)
    accepted = 1.0 - np.concatenate([[0.0], np.cumsum(1 - truth)]) / len(negative)
    at = int(np.argmin(np.abs(refused - accepted)))
    return float((refused[at] + accepted[at]) / 2)


def f1_scores(truth: NDArray[np.bool_], named: NDArray[np.bool_]) -> tuple[float, float]:
    """Return F1 macro and weighted over instruments; truth and named are [mixtures, instruments]."""
    hits = (truth & named).sum(axis=0)
    support = truth.sum(axis=0)
    total = support + named.sum(axis=0)
    f1 = np.divide(2.0 * hits, total, out=np.zeros(len(hits)), where=total > 0)
    return float(f1[support > 0].mean()), float(np.average(f1, weights=support))


def mean_average_precision(truth: NDArray[np.bool_], scores: NDArray[np.floating]) -> tuple[float, float]:
    """Return mAP macro and weighted over instruments: mixtures ranked by each instrument's score."""
    support = truth.sum(axis=0)
    per = np.array([average_precision(truth[:, c], scores[:, c]) if support[c] else 0.0 for c in range(truth.shape[1])])
    return float(per[support > 0].mean()), float(np.average(per, weights=support))


def average_precision(truth: NDArray[np.bool_], scores: NDArray[np.floating]) -> float:
    """Return the mean precision at each relevant item, best score first."""
    ranked = truth[np.argsort(-scores, kind="stable")]
    precision = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    return float(precision[ranked].mean()) if ranked.any() else 0.0

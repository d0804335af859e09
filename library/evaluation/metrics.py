"""Score retrieval the way arXiv 2211.07951 (section 4) does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BOOTSTRAPS",
    "average_precision",
    "bootstrap",
    "equal_error_rate",
    "f1_each",
    "f1_scores",
    "mean_average_precision",
    "precision_each",
]

BOOTSTRAPS = 1000
"""Draws of instruments for an interval."""


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


def f1_each(truth: NDArray[np.bool_], named: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the F1 of each instrument; truth and named are [mixtures, instruments]."""
    hits = (truth & named).sum(axis=0)
    total = truth.sum(axis=0) + named.sum(axis=0)
    f1: NDArray[np.float64] = np.divide(2.0 * hits, total, out=np.zeros(len(hits)), where=total > 0)
    return f1


def f1_scores(truth: NDArray[np.bool_], named: NDArray[np.bool_]) -> tuple[float, float]:
    """Return F1 macro and weighted over the instruments that play; truth and named are [mixtures, instruments]."""
    return _macro_weighted(f1_each(truth, named), truth.sum(axis=0))


def precision_each(truth: NDArray[np.bool_], scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the average precision of each instrument: mixtures ranked by its score; 0 for those that never play."""
    return np.array([average_precision(truth[:, c], scores[:, c]) for c in range(truth.shape[1])])


def mean_average_precision(truth: NDArray[np.bool_], scores: NDArray[np.floating]) -> tuple[float, float]:
    """Return mAP macro and weighted over the instruments that play."""
    return _macro_weighted(precision_each(truth, scores), truth.sum(axis=0))


def bootstrap(values: NDArray[np.floating], rng: np.random.Generator) -> tuple[float, float]:
    """Return the 95 % interval of the mean of values[C, ...] when other instruments had been drawn."""
    drawn = rng.integers(len(values), size=(BOOTSTRAPS, len(values)))
    low, high = np.percentile(values[drawn].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def _macro_weighted(each: NDArray[np.float64], support: NDArray[np.int64]) -> tuple[float, float]:
    return float(each[support > 0].mean()), float(np.average(each, weights=support))


def average_precision(truth: NDArray[np.bool_], scores: NDArray[np.floating]) -> float:
    """Return the mean precision at each relevant item, best score first."""
    ranked = truth[np.argsort(-scores, kind="stable")]
    precision = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    return float(precision[ranked].mean()) if ranked.any() else 0.0

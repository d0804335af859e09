"""Evaluate embeddings of unseen instruments: trials, mixtures, three instruments, counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from library.evaluation.metrics import (
    BOOTSTRAPS,
    bootstrap,
    equal_error_rate,
    f1_each,
    f1_scores,
    mean_average_precision,
    precision_each,
)
from library.hubs import Cohort, hubness, soft_maximum, taken_off
from library.naming import SetRule, probabilities

__all__ = ["ENROL", "MixtureScores", "mixture_scores", "open_scores", "rank_in_family", "single_scores", "slots_in_use"]

ENROL = 5
TRIALS = 20
"""Clips that enrol an instrument, and trials of each sign (arXiv 2211.07951, section 4.1)."""


@dataclass(frozen=True, slots=True)
class MixtureScores:
    """Hold what mixtures were heard as.

    Attributes:
        f1_macro, f1_weighted, f1_low, f1_high: Of the named set, with the 95 % interval of macro over instruments.
        names: Mean number of names.
        f1_slots: F1 macro where each slot over the threshold of presence names its nearest, and nothing else is named.
        map_macro, map_weighted, map_low, map_high: Of how likely each instrument is.
        map_cosine: mAP macro of the largest cosine over slots, empty ones too, as in the paper.
        top1, top5: On mixtures of three: share of the true instruments that are first, or among the first five, of
            one of the three strongest slots that name different instruments.
        count_error: Mean absolute error of the number of instruments: the sum of the presences.
    """

    f1_macro: float
    f1_weighted: float
    f1_low: float
    f1_high: float
    names: float
    f1_slots: float
    map_macro: float
    map_weighted: float
    map_low: float
    map_high: float
    map_cosine: float
    top1: float
    top5: float
    count_error: float


def single_scores(
    vectors: NDArray[np.float32],
    label: NDArray[np.int64],
    rng: np.random.Generator,
    queries: NDArray[np.float32] | None = None,
) -> dict[str, float]:
    """Return EER and 53-way top-1 (one clip enrolled, and five).

    Args:
        vectors: [N, D] unit norm.
        label: [N].
        rng: Draws what is enrolled and tried.
        queries: [N, D] the same clips as they are asked with (with noise, say); default: as they are enrolled.
    """
    asked_with = vectors if queries is None else queries
    classes = np.unique(label)
    positive, negative, right1, right5, asked = [], [], 0, 0, 0
    enrolled5, enrolled1, rest = [], [], []
    for c in classes:
        rows = rng.permutation(np.flatnonzero(label == c))
        enrolled5.append(_unit(vectors[rows[:ENROL]].mean(axis=0)))
        enrolled1.append(vectors[rows[0]])
        rest.append(rows[ENROL:])
    library5, library1 = np.stack(enrolled5), np.stack(enrolled1)
    for i, rows in enumerate(rest):
        others = rng.choice(np.concatenate([r for j, r in enumerate(rest) if j != i]), TRIALS, replace=False)
        positive.append(asked_with[rows[:TRIALS]] @ library5[i])
        negative.append(asked_with[others] @ library5[i])
        right1 += int((np.argmax(asked_with[rows] @ library1.T, axis=1) == i).sum())
        right5 += int((np.argmax(asked_with[rows] @ library5.T, axis=1) == i).sum())
        asked += len(rows)
    low, high = _eer_interval(positive, negative)
    return {
        "eer": equal_error_rate(np.concatenate(positive), np.concatenate(negative)),
        "eer_low": low,
        "eer_high": high,
        "top1": right1 / asked,
        "top1_enrol5": right5 / asked,
    }


def _eer_interval(
    positive: Sequence[NDArray[np.float32]], negative: Sequence[NDArray[np.float32]]
) -> tuple[float, float]:
    """Return the 95 % interval of the EER when other instruments had been drawn."""
    rng = np.random.default_rng(0)
    rates = []
    for _ in range(BOOTSTRAPS // 5):  # each takes a sort of all trials
        drawn = rng.integers(len(positive), size=len(positive))
        rates.append(
            equal_error_rate(np.concatenate([positive[i] for i in drawn]), np.concatenate([negative[i] for i in drawn]))
        )
    low, high = np.percentile(rates, [2.5, 97.5])
    return float(low), float(high)


def rank_in_family(
    vectors: NDArray[np.float32],
    library: NDArray[np.float32],
    truth: NDArray[np.bool_],
    families: Sequence[str],
    cohort: Cohort = None,
    depth: tuple[int, ...] = (1, 5),
) -> tuple[float, ...]:
    """Return the share of true instruments among the first of their own family (CIR's protocol, arXiv 2509.13285).

    Args:
        vectors: [M, K, D] unit norm.
        library: [C, D] unit norm.
        truth: [M, C] one instrument of each family that is asked for.
        families: [C] family of each instrument.
        cohort: Corrects for hubs.
        depth: How many first places count.
    """
    scores = (vectors @ library.T).max(axis=1) - hubness(library, cohort)  # [M, C]
    same = np.array([[a == b for b in families] for a in families])
    places = []
    for m, c in zip(*np.nonzero(truth), strict=True):
        places.append(int((scores[m, same[c]] > scores[m, c]).sum()))
    return tuple(float(np.mean(np.array(places) < d)) for d in depth)


def slots_in_use(cosine: NDArray[np.float32], truth: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which slots [M, K] the best assignment gives a true instrument: what presence claims to know.

    Args:
        cosine: [M, K, C] of slots and library.
        truth: [M, C].
    """
    used = np.zeros(cosine.shape[:2], bool)
    for m, present in enumerate(truth):
        slots, _ = linear_sum_assignment(cosine[m][:, present], maximize=True)
        used[m, slots] = True
    return used


def mixture_scores(
    vectors: NDArray[np.float32],
    presence: NDArray[np.float32],
    threshold: float,
    library: NDArray[np.float32],
    truth: NDArray[np.bool_],
    rule: SetRule | None = None,
    cohort: Cohort = None,
) -> MixtureScores:
    """Score slots against a library with one vector per unseen instrument.

    Args:
        vectors: [M, K, D] unit norm.
        presence: [M, K]; a system without presence gives ones.
        threshold: Slots below it name nothing.
        library: [C, D] unit norm.
        truth: [M, C].
        rule: How the set is named; None for each slot's nearest, and the largest cosine as score, as in the paper.
        cohort: Corrects for hubs (see library.hubs) in all but map_cosine.
    """
    cosine = vectors @ library.T  # [M, K, C]
    largest = cosine.max(axis=1)
    cosine -= hubness(library, cohort)
    of_slots = _nearest(cosine, presence >= threshold)
    ranked = largest if rule is None else probabilities(cosine, presence, rule.sharpness)
    named = of_slots if rule is None else ranked >= rule.threshold
    count = named.sum(axis=1) if rule is None else presence.sum(axis=1)
    plays = truth.any(axis=0)
    f1 = (*f1_scores(truth, named), *bootstrap(f1_each(truth, named)[plays], np.random.default_rng(0)))
    mean_ap = (
        *mean_average_precision(truth, ranked),
        *bootstrap(precision_each(truth, ranked)[plays], np.random.default_rng(0)),
    )
    return MixtureScores(
        *f1,
        float(named.sum(axis=1).mean()),
        f1_scores(truth, of_slots)[0],
        *mean_ap,
        mean_average_precision(truth, largest)[0],
        *_three(cosine, presence, truth),
        float(np.abs(count - truth.sum(axis=1)).mean()),
    )


def open_scores(
    vectors: NDArray[np.float32],
    presence: NDArray[np.float32],
    library: NDArray[np.float32],
    sound: NDArray[np.int64],
    truth: NDArray[np.bool_],
    cohort: Cohort = None,
) -> tuple[float, float]:
    """Return top-1 and top-5 of mixtures of three in a library whose sounds have several vectors, as the index ranks.

    Args:
        vectors: [M, K, D] unit norm.
        presence: [M, K].
        library: [V, D] unit norm.
        sound: [V] which sound each vector is of, rising from 0; a sound counts once, with a cohort by all its vectors,
            else by the nearest.
        truth: [M, C]; the first C sounds may be in a mixture, the others never are.
        cohort: Corrects for hubs.
    """
    starts = np.flatnonzero(np.diff(sound, prepend=-1))
    cosine = vectors @ library.T
    if cohort is None:
        scores = np.maximum.reduceat(cosine, starts, axis=-1)
    else:
        near = soft_maximum(np.asarray(cohort, np.float32) @ library.T, starts)
        scores = soft_maximum(cosine, starts) - taken_off(near)
    return _three(scores, presence, np.pad(truth, ((0, 0), (0, len(starts) - truth.shape[1]))))


def _nearest(cosine: NDArray[np.float32], counts: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the set [M, C] of what the slots that count [M, K] are nearest to."""
    named = np.zeros((len(cosine), cosine.shape[2]), bool)
    nearest = cosine.argmax(axis=-1)
    for m, k in zip(*np.nonzero(counts), strict=True):
        named[m, nearest[m, k]] = True
    return named


def _three(cosine: NDArray[np.float32], presence: NDArray[np.float32], truth: NDArray[np.bool_]) -> tuple[float, float]:
    hit1 = hit5 = asked = 0
    for m in np.flatnonzero(truth.sum(axis=1) == 3):
        # Slots that name the same count once, as in the live list.
        order = np.argsort(-presence[m], kind="stable")
        _, first = np.unique(cosine[m, order].argmax(axis=-1), return_index=True)
        ranked = np.argsort(-cosine[m, order[np.sort(first)[:3]]], axis=-1)
        for c in np.flatnonzero(truth[m]):
            hit1 += int((ranked[:, 0] == c).any())
            hit5 += int((ranked[:, :5] == c).any())
            asked += 1
    return (hit1 / asked, hit5 / asked) if asked else (0.0, 0.0)


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    out: NDArray[np.float32] = vector / np.linalg.norm(vector)
    return out

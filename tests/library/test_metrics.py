from __future__ import annotations

import numpy as np
import pytest

from library.evaluation.metrics import average_precision, bootstrap, equal_error_rate, f1_scores, mean_average_precision
from library.evaluation.protocols import mixture_scores, rank_in_family, single_scores, slots_in_use


def test_scores_that_part_cleanly_have_no_error() -> None:
    assert equal_error_rate(np.array([0.9, 0.8]), np.array([0.1, 0.2])) == 0.0


def test_scores_that_say_nothing_err_half_the_time() -> None:
    rng = np.random.default_rng(0)
    assert equal_error_rate(rng.random(4000), rng.random(4000)) == pytest.approx(0.5, abs=0.03)


def test_one_of_four_on_the_wrong_side_on_both_sides_is_a_quarter() -> None:
    assert equal_error_rate(np.array([0.9, 0.8, 0.7, 0.2]), np.array([0.1, 0.15, 0.3, 0.75])) == 0.25


def test_f1_macro_counts_instruments_and_weighted_counts_occurrences() -> None:
    truth = np.array([[1, 0], [1, 0], [1, 1]], bool)
    named = np.array([[1, 0], [1, 1], [1, 0]], bool)
    macro, weighted = f1_scores(truth, named)
    assert macro == pytest.approx(0.5)
    assert weighted == pytest.approx(0.75)


def test_average_precision_of_a_known_ranking() -> None:
    truth, scores = np.array([True, False, True]), np.array([0.9, 0.8, 0.7])
    assert average_precision(truth, scores) == pytest.approx((1 + 2 / 3) / 2)


def test_mean_average_precision_leaves_out_instruments_that_never_play() -> None:
    truth = np.array([[1, 0], [0, 0]], bool)
    assert mean_average_precision(truth, np.array([[0.9, 0.5], [0.1, 0.9]])) == (1.0, 1.0)


def test_perfect_slots_score_perfectly_and_empty_slots_are_left_out() -> None:
    library = np.eye(5, dtype=np.float32)
    truth = np.array([[1, 1, 1, 0, 0], [0, 0, 1, 1, 1]], bool)
    vectors = np.stack([library[[0, 1, 2, 3]], library[[2, 3, 4, 0]]])
    presence = np.array([[0.9, 0.9, 0.9, 0.1]] * 2, np.float32)
    scores = mixture_scores(vectors, presence, 0.5, library, truth)
    assert (scores.f1_macro, scores.count_error, scores.top1, scores.top5) == (1.0, 0.0, 1.0, 1.0)
    every = mixture_scores(vectors, np.ones_like(presence), 0.5, library, truth)
    assert every.count_error == 1.0
    assert every.f1_macro < 1.0


def test_single_scores_use_other_queries_than_what_is_enrolled() -> None:
    rng = np.random.default_rng(0)
    label = np.repeat(np.arange(6), 30)
    vectors = np.eye(6, dtype=np.float32)[label] + 0.01 * rng.standard_normal((180, 6)).astype(np.float32)
    clean = single_scores(vectors, label, np.random.default_rng(1))
    assert (clean["eer"], clean["top1"], clean["top1_enrol5"]) == (0.0, 1.0, 1.0)
    lost = rng.standard_normal((180, 6)).astype(np.float32)
    assert single_scores(vectors, label, np.random.default_rng(1), lost)["top1"] < 0.5


def test_the_interval_of_a_mean_shrinks_with_what_was_measured() -> None:
    rng = np.random.default_rng(0)
    low, high = bootstrap(rng.normal(0.5, 0.2, 50), np.random.default_rng(1))
    assert low < 0.5 < high
    assert 0.06 < high - low < 0.16
    tight = bootstrap(rng.normal(0.5, 0.2, 5000), np.random.default_rng(1))
    assert tight[1] - tight[0] < 0.02


def test_an_instrument_is_ranked_among_its_own_family_only() -> None:
    library = np.eye(4, dtype=np.float32)
    vectors = np.array([[[0.2, 0.9, 0.3, 0.1]]], np.float32)
    truth = np.array([[True, False, True, False]])
    assert rank_in_family(vectors, library, truth, ["a", "b", "a", "b"]) == (0.5, 1.0)
    assert rank_in_family(vectors, library, truth, ["a", "a", "b", "b"]) == (0.5, 1.0)


def test_a_slot_is_in_use_when_the_best_assignment_needs_it() -> None:
    cosine = np.array([[[0.9, 0.8, 0.0], [0.7, 0.1, 0.0], [0.0, 0.0, 0.9]]], np.float32)
    assert slots_in_use(cosine, np.array([[True, True, False]])).tolist() == [[True, True, False]]
    assert slots_in_use(cosine, np.array([[False, False, True]])).tolist() == [[False, False, True]]

"""Check that sounds which lie near to everything are taken down in the order, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from library.evaluation.protocols import mixture_scores
from library.hubs import NEAREST, WEIGHT, hubness, soft_maximum, taken_off
from library.index import SoundIndex
from tests.library.libraries import make_library

DIM, COHORT = 16, 200


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32)


@pytest.fixture(scope="module")
def cohort() -> NDArray[np.float32]:
    """Slots that share a direction, the first axis, as those of dense mixtures do."""
    rng = np.random.default_rng(0)
    return unit(rng.standard_normal((COHORT, DIM)) + 4.0 * np.eye(DIM)[0])


@pytest.fixture(scope="module")
def sounds() -> NDArray[np.float32]:
    """A hub on the shared direction, and seven sounds away from it, two vectors each."""
    rng = np.random.default_rng(1)
    own = np.concatenate([np.eye(DIM)[:1], 0.3 * np.eye(DIM)[:1] + np.eye(DIM)[1:8]])
    return unit(own[:, None] + 0.02 * rng.standard_normal((8, 2, DIM)))


def test_hubness_is_a_part_of_the_mean_cosine_to_the_nearest_of_the_cohort(cohort: NDArray[np.float32]) -> None:
    sound = cohort[:1]
    nearest = np.sort(sound @ cohort.T)[0, -round(NEAREST * COHORT) :]
    assert hubness(sound, cohort)[0] == pytest.approx(WEIGHT * float(nearest.mean()), abs=1e-6)
    assert hubness(sound, None).tolist() == [0.0]


def test_a_hub_gives_way_to_the_sound_that_is_meant(
    cohort: NDArray[np.float32], sounds: NDArray[np.float32], tmp_path: Path
) -> None:
    lib = make_library(tmp_path / "lib", list(sounds.astype(np.float16)))
    slot = unit(np.eye(DIM)[:1] + 0.5 * np.eye(DIM)[3:4])  # the third sound, drawn to what all mixtures share
    plain = SoundIndex.open(lib, None).query(slot, 8)[0]
    index = SoundIndex.open(lib, None, cohort=cohort.astype(np.float16))
    fair = index.query(slot, 8)[0]
    assert (plain[0].sound.name, fair[0].sound.name) == ("s00000", "s00003")
    assert {m.sound.id: m.score for m in fair} == {m.sound.id: m.score for m in plain}  # scores stay cosines
    assert [m.standing for m in fair] == sorted((m.standing for m in fair), reverse=True)
    assert index.query(slot, 8)[0] == fair  # what was worked out once is kept


def test_the_soft_maximum_lies_between_mean_and_largest_and_is_fair_to_sounds_of_one_clip() -> None:
    cosine = np.array([[0.6, 0.5, 0.1, 0.5, 0.5, 0.5]], np.float32)
    starts = np.array([0, 3, 5])
    some, same, one = soft_maximum(cosine, starts)[0]
    assert 0.4 < some < 0.6
    assert same == pytest.approx(0.5, abs=1e-6) == one


def test_a_slot_goes_to_the_sound_that_is_near_by_more_of_its_clips(
    cohort: NDArray[np.float32], tmp_path: Path
) -> None:
    own, other = np.eye(DIM)[1], np.eye(DIM)[2]
    near = unit(own + np.array([[0.6], [0.6], [0.6]]) * np.eye(DIM)[5:8])
    chance = unit(np.stack([own + 0.5 * other, other, other]))
    far = [unit(np.tile(np.eye(DIM)[n], (3, 1))) for n in range(8, 12)]
    lib = make_library(tmp_path / "lib", [vectors.astype(np.float16) for vectors in (chance, near, *far)])
    slot = unit(own[None])
    assert SoundIndex.open(lib, None).query(slot, 2)[0][0].sound.name == "s00000"
    for exact in (True, False):
        first, second = SoundIndex.open(lib, None, exact=exact, cohort=cohort).query(slot, 2)[0]
        assert (first.sound.name, second.sound.name) == ("s00001", "s00000")
        assert second.score > first.score  # scores stay cosines


@pytest.mark.parametrize("counts", [[3] * 12, [1] * 12, [3, 0, 3, 3], [2, 5, 1, 3]])
def test_sounds_of_as_many_clips_are_scored_as_others_are(
    counts: list[int], cohort: NDArray[np.float32], tmp_path: Path
) -> None:
    rng = np.random.default_rng(3)
    vectors = [unit(rng.standard_normal((count, DIM))).astype(np.float16) for count in counts]
    queries = unit(rng.standard_normal((4, DIM)))
    lib = make_library(tmp_path / "lib", vectors)
    found = SoundIndex.open(lib, None, cohort=cohort).query(queries, len(counts))
    for query, matches in zip(queries, found, strict=True):
        of = {f"s{n:05d}": rows.astype(np.float32) for n, rows in enumerate(vectors) if len(rows)}
        assert {match.sound.name for match in matches} == set(of)
        for match in matches:
            rows = of[match.sound.name]
            near = soft_maximum((query @ rows.T)[None], np.array([0]))[0, 0]
            off = taken_off(soft_maximum(cohort @ rows.T, np.array([0])))[0]
            assert match.score == pytest.approx(float((query @ rows.T).max()), abs=1e-5)
            assert match.standing == pytest.approx(float(near - off), abs=1e-5)
        assert [m.standing for m in matches] == sorted((m.standing for m in matches), reverse=True)


def test_mixtures_are_scored_without_their_hubs(cohort: NDArray[np.float32], sounds: NDArray[np.float32]) -> None:
    library = sounds[:, 0]
    truth = ~np.eye(8, dtype=bool)[[0] * 7] & np.eye(8, dtype=bool)[1:]
    vectors = unit(np.eye(DIM)[:1] + 0.5 * np.eye(DIM)[1:8])[:, None]
    ones = np.ones((7, 1), np.float32)
    assert mixture_scores(vectors, ones, 0.5, library, truth).f1_macro == 0.0
    assert mixture_scores(vectors, ones, 0.5, library, truth, cohort=cohort).f1_macro == 1.0

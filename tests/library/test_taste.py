"""Check the rule by which likes, skips and weights of sources order sounds, and that it is off without a taste."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from library.follow import LiveIndex
from library.index import Match, SoundIndex
from library.opinions import Opinions
from library.search import search_vectors
from library.taste import LIKED, SKIPPED, WEIGHT, Taste
from tests.library.libraries import make_library

DIM = 64


def near(*cosines: float) -> list[NDArray[np.float16]]:
    """Return one vector a sound, with these cosines to `QUERY`."""
    out = np.zeros((len(cosines), 1, DIM), np.float16)
    for number, cosine in enumerate(cosines):
        out[number, 0, 0] = cosine
        out[number, 0, 1 + number % (DIM - 1)] = (1.0 - cosine**2) ** 0.5
    return list(out)


QUERY = np.eye(1, DIM, dtype=np.float32)


def tell(lib: Path, own: Path, liked: bool | None, *ids: str) -> None:
    Opinions(lib, sealed=False, own_dir=own).write(SoundIndex.open(lib, None).generation, ids, liked)


def ids(matches: tuple[Match, ...]) -> list[str]:
    return [match.sound.id for match in matches]


def test_a_like_wins_by_its_amount_and_no_more_and_scores_stay_cosines(tmp_path: Path) -> None:
    lib = make_library(tmp_path / "lib", near(0.9, 0.9 - 0.8 * LIKED, 0.9 - 1.2 * LIKED))
    tell(lib, tmp_path, True, "s00001", "s00002")
    (found,) = SoundIndex.open(lib, None, taste=Taste(tmp_path)).query(QUERY, 3)
    assert ids(found) == ["s00001", "s00000", "s00002"]
    assert [match.score for match in found] == pytest.approx([0.86, 0.9, 0.84], abs=2e-3)
    assert [match.taste for match in found] == pytest.approx([LIKED, 0.0, LIKED])


def test_a_skipped_sound_ends_the_list_and_is_left_out_where_others_are_near(tmp_path: Path) -> None:
    lib = make_library(tmp_path / "lib", near(0.9, 0.8, 0.7, 0.9 - 1.1 * SKIPPED))
    tell(lib, tmp_path, False, "s00000")
    index = SoundIndex.open(lib, None, taste=Taste(tmp_path))
    assert ids(index.query(QUERY, 2)[0]) == ["s00001", "s00002"]
    assert ids(index.query(QUERY, 4)[0]) == ["s00001", "s00002", "s00000", "s00003"]


def test_without_a_taste_the_cosine_alone_counts(tmp_path: Path) -> None:
    lib = make_library(tmp_path / "lib", near(0.9, 0.88))
    tell(lib, tmp_path, False, "s00000")
    assert ids(SoundIndex.open(lib, None).query(QUERY, 2)[0]) == ["s00000", "s00001"]


def test_forgetting_leaves_no_opinion(tmp_path: Path) -> None:
    lib = make_library(tmp_path / "lib", near(0.9, 0.88))
    tell(lib, tmp_path, False, "s00000")
    tell(lib, tmp_path, None, "s00000", "s00001")
    (found,) = SoundIndex.open(lib, None, taste=Taste(tmp_path)).query(QUERY, 2)
    assert [match.taste for match in found] == [0.0, 0.0]


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0, 2.0])
def test_a_weight_counts_for_all_sounds_of_its_source(tmp_path: Path, weight: float) -> None:
    lib = make_library(tmp_path / "lib", near(0.9, 0.5))
    tell(lib, tmp_path, True, "s00001")
    index = SoundIndex.open(lib, None, taste=Taste(tmp_path, {"s": weight, "of another library": 2.0}))
    (found,) = index.query(QUERY, 2)
    assert [match.taste for match in found] == pytest.approx([WEIGHT * (weight - 1), WEIGHT * (weight - 1) + LIKED])


def test_a_search_by_several_vectors_keeps_the_order(tmp_path: Path) -> None:
    lib = make_library(tmp_path / "lib", near(0.9, 0.88))
    tell(lib, tmp_path, True, "s00001")
    index = SoundIndex.open(lib, None, taste=Taste(tmp_path))
    assert ids(search_vectors(index, np.repeat(QUERY, 3, 0), 2)) == ["s00001", "s00000"]


def test_of_two_copies_the_liked_one_is_named(tmp_path: Path) -> None:
    vectors = near(0.9, 0.8, 0.7)
    lib = make_library(tmp_path / "lib", [vectors[0], vectors[1], vectors[0]])
    tell(lib, tmp_path, True, "s00002")
    assert ids(SoundIndex.open(lib, None, taste=Taste(tmp_path)).query(QUERY, 3)[0]) == ["s00002", "s00001"]


def test_among_candidates_a_liked_sound_is_compared_however_far_it_is(tmp_path: Path) -> None:
    pytest.importorskip("annoy")
    crowd = near(*np.linspace(0.93, 0.91, 3000).tolist())
    lib = make_library(tmp_path / "lib", [*crowd, *near(0.9)])
    asked = SoundIndex.open(lib, None, exact=False).query(QUERY, 3)
    tell(lib, tmp_path, True, "s03000")
    index = SoundIndex.open(lib, None, exact=False, taste=Taste(tmp_path))
    assert index.search == "annoy"
    assert ids(index.query(QUERY, 3)[0]) == ["s03000", *ids(asked[0])[:2]]


def test_a_reader_that_follows_sees_new_opinions(tmp_path: Path) -> None:
    lib = make_library(tmp_path / "lib", near(0.9, 0.88))
    live = LiveIndex(lib, None, taste=Taste(tmp_path))
    assert ids(live.nearest(QUERY, 1).rows()[0]) == ["s00000"]
    tell(lib, tmp_path, False, "s00000")
    live.look()
    assert ids(live.nearest(QUERY, 1).rows()[0]) == ["s00001"]

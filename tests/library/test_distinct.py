"""Tests of library.distinct."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from library.distinct import SPARE, Ranking, named, stacked
from library.index import SoundIndex
from tests.library.libraries import clustered, make_library, sound

DIM = 16


def _ranking(width: int) -> Ranking:
    return Ranking(np.arange(width)[None], *np.full((3, 1, width), 0.5, np.float32))


def test_rankings_of_different_width_are_stacked_and_named() -> None:
    both = stacked([_ranking(3), _ranking(2)])
    assert both.positions.tolist() == [[0, 1, 2], [0, 1, -1]]
    assert both.scores[1, :2].tolist() == [0.5, 0.5]
    found = named(both, lambda position: sound(f"s{position}"))
    assert [[match.sound.id for match in row] for row in found.rows()] == [["s0", "s1", "s2"], ["s0", "s1"]]
    assert stacked([]).positions.shape == (0, 0)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("copies", [3, SPARE + 5, 4 * SPARE + 20])
def test_each_query_gets_its_sounds_however_many_are_copies_of_what_it_asks_for(
    tmp_path: Path, copies: int, exact: bool
) -> None:
    others = clustered(300, 2, DIM)
    copied, *_ = clustered(1, 2, DIM, seed=9)
    index = SoundIndex.open(make_library(tmp_path / "lib", [*[copied] * copies, *others]), None, exact=exact)
    near, far = index.query(np.stack([copied[0], others[7, 0]]).astype(np.float32), 5)
    assert near[0].sound.id == "s00000"
    assert all(int(match.sound.id[1:]) >= copies for match in near[1:])
    assert len({match.sound.id for match in near}) == len({match.sound.id for match in far}) == 5
    assert far[0].sound.id == f"s{copies + 7:05}"
    assert [match.score for match in near] == sorted((match.score for match in near), reverse=True)


def test_a_library_of_copies_alone_names_one(tmp_path: Path) -> None:
    (one,) = clustered(1, 2, DIM)
    index = SoundIndex.open(make_library(tmp_path / "lib", [one] * 40), None)
    (matches,) = index.query(one[:1].astype(np.float32), 5)
    assert [match.sound.id for match in matches] == ["s00000"]

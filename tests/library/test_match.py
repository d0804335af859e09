"""Tests of library.match."""

from __future__ import annotations

import numpy as np
import pytest

from library.match import Found, Match
from library.sounds import Sound
from tests.fakes import found_of

FLUTE, OBOE, BASS = (Sound(name, name, "gm", "", None, "", "test", "") for name in ("flute", "oboe", "bass"))
ROWS = ((Match(FLUTE, 0.9), Match(OBOE, 0.8, 0.1, 0.2), Match(BASS, 0.3)), (Match(BASS, 0.7),), ())


@pytest.fixture
def found() -> Found:
    return found_of(ROWS)


def test_matches_come_out_as_they_were_put_side_by_side(found: Found) -> None:
    assert found.rows() == ROWS
    assert len(found) == 3
    assert found.standing[0].tolist() == pytest.approx([match.standing for match in ROWS[0]])
    assert [found.best(query) for query in range(3)] == [FLUTE, BASS, None]
    assert [found.place(query, "bass") for query in range(3)] == [2, 0, None]


def test_what_is_left_out_leaves_no_gap(found: Found) -> None:
    kept = found.where(np.array([[False, True, True], [True, True, True], [True, True, True]]))
    assert kept.rows() == (ROWS[0][1:], ROWS[1], ())
    assert found.where(np.zeros((3, 3), np.bool_)).rows() == ((), (), ())


def test_a_part_holds_some_queries_and_the_first_of_their_matches(found: Found) -> None:
    assert found.part(slice(2), 2).rows() == (ROWS[0][:2], ROWS[1])
    assert found.part(np.array([2, 1])).rows() == ((), ROWS[1])
    assert found_of(()).rows() == ()
    assert found_of(((),)).best(0) is None

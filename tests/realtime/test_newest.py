"""Check which slots of the newest part of a window count beside those of the window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from library.encoders.spec import MixtureEmbedding
from realtime.newest import NEAR, slots_of

PIANO, FLUTE = np.eye(4, dtype=np.float32)[:2]
LIKE_PIANO = np.array([NEAR + 0.1, 0.0, np.sqrt(1 - (NEAR + 0.1) ** 2), 0.0], np.float32)


def _heard(*parts: list[tuple[NDArray[np.float32], float]]) -> MixtureEmbedding:
    vectors = np.stack([np.stack([vector for vector, _ in part]) for part in parts])
    return MixtureEmbedding(vectors, np.array([[p for _, p in part] for part in parts], np.float32))


def test_a_window_by_itself_is_what_it_holds() -> None:
    heard = _heard([(PIANO, 0.9), (FLUTE, 0.01)])
    vectors, presence = slots_of(heard, 0.2)
    np.testing.assert_array_equal(vectors, heard.vectors[0])
    np.testing.assert_array_equal(presence, heard.presence[0])


def test_what_has_just_entered_comes_last() -> None:
    vectors, presence = slots_of(_heard([(PIANO, 0.9), (PIANO, 0.0)], [(LIKE_PIANO, 0.9), (FLUTE, 0.7)]), 0.2)
    np.testing.assert_array_equal(vectors, [PIANO, PIANO, FLUTE])
    np.testing.assert_allclose(presence, [0.9, 0.0, 0.7])


def test_a_slot_of_the_window_that_is_not_there_hides_nothing() -> None:
    vectors, _ = slots_of(_heard([(PIANO, 0.9), (FLUTE, 0.05)], [(FLUTE, 0.7), (PIANO, 0.1)]), 0.2)
    np.testing.assert_array_equal(vectors, [PIANO, FLUTE, FLUTE])


def test_of_an_empty_window_what_is_there_in_the_newest_part_is_new() -> None:
    vectors, presence = slots_of(_heard([(PIANO, 0.0), (FLUTE, 0.0)], [(PIANO, 0.6), (FLUTE, 0.1)]), 0.2)
    np.testing.assert_array_equal(vectors, [PIANO, FLUTE, PIANO])
    np.testing.assert_allclose(presence, [0.0, 0.0, 0.6])

from __future__ import annotations

import numpy as np
import pytest

from library.naming import probabilities


def test_a_slot_that_is_there_shares_its_presence_out_among_what_it_is_near_to() -> None:
    cosine = np.array([[[0.9, 0.9, 0.0]]], np.float32)
    found = probabilities(cosine, np.array([[0.8]], np.float32), 20.0)
    np.testing.assert_allclose(found, [[0.4, 0.4, 0.0]], atol=1e-4)


def test_slots_that_agree_make_a_sound_more_likely_than_either() -> None:
    cosine = np.array([[[1.0, 0.0], [1.0, 0.0]]], np.float32)
    found = probabilities(cosine, np.array([[0.5, 0.5]], np.float32), 40.0)
    assert found[0, 0] == pytest.approx(0.75, abs=1e-4)


def test_an_empty_slot_says_nothing() -> None:
    cosine = np.array([[[1.0, 0.0], [0.0, 1.0]]], np.float32)
    found = probabilities(cosine, np.array([[0.9, 0.0]], np.float32), 40.0)
    assert found[0, 1] == pytest.approx(0.0, abs=1e-6)

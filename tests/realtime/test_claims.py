"""Tests of realtime.claims."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from library.match import Match
from library.sounds import Sound
from realtime import claims as claims_module
from realtime.claims import Claimed, Claims
from tests.fakes import found_of

COLUMN = {"flute": 0, "oboe": 1, "bass": 2}


def _match(name: str, score: float) -> Match:
    return Match(Sound(name, name, "gm", "", None, "", "test", ""), score)


def _heard(names: str, score: float = 0.8, step: float = 0.03) -> tuple[Match, ...]:
    return tuple(_match(name, score - step * place) for place, name in enumerate(names.split()))


def _put(claims: Claims, slots: list[tuple[float, tuple[Match, ...]]], time_s: float) -> None:
    claims.put([presence for presence, _ in slots], found_of([matches for _, matches in slots]), time_s)


def _all(claims: Claims, without: tuple[str, ...] = ()) -> np.ndarray:
    """Return claims[slots, sounds]."""
    shared = claims.shared_out(COLUMN, np.full(len(claims), 1 / len(claims), np.float32), without)
    table = np.zeros((shared.slots, len(COLUMN)), np.float32)
    table[shared.slot, shared.sound] = shared.claim
    return table


def test_what_is_confused_now_and_then_gives_way_to_what_is_heard_throughout(monkeypatch: pytest.MonkeyPatch) -> None:
    claims = Claims()
    for hop in range(12):
        _put(claims, [(0.9, _heard("oboe flute" if hop % 4 == 3 else "flute oboe"))], 5.0 + 0.5 * hop)
    flute, oboe, _ = _all(claims).T
    monkeypatch.setattr(claims_module, "STEPS", 0)  # each slot stands by itself
    alone = _all(claims)
    assert (flute > alone[:, 0]).all(), "where the oboe was nearer, too"
    assert flute.mean() / oboe.mean() > 1.5 * alone[:, 0].mean() / alone[:, 1].mean()


def test_two_that_are_heard_as_often_in_slots_of_their_own_keep_them() -> None:
    claims = Claims()
    for hop in range(12):
        _put(claims, [(0.9, _heard("flute oboe")), (0.9, _heard("oboe flute"))], 5.0 + 0.5 * hop)
    found = _all(claims)
    assert (found[0::2, 0] > found[0::2, 1]).all()
    assert (found[1::2, 1] > found[1::2, 0]).all()
    np.testing.assert_allclose(found[:, 0].sum(), found[:, 1].sum(), rtol=1e-5)


def test_a_slot_gives_what_it_has_and_no_more() -> None:
    claims = Claims()
    for hop in range(6):
        _put(claims, [(0.4, _heard("flute oboe bass")), (2.0, _heard("bass"))], 5.0 + 0.5 * hop)
    given = _all(claims).sum(axis=1)
    assert (given[0::2] < 0.4).all()
    assert (given[1::2] <= 1.0).all()
    np.testing.assert_allclose(given[0::2] / 0.4, given[1::2], rtol=1e-5)  # as likely, by the same nearest cosine


def test_what_an_unwelcome_sound_claims_is_left_to_the_others() -> None:
    claims = Claims()
    for hop in range(6):
        _put(claims, [(0.9, _heard("flute oboe"))], 5.0 + 0.5 * hop)
    with_all, without = _all(claims), _all(claims, ("flute",))
    assert (without[:, 0] == 0.0).all()
    np.testing.assert_allclose(without[:, 1], with_all.sum(axis=1), rtol=1e-5)


def test_windows_that_were_dropped_leave_nothing_behind() -> None:
    kept, claims = Claims(), Claims()
    for hop in range(8):
        slots = [(0.9, _heard("flute oboe")), (0.5, _heard("bass flute"))][: hop % 3]
        _put(claims, slots, 5.0 + 0.5 * hop)
        if 3 <= hop < 7:
            _put(kept, slots, 5.0 + 0.5 * hop)
    claims.drop_newest()
    claims.drop_until(6.0)
    assert list(claims.times_s) == list(kept.times_s)
    mine, theirs = (both.shared_out(COLUMN, np.ones(4, np.float32)) for both in (claims, kept))
    for field in fields(Claimed):
        np.testing.assert_array_equal(getattr(mine, field.name), getattr(theirs, field.name))


def test_sounds_that_are_no_longer_held_lose_their_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims_module, "NUMBERS_KEPT", 4)
    claims = Claims()
    for hop in range(6):
        _put(claims, [(0.9, _heard(f"flute passing{hop}"))], 5.0 + 0.5 * hop)
        claims.drop_until(4.5 + 0.5 * hop)
    assert len(claims._numbers) <= 5
    assert _all(claims)[0, 0] > 0.5


def test_windows_without_a_slot_have_a_row_that_claims_nothing() -> None:
    claims = Claims()
    _put(claims, [], 5.0)
    _put(claims, [(0.9, _heard("bass")), (0.3, ())], 5.5)
    table = _all(claims)
    assert table[0].tolist() == [0.0, 0.0, 0.0]
    assert table[1, 2] > 0.8


def test_a_sound_is_as_close_as_in_the_windows_where_a_slot_comes_closest_to_it() -> None:
    claims = Claims()
    for hop in range(6):
        near = 0.9 if hop in (1, 2, 4, 5) else 0.2
        slots = [(0.9, _heard("flute", 0.3)), (0.9, _heard("flute", near)), (0.9, _heard("bass", 0.4))]
        _put(claims, slots, 5.0 + 0.5 * hop)
    shared = claims.shared_out(COLUMN, np.full(6, 1 / 6, np.float32))
    np.testing.assert_allclose(shared.closest, [0.9, 0.0, 0.4], atol=1e-6)
    assert sorted((shared.place // 6).tolist()) == sorted(shared.sound.tolist())
    assert set((shared.place % 6).tolist()) == set(range(6))


def test_a_slot_with_few_matches_gives_them_all_it_has_beside_one_with_many() -> None:
    beside, alone = Claims(), Claims()
    for hop in range(4):
        _put(beside, [(0.9, _heard("flute oboe bass")), (0.9, _heard("bass"))], 5.0 + 0.5 * hop)
        _put(alone, [(0.9, _heard("bass"))], 5.0 + 0.5 * hop)
    np.testing.assert_allclose(beside._whole[1::2], alone._whole, rtol=1e-6)
    assert beside._counts == [4] * 4


def test_a_window_with_another_number_of_slots_than_matches_is_refused() -> None:
    with pytest.raises(ValueError, match="reshape"):
        Claims().put([0.9], found_of([_heard("flute"), _heard("bass")]), 5.0)

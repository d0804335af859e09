"""Tests of realtime.evidence."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from library.match import Match
from library.sounds import Sound
from realtime.claims import NUMBERS_KEPT
from realtime.evidence import CLOSE, EARLY, SETTLED_S, USUAL, Evidence, Wish
from tests.fakes import found_of

LEAST, SUSTAIN = 0.15, 0.6


def _match(name: str, score: float, taste: float = 0.0, off: float = 0.0) -> Match:
    return Match(Sound(name, name, "gm", "", None, "", "test", ""), score, taste, off)


class _Track(NamedTuple):
    first_s: float
    matches: tuple[Match, ...]
    held: str = ""


def _observe(evidence: Evidence, slots: list[tuple[float, tuple[Match, ...]]], time_s: float) -> None:
    evidence.observe([presence for presence, _ in slots], found_of([matches for _, matches in slots]), time_s)


def _names(evidence: Evidence, *tracks: _Track, taken: tuple[str, ...] = (), least: float = LEAST) -> list[str]:
    wishes = [Wish(track.first_s, track.held) for track in tracks]
    places = evidence.choose(wishes, found_of([track.matches for track in tracks]), taken, least, SUSTAIN)
    return [
        "" if place is None else track.matches[place].sound.name for track, place in zip(tracks, places, strict=True)
    ]


def test_what_a_window_confuses_others_part() -> None:
    evidence = Evidence()
    flute, oboe = _match("flute", 0.8), _match("oboe", 0.75)
    for hop in range(12):
        confused = hop % 4 == 3
        _observe(evidence, [(0.9, (oboe, _match("flute", 0.7)) if confused else (flute, oboe))], 5.0 + 0.5 * hop)
    assert _names(evidence, _Track(5.0, (_match("oboe", 0.8), _match("flute", 0.78)))) == ["flute"]


def test_the_second_best_for_what_another_explains_adds_nothing() -> None:
    evidence = Evidence()
    heard = (_match("piano", 0.9), _match("piano again", 0.89))
    for hop in range(6):
        _observe(evidence, [(0.9, heard)], 5.0 + 0.5 * hop)
    assert _names(evidence, _Track(5.0, heard), _Track(5.0, heard[::-1])) == ["piano", ""]
    assert _names(evidence, _Track(5.0, heard[::-1]), taken=("piano",)) == [""]


def _least_that_shows(*standings: float) -> float:
    """Return the least presence that shows a sound of these standings in turn, heard all the time."""
    for presence in np.arange(0.02, 1.0, 0.01):
        evidence = Evidence()
        for hop in range(40):
            heard = (_match("flute", 0.8, off=0.8 - standings[hop % len(standings)]),)
            _observe(evidence, [(float(presence), heard)], 5.0 + 0.5 * hop)
        if _names(evidence, _Track(5.0, (_match("flute", 0.8),))) == ["flute"]:
            return float(presence)
    return 1.0


def test_a_sound_that_comes_close_needs_to_be_heard_less() -> None:
    far, usual, close = (_least_that_shows(standing) for standing in (0.1, USUAL, CLOSE))
    assert usual == pytest.approx(LEAST, abs=0.02)
    assert usual > 1.3 * close
    assert far == usual, "a library that holds nothing close is asked all the same"
    assert _least_that_shows(CLOSE + 0.3) == close, "nothing shows for nearly nothing"


def test_beside_what_comes_close_what_does_not_has_to_be_heard_more() -> None:
    near, far = _match("near", 0.8, off=0.8 - USUAL), _match("far", 0.8, off=0.8 - USUAL + 0.25)
    evidence = Evidence()
    for hop in range(40):
        _observe(evidence, [(0.3, (near,)), (0.3, (far,))], 5.0 + 0.5 * hop)
    assert _names(evidence, _Track(5.0, (far,))) == ["far"]
    assert _names(evidence, _Track(5.0, (near,)), _Track(5.0, (far,))) == ["near", ""]


def test_how_close_a_sound_comes_is_told_by_some_windows_not_by_one() -> None:
    assert _least_that_shows(0.1, CLOSE) == _least_that_shows(CLOSE), "where it is heard alone"
    assert _least_that_shows(CLOSE, *[0.1] * 39) > 1.3 * _least_that_shows(CLOSE), "by luck"


def test_two_slots_get_a_sound_each() -> None:
    evidence = Evidence()
    bass, lead = (_match("bass", 0.8), _match("lead", 0.2)), (_match("lead", 0.7), _match("bass", 0.1))
    for hop in range(6):
        _observe(evidence, [(0.9, bass), (0.8, lead)], 5.0 + 0.5 * hop)
    assert _names(evidence, _Track(5.0, bass), _Track(5.0, lead)) == ["bass", "lead"]


def test_only_what_was_heard_since_a_track_began_counts_for_it() -> None:
    evidence = Evidence()
    flute = (_match("flute", 0.9),)
    for hop in range(40):
        _observe(evidence, [(0.9, flute)] if hop >= 38 else [], 5.0 + 0.5 * hop)
    assert _names(evidence, _Track(24.0, flute)) == ["flute"]
    assert _names(evidence, _Track(5.0, flute)) == [""]


def test_a_sound_that_shows_needs_less_than_a_new_one() -> None:
    evidence = Evidence()
    flute = (_match("flute", 0.9, off=0.9 - USUAL),)
    for hop in range(20):
        _observe(evidence, [(0.13, flute)], 5.0 + 0.5 * hop)
    assert _names(evidence, _Track(5.0, flute)) == [""]
    assert _names(evidence, _Track(5.0, flute, "flute")) == ["flute"]


def test_the_order_counts_by_standing_and_a_skipped_sound_gives_way() -> None:
    evidence = Evidence()
    flute, organ = _match("flute", 0.9), _match("organ", 0.85)
    for hop in range(10):
        _observe(evidence, [(0.9, (flute, organ))], 5.0 + 0.5 * hop)
    assert _names(evidence, _Track(5.0, (flute, organ), "flute")) == ["flute"]
    skipped = _match("flute", 0.9, taste=-0.3)
    assert _names(evidence, _Track(5.0, (organ, skipped), "flute")) == ["organ"]


def test_windows_close_to_each_other_are_kept_thinly_and_old_ones_forgotten() -> None:
    evidence = Evidence()
    for hop in range(2000):
        _observe(evidence, [(0.9, (_match("flute", 0.9),))], 5.0 + 0.1 * hop)
    assert len(evidence._claims) < 80  # the memory that a short hop may take
    evidence.clear()
    assert _names(evidence, _Track(5.0, (_match("flute", 0.9),))) == [""]


def test_a_long_session_over_a_large_library_forgets_what_it_no_longer_hears() -> None:
    evidence = Evidence()
    flute = (_match("flute", 0.9),)
    for hop in range(NUMBERS_KEPT):
        passing = tuple(_match(f"passing {hop}.{n}", 0.5) for n in range(3))
        _observe(evidence, [(0.9, flute), (0.9, passing)], 5.0 + 0.5 * hop)
        if hop % 200 == 199:
            assert _names(evidence, _Track(5.0, flute), _Track(5.0, passing)) == ["flute", ""]
    assert len(evidence._claims._numbers) <= NUMBERS_KEPT + 3


def test_time_that_stands_still_or_goes_back_does_no_harm() -> None:
    evidence = Evidence()
    for time_s in (5.0, 5.0, 4.0, 4.5):
        _observe(evidence, [(0.9, (_match("flute", 0.9),))], time_s)
    assert _names(evidence, _Track(5.0, (_match("flute", 0.9), _match("bass", 0.2)))) == ["flute"]


def test_what_has_just_entered_needs_a_little_less_than_what_is_followed_for_long() -> None:
    flute, needed = (_match("flute", 0.9),), []
    for age_s in (0.0, SETTLED_S / 2, SETTLED_S, 2 * SETTLED_S):
        evidence = Evidence()
        _observe(evidence, [(0.9, flute)], 5.0)  # the first window of all is beyond doubt
        _observe(evidence, [], 5.0 + age_s + 0.5)
        bars = np.linspace(0.01, 1.0, 100)
        shown = [_names(evidence, _Track(5.5, flute), least=bar) == ["flute"] for bar in bars]
        needed.append(float(bars[shown][-1]))
    assert needed[0] > needed[1] > needed[2] >= needed[3]
    assert needed[0] / needed[2] > 0.95 / EARLY  # fading alone would make it 1.06


def test_taste_lets_go_of_a_sound_for_one_that_is_more_welcome_however_far_down() -> None:
    evidence = Evidence()
    flute, liked = _match("flute", 0.9), _match("liked", 0.1, taste=0.4)
    others = tuple(_match(f"other {n}", 0.6 - 0.01 * n) for n in range(12))
    for hop in range(6):
        _observe(evidence, [(0.9, (flute, *others))], 5.0 + 0.5 * hop)
    assert _names(evidence, _Track(5.0, (flute, *others))) == ["flute"]
    assert _names(evidence, _Track(5.0, (flute, *others, liked))) == [""]


def test_a_track_with_few_matches_asks_beside_one_with_many() -> None:
    evidence = Evidence()
    flute, bass = (_match("flute", 0.8, taste=-0.1), _match("oboe", 0.7, taste=-0.1)), (_match("bass", 0.8),)
    for hop in range(6):
        _observe(evidence, [(0.9, flute), (0.9, bass), (0.3, ())], 5.0 + 0.5 * hop)
    assert _names(evidence, _Track(5.0, ()), _Track(5.0, bass), _Track(5.0, flute)) == ["", "bass", "flute"]

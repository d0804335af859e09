"""Tests of realtime.evidence."""

from __future__ import annotations

import pytest

from library.index import Match
from library.sounds import Sound
from realtime.evidence import Evidence


def _match(name: str, score: float) -> Match:
    return Match(Sound(name, name, "gm", "", None, "", "test", ""), score)


def test_evidence_is_the_mean_of_what_windows_say_since_a_time() -> None:
    evidence = Evidence(8.0)
    for hop in range(20):
        present = 0.8 if hop >= 10 else 0.0
        evidence.observe([(present, (_match("flute", 0.95),))], 5.0 + 0.5 * hop)
    assert evidence.since("flute", 10.0) == pytest.approx(0.8, abs=0.02)
    assert 0.4 < evidence.since("flute", 5.0) < 0.6
    assert evidence.since("bass", 5.0) == 0.0


def test_near_duplicates_count_alike_and_distant_sounds_do_not() -> None:
    evidence = Evidence()
    evidence.observe([(1.0, (_match("piano", 0.9), _match("piano again", 0.899), _match("organ", 0.6)))], 5.0)
    assert evidence.since("piano again", 5.0) == pytest.approx(evidence.since("piano", 5.0), rel=0.05)
    assert evidence.since("organ", 5.0) < 0.01


def test_a_nearest_sound_that_is_far_away_counts_half() -> None:
    near, far = Evidence(), Evidence()
    near.observe([(1.0, (_match("piano", 0.9),))], 5.0)
    far.observe([(1.0, (_match("piano", 0.1),))], 5.0)
    assert near.since("piano", 5.0) == pytest.approx(1.0, abs=0.01)
    assert far.since("piano", 5.0) == pytest.approx(0.5, abs=0.01)


def test_sounds_for_which_more_speaks_come_first_among_equals() -> None:
    evidence = Evidence()
    for hop in range(10):
        evidence.observe([(0.9, (_match("flute", 0.8),))], 5.0 + 0.5 * hop)
    ranked = evidence.rank((_match("organ", 0.52), _match("flute", 0.5)), 5.0, 0.7)
    assert [match.sound.name for match in ranked] == ["flute", "organ"]
    assert ranked[0].score == 0.5


def test_taste_counts_for_evidence_as_the_cosine_does_and_never_beyond_all_of_it() -> None:
    evidence = Evidence()
    skipped = Match(_match("flute", 0.9).sound, 0.9, taste=-0.3)
    evidence.observe([(1.0, (_match("organ", 0.7), skipped))], 5.0)
    assert evidence.since("organ", 5.0) == pytest.approx(1.0, abs=0.01)
    assert evidence.since("flute", 5.0) < 0.1
    assert [match.score for match in evidence.rank((_match("organ", 0.7), skipped), 5.0, 0.7)] == [0.7, 0.9]


def test_cleared_evidence_is_gone() -> None:
    evidence = Evidence()
    evidence.observe([(1.0, (_match("flute", 0.9),))], 5.0)
    evidence.clear()
    assert evidence.since("flute", 5.0) == 0.0


def test_time_that_stands_still_or_goes_back_does_no_harm() -> None:
    evidence = Evidence()
    for time_s in (5.0, 5.0, 4.0, 4.5):
        evidence.observe([(0.9, (_match("flute", 0.9),))], time_s)
    assert 0.0 <= evidence.since("flute", 5.0) <= 1.0
    assert evidence.rank((_match("flute", 0.9), _match("bass", 0.2)), 5.0, 0.6)[0].sound.name == "flute"

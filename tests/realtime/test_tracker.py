"""Tests of realtime.tracker."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from library.match import Found, Match
from library.sounds import Sound
from realtime.ranking import melodic, refresh
from realtime.tracker import Tracker, TrackerConfig, untracked
from realtime.types import Suggestion
from tests.fakes import found_of

_HOP_S = 0.5
_CONFIG = TrackerConfig(threshold=0.5, top_k=3)
_NAMES = ("flute", "bass", "piano", "organ")
_BASIS = np.eye(len(_NAMES), 8, dtype=np.float32)


def _match(name: str, score: float, kind: str = "gm") -> Match:
    return Match(Sound(f"id:{name}", name, kind, "", None, "", "test", ""), score)


def _lookup(vectors: NDArray[np.float32]) -> Found:
    return found_of(
        [
            sorted((_match(name, float(v @ b)) for name, b in zip(_NAMES, _BASIS, strict=True)), key=lambda m: -m.score)
            for v in vectors
        ]
    )


def _melodic(*matches: Match) -> tuple[Match, ...]:
    return melodic(found_of([matches])).row(0)


class _Run:
    """Drive a tracker with named slots, one window a hop."""

    def __init__(self, config: TrackerConfig = _CONFIG) -> None:
        self.tracker = Tracker(config)
        self.time_s = 5.0

    def hear(self, *heard: tuple[NDArray[np.float32], float]) -> tuple[Suggestion, ...]:
        vectors = np.zeros((3, 8), np.float32)
        vectors[:, 7] = 1.0  # empty slots point somewhere, too
        presence = np.zeros(3, np.float32)
        for slot, (vector, strength) in enumerate(heard):
            vectors[slot], presence[slot] = vector / np.linalg.norm(vector), strength
        asked = self.tracker.observe(vectors, presence, self.time_s)
        self.time_s += _HOP_S
        return self.tracker.settle(_lookup(asked))


def _names(suggestions: tuple[Suggestion, ...]) -> list[str]:
    return [suggestion.matches[0].sound.name for suggestion in suggestions]


FLUTE, BASS, PIANO, ORGAN = _BASIS


def test_the_first_window_shows_what_it_hears_at_once() -> None:
    assert _names(_Run().hear((FLUTE, 0.9), (BASS, 0.8))) == ["flute", "bass"]


def test_later_a_sound_shows_when_its_first_window_is_clear() -> None:
    run = _Run()
    run.hear((FLUTE, 0.9))
    assert _names(run.hear((FLUTE, 0.9), (BASS, 0.45))) == ["flute"], "one faint window is a doubt"
    assert _names(run.hear((FLUTE, 0.9), (BASS, 0.9), (PIANO, 0.9))) == ["flute", "bass", "piano"]


def test_a_sound_may_have_to_be_heard_in_two_of_three_windows() -> None:
    run = _Run(replace(_CONFIG, trigger_hits=2))
    run.hear((FLUTE, 0.9))
    assert _names(run.hear((FLUTE, 0.9), (BASS, 0.9))) == ["flute"]
    assert _names(run.hear((FLUTE, 0.9))) == ["flute"], "one false alarm shows nothing"
    assert _names(run.hear((FLUTE, 0.9), (BASS, 0.9))) == ["flute", "bass"]


def test_slots_keep_their_numbers_when_the_encoder_swaps_them() -> None:
    run = _Run()
    first = run.hear((FLUTE, 0.9), (BASS, 0.9))
    second = run.hear((BASS, 0.9), (FLUTE, 0.9))
    assert [(s.slot, s.matches[0].sound.name) for s in first] == [(s.slot, s.matches[0].sound.name) for s in second]


def test_a_sound_disappears_only_after_the_refractory_time() -> None:
    run = _Run()
    for _ in range(3):
        run.hear((FLUTE, 0.9), (BASS, 0.9))
    shown = [len(run.hear((FLUTE, 0.9))) for _ in range(6)]
    assert shown == [2, 2, 2, 2, 1, 1]


def test_a_sound_that_shows_is_kept_by_a_weaker_presence() -> None:
    run = _Run()
    run.hear((FLUTE, 0.9))
    for _ in range(10):
        assert _names(run.hear((FLUTE, 0.35))) == ["flute"]
    assert _names(_Run().hear((FLUTE, 0.35))) == []


def test_presence_and_embedding_are_averaged_over_time() -> None:
    run = _Run()
    run.hear((FLUTE, 1.0))
    (second,) = run.hear((FLUTE, 0.5))
    assert second.presence == pytest.approx(1.0 - 0.5 * (1.0 - np.exp(-_HOP_S / _CONFIG.average_s)), abs=1e-6)
    assert second.since_s == pytest.approx(_HOP_S)


def test_a_single_outlier_does_not_change_the_name() -> None:
    run = _Run()
    run.hear((FLUTE, 0.9))
    between = 0.89 * FLUTE + 0.9 * PIANO  # by itself it names the piano
    assert _names(run.hear((between, 0.9))) == ["flute"]
    for _ in range(12):
        last = run.hear((0.5 * FLUTE + 0.9 * PIANO, 0.9))
    assert _names(last) == ["piano"], "but when it stays it wins"


def test_two_tracks_that_name_one_sound_are_merged_with_the_higher_presence() -> None:
    run = _Run()
    near = FLUTE + 0.2 * BASS
    far = FLUTE - np.float32(0.9) * BASS
    (merged,) = run.hear((far, 0.6), (near, 0.95))
    assert merged.matches[0].sound.name == "flute"
    assert merged.presence == pytest.approx(0.95)
    assert len(_Run(_CONFIG.each_slot()).hear((far, 0.6), (near, 0.95))) == 3, "each slot means each slot"


def test_tracks_that_come_to_name_one_sound_are_merged_into_the_first() -> None:
    run = _Run()
    run.hear((FLUTE + 0.5 * BASS, 0.9), (FLUTE * 0.9 + PIANO, 0.9))
    for _ in range(8):
        last = run.hear((FLUTE + 0.5 * BASS, 0.9), (FLUTE + 0.7 * PIANO, 0.9))
    assert [(s.slot, s.matches[0].sound.name) for s in last] == [(1, "flute")]


def test_silence_clears_at_once_but_for_locked_slots() -> None:
    run = _Run()
    run.hear((FLUTE, 0.9), (BASS, 0.9))
    assert run.tracker.lock(2)
    assert not run.tracker.lock(7)
    left = run.tracker.silence(run.time_s)
    assert [(s.slot, s.locked, s.matches[0].sound.name) for s in left] == [(2, True, "bass")]
    assert run.tracker.lock(2, locked=False)
    assert run.tracker.silence(run.time_s) == ()


def test_a_locked_slot_keeps_its_sounds_whatever_is_heard() -> None:
    run = _Run()
    (first,) = run.hear((FLUTE, 0.9))
    run.tracker.lock(1)
    for _ in range(12):
        last = run.hear((0.7 * FLUTE + PIANO, 0.9))
    assert last[0].matches == first.matches


def test_a_bad_window_holds_what_shows_for_the_refractory_time() -> None:
    run = _Run()
    run.hear((FLUTE, 0.9))
    assert len(run.tracker.rest(6.0)) == 1
    assert run.tracker.rest(7.6) == ()


def test_reset_forgets_everything() -> None:
    run = _Run()
    first = run.hear((FLUTE, 0.9))
    run.tracker.lock(1)
    run.tracker.reset()
    assert run.tracker.suggestions() == ()
    run.time_s = 5.0
    assert run.hear((FLUTE, 0.9)) == first


def test_tracks_are_bounded_by_dropping_the_weakest() -> None:
    run = _Run(TrackerConfig(threshold=0.5, max_tracks=2))
    assert sorted(_names(run.hear((FLUTE, 0.6), (BASS, 0.9), (PIANO, 0.8)))) == ["bass", "piano"]


def test_the_same_windows_give_the_same_suggestions() -> None:
    rng = np.random.default_rng(5)
    windows = [tuple((rng.normal(size=8).astype(np.float32), float(p)) for p in rng.random(3)) for _ in range(50)]
    one, two = _Run(), _Run()
    assert [one.hear(*window) for window in windows] == [two.hear(*window) for window in windows]


def test_without_tracking_each_window_stands_by_itself() -> None:
    found = _lookup(np.stack([FLUTE, BASS, FLUTE]))
    shown = untracked(found, np.array([0.6, 0.9, 0.8], np.float32), _CONFIG)
    assert [(s.slot, s.matches[0].sound.name) for s in shown] == [(2, "bass"), (3, "flute")]
    assert untracked(found, np.array([0.1, 0.2, 0.3], np.float32), _CONFIG) == ()


def test_drum_kits_are_dropped_from_melodic_slots_only() -> None:
    flute, kit, bass = _match("flute", 0.9), _match("kit", 0.8, "drumkit"), _match("bass", 0.7)
    assert _melodic(flute, kit, bass) == (flute, bass)
    assert _melodic(kit, flute) == (kit, flute)


def test_unpitched_sounds_are_not_offered_for_an_instrument_while_a_pitched_one_is_there() -> None:
    flute, helicopter = _match("flute", 0.6), _match("helicopter", 0.9)
    effect = helicopter._replace(sound=replace(helicopter.sound, family="effects"))
    assert _melodic(effect, flute) == (flute,)
    assert _melodic(effect) == (effect,)


def test_of_a_slot_with_fewer_matches_than_another_what_is_pitched_stays() -> None:
    flute, kit, bass = _match("flute", 0.9), _match("kit", 0.8, "drumkit"), _match("bass", 0.7)
    effect = bass._replace(sound=replace(bass.sound, family="effects"))
    long, short = melodic(found_of([(flute, kit, bass), (effect, kit)])).rows()
    assert (long, short) == ((flute, bass), (effect,))


def test_each_slot_shows_where_a_library_has_nothing() -> None:
    tracker = Tracker(_CONFIG.each_slot())
    asked = tracker.observe(FLUTE[None], np.array([0.9], np.float32), 5.0)
    assert tracker.settle(found_of([()] * len(asked))) == ()
    asked = tracker.observe(FLUTE[None], np.array([0.9], np.float32), 5.5)
    assert _names(tracker.settle(_lookup(asked))) == ["flute"]


def test_shown_sounds_keep_their_order_until_another_clearly_wins() -> None:
    held = (_match("a", 0.90), _match("b", 0.85))
    close = (_match("b", 0.90), _match("a", 0.88), _match("c", 0.5))
    assert [m.sound.name for m in refresh(held, close, 2, 0.03)] == ["a", "b"]
    assert refresh(held, close, 2, 0.03)[0].score == 0.88, "scores are those of now"
    clear = (_match("b", 0.92), _match("a", 0.88))
    assert [m.sound.name for m in refresh(held, clear, 2, 0.03)] == ["b", "a"]
    gone = (_match("a", 0.9), _match("c", 0.5))
    assert [m.sound.name for m in refresh(held, gone, 2, 0.03)] == ["a", "c"]


def test_a_sound_of_higher_standing_takes_the_lead() -> None:
    held = (_match("a", 0.90), _match("b", 0.89))
    liked = _match("b", 0.89)._replace(taste=0.05)
    assert [m.sound.name for m in refresh(held, (liked, held[0]), 2, 0.03)] == ["b", "a"]


@pytest.mark.parametrize("gap", [0.02, 0.1, 0.25])
def test_when_the_best_sound_is_skipped_the_next_shows_within_seconds_and_goes_on_showing(gap: float) -> None:
    flute, bass = _match("flute", 0.6), _match("bass", 0.6 - gap)
    liking, skipping = (flute, bass), (bass, flute._replace(taste=-0.3))
    tracker = Tracker(_CONFIG)
    shown = []
    for hop in range(40):
        asked = tracker.observe(FLUTE[None], np.array([0.9], np.float32), 5.0 + _HOP_S * hop)
        shown.append(_names(tracker.settle(found_of([liking if hop < 20 else skipping] * len(asked)))))
    assert shown[19] == ["flute"]
    assert gap > 0.2 or shown[20] in (["bass"], [])
    assert shown[32:] == [["bass"]] * 8


def test_a_track_whose_sound_changes_from_window_to_window_does_not_show() -> None:
    run = _Run(replace(_CONFIG, match_cosine=-1.0, least_evidence=0.45))  # one track, whatever it hears
    shown = [len(run.hear((vector, 0.6))) for vector in (FLUTE, BASS, PIANO, ORGAN) * 6]
    assert shown[-8:] == [0] * 8
    for _ in range(12):
        last = run.hear((FLUTE, 0.9))
    assert _names(last) == ["flute"]

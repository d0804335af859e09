"""Check how waits are found, then play instruments to a real daemon on a real bus."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from bridge.bench import latency
from bridge.bench.latency import Entry, LatencyBench, Shown, bench_latency, lists_of, waits_of
from bridge.bench.rig import find_font, jack_missing
from bridge.bench.visitors import Heard

FAMILIES = {"piano": "keyboard", "organ": "organ", "flute": "flute", "oboe": "reed"}


def shown(at_s: float, best: set[str], others: set[str] | None = None) -> Shown:
    return Shown(at_s, frozenset(best | (others or set())), frozenset(best))


def heard(at_s: float, address: str, *args: object) -> Heard:
    return Heard(at_s, f"/timbrel/suggest/{address}", args)


def item(at_s: float, rank: int, sound: str) -> Heard:
    return heard(at_s, "item", 7, rank, 1, rank, sound, sound, "gm", 0.9, 0.9)


def test_a_list_is_there_with_its_last_datagram() -> None:
    stream = [heard(1.0, "begin", 7, 2, "bus"), item(1.1, 1, "piano"), item(1.2, 2, "organ"), heard(1.3, "end", 7)]
    assert lists_of(stream) == (shown(1.3, {"piano"}, {"organ"}),)


def test_a_list_that_lost_a_datagram_does_not_count() -> None:
    stream = [heard(1.0, "begin", 7, 2, "bus"), item(1.1, 1, "piano"), heard(1.3, "end", 7)]
    assert lists_of(stream) == ()


def test_a_wait_ends_with_the_first_list_that_has_something_new() -> None:
    entry = Entry(0, "keyboard", 1, 10.0)
    lists = [
        shown(9.0, {"organ"}),
        shown(10.5, {"organ"}),
        shown(11.0, {"organ"}, {"flute"}),
        shown(12.0, {"oboe"}),
        shown(13.0, {"organ", "piano"}),
    ]
    (wait,) = waits_of([entry], lists, FAMILIES)
    assert (wait.any_s, wait.named_s, wait.right_s) == (1.0, 2.0, 3.0)


def test_what_was_shown_before_the_onset_is_not_new() -> None:
    lists = [shown(9.0, {"piano"}), shown(11.0, {"piano"})]
    (wait,) = waits_of([Entry(0, "keyboard", 2, 10.0)], lists, FAMILIES)
    assert (wait.any_s, wait.named_s, wait.right_s) == (None, None, None)


def test_what_comes_after_the_next_entry_belongs_to_that_one() -> None:
    entries = [Entry(0, "keyboard", 1, 10.0), Entry(73, "flute", 2, 12.0)]
    first, second = waits_of(entries, [shown(13.0, {"flute"})], FAMILIES)
    assert first.named_s is None
    assert (second.named_s, second.right_s) == (1.0, 1.0)


def test_entries_that_were_never_named_stand_in_the_median() -> None:
    entries = [Entry(0, "keyboard", 1, at_s) for at_s in (10.0, 20.0, 30.0)]
    found = waits_of(entries, [shown(11.0, {"piano"})], FAMILIES)
    summary = LatencyBench(found, 0.5, 5.0, "font").summary()["named"]
    assert summary["median_s"] is None
    assert summary["within_5_s"] == summary["came"] == pytest.approx(1 / 3)


def test_half_of_the_entries_decide_the_median() -> None:
    entries = [Entry(0, "keyboard", 1, at_s) for at_s in (10.0, 20.0, 30.0)]
    lists = [shown(9.0, set()), shown(11.0, {"piano"}), shown(19.0, set()), shown(22.0, {"piano"})]
    summary = LatencyBench(waits_of(entries, lists, FAMILIES), 0.5, 5.0, "font").summary()["named"]
    assert (summary["median_s"], summary["p90_s"], summary["longest_s"]) == (2.0, None, None)


@pytest.mark.daw
@pytest.mark.slow
def test_instruments_that_enter_a_real_bus_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    if missing := jack_missing():
        pytest.skip(f"{missing} is missing: apt-get install jackd2, pip install JACK-Client")
    if find_font() is None:
        pytest.skip("no General MIDI SoundFont: apt-get install timgm6mb-soundfont")
    monkeypatch.setattr(latency, "STAGGER_S", 5.0)
    monkeypatch.setattr(latency, "REST_S", 1.0)
    result = bench_latency(4, 0.5, None, "gm", "cpu", lambda _: None)
    assert [wait.entry.place for wait in result.waits] == [1, 2, 3, 4]
    assert all(math.isfinite(wait.entry.onset_s) for wait in result.waits)
    assert all(a.entry.onset_s < b.entry.onset_s for a, b in pairwise(result.waits))
    assert len({wait.entry.family for wait in result.waits}) == 4
    assert any(wait.named_s is not None and wait.named_s > 0 for wait in result.waits)

"""Tests of realtime.stability, and of an engine whose settings change while it hears."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from bridge.config import SuggestConfig
from library.errors import InputError
from realtime.engine import EngineConfig, analyse_file
from realtime.stability import USUAL_STABILITY, steady
from realtime.tracker import TrackerConfig
from tests.realtime.signals import engine, song, tone, untimed, window
from tests.realtime.test_tracker import BASS, FLUTE
from tests.realtime.test_tracker import _Run as Run

USUAL = TrackerConfig(threshold=0.5)


def test_the_middle_of_the_scale_changes_nothing_and_is_where_the_settings_begin() -> None:
    assert steady(USUAL, USUAL_STABILITY) == USUAL
    assert EngineConfig().stability == SuggestConfig().stability == USUAL_STABILITY


def test_everything_grows_from_one_end_of_the_scale_to_the_other() -> None:
    ends = [steady(USUAL, stability) for stability in (0.0, 1.0)]
    assert [(one.trigger_hits, one.trigger_windows, one.refractory_s) for one in ends] == [(1, 2, 1.0), (2, 6, 4.0)]
    assert [one.least_evidence for one in ends] == [USUAL.least_evidence / 2, USUAL.least_evidence * 2]
    steps = [steady(USUAL, number / 20) for number in range(21)]
    for name in ("trigger_hits", "trigger_windows", "refractory_s", "least_evidence"):
        values = [getattr(one, name) for one in steps]
        assert values == sorted(values)
    assert all(one.trigger_hits <= one.trigger_windows for one in steps)


@pytest.mark.parametrize(("stability", "wanted"), [(0.0, 0), (0.5, 0), (1.0, 1)])
def test_a_sound_that_enters_shows_the_later_the_more_stability_is_asked_for(stability: float, wanted: int) -> None:
    run = Run(steady(replace(USUAL, least_evidence=0.0), stability))
    for _ in range(6):
        run.hear((FLUTE, 0.9))
    shown = [len(run.hear((FLUTE, 0.9), (BASS, 0.9))) for _ in range(6)]
    assert shown.index(2) == wanted


@pytest.mark.parametrize(("stability", "wanted"), [(0.0, 2), (0.5, 4), (1.0, 8)])
def test_a_sound_that_leaves_shows_the_longer(stability: float, wanted: int) -> None:
    run = Run(steady(USUAL, stability))
    for _ in range(8):
        run.hear((FLUTE, 0.9), (BASS, 0.9))
    shown = [len(run.hear((FLUTE, 0.9))) for _ in range(12)]
    assert shown.index(1) == wanted


def test_a_threshold_works_from_the_next_window_on_and_none_is_the_calibrated_one() -> None:
    heard, audio = engine(), tone(330.0, 5.0)
    heard.tune(1.0, USUAL_STABILITY)
    assert heard.analyse(window(audio)).suggestions == ()
    heard.tune(None, USUAL_STABILITY)
    assert heard.analyse(window(audio, 0.5)).suggestions


@pytest.mark.parametrize("stability", [0.0, 1.0])
def test_what_is_followed_goes_on_under_other_settings(stability: float) -> None:
    heard, audio = engine(), tone(330.0, 5.0)
    (before,) = heard.analyse(window(audio)).suggestions
    assert heard.lock(before.slot)
    heard.tune(0.4, stability)
    (after,) = heard.analyse(window(audio, 0.5)).suggestions
    assert (after.slot, after.locked, after.since_s) == (before.slot, True, 0.5)
    assert heard.config == EngineConfig(threshold=0.4, stability=stability)


@pytest.mark.parametrize(("threshold", "stability"), [(1.1, 0.5), (-0.1, 0.5), (None, 2.0), (None, float("nan"))])
def test_a_setting_out_of_range_is_refused_and_changes_nothing(threshold: float | None, stability: float) -> None:
    heard = engine()
    with pytest.raises(InputError, match=r"must be in 0\.\.1"):
        heard.tune(threshold, stability)
    assert heard.config == EngineConfig()
    assert heard.analyse(window(tone(330.0, 5.0))).suggestions


def test_every_slot_shows_whatever_is_set() -> None:
    heard = engine(EngineConfig(all_slots=True))
    heard.tune(1.0, 1.0)
    assert len(heard.analyse(window(tone(330.0, 5.0))).suggestions) == 3


def test_settings_may_change_in_the_middle_of_a_window() -> None:
    heard, audio, done = engine(), tone(330.0, 5.0), threading.Event()
    plain = [untimed(analysis) for analysis in analyse_file(engine(), (song(16_000, 1), 16_000))]

    def turn() -> None:
        while not done.is_set():
            for stability in np.linspace(0.0, 1.0, 11):
                heard.tune(None, float(stability))
                done.wait(1e-4)  # lets the other thread have Python's lock

    turning = threading.Thread(target=turn)
    turning.start()
    try:
        for number in range(100):
            assert len(heard.analyse(window(audio, 0.5 * number)).suggestions) == 1
    finally:
        done.set()
        turning.join()
    heard.tune(None, USUAL_STABILITY)
    assert [untimed(analysis) for analysis in analyse_file(heard, (song(16_000, 1), 16_000))] == plain

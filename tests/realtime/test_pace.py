"""Check that short hops hear a window in full only where that may say something new."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from library.encoders.spec import MixtureEmbedding, MixtureStream
from realtime.engine import Engine, EngineConfig
from realtime.pace import FULL_S, GLANCE_S, Pace
from tests.fakes import SpectrumEncoder, TableIndex
from tests.realtime.signals import tone, window

HOP_S = 0.1


class _Encoder(SpectrumEncoder):
    """Count windows that are heard in full, and say when something is new."""

    def __init__(self, news: dict[int, float] | None = None) -> None:
        super().__init__()
        self.full: list[int] = []
        self.asked: list[int] = []
        self._news = news or {}

    def stream(self) -> MixtureStream:
        return _Stream(self, self._news)


class _Stream:
    def __init__(self, encoder: _Encoder, news: dict[int, float]) -> None:
        self._encoder, self._news = encoder, news

    def encode(self, audio: NDArray[np.float32], start: int) -> MixtureEmbedding:
        self._encoder.full.append(_hop(start))
        return self._encoder.encode(audio[None])

    def news(self, _: NDArray[np.float32], start: int, present: float) -> float:
        assert 0.0 < present < self._encoder.spec.threshold
        self._encoder.asked.append(_hop(start))
        return self._news.get(_hop(start), 0.0)

    def features(self) -> None:
        return None


def _hop(start: int) -> int:
    return round(start / 16_000 / HOP_S)


def _engine(encoder: _Encoder, config: EngineConfig) -> Engine:
    return Engine(encoder, TableIndex(encoder.embed(tone(990.0, 5.0)[None]), ["990 Hz"]), config)


def test_short_hops_are_heard_in_full_twice_a_second_and_show_what_they_showed() -> None:
    encoder = _Encoder()
    heard = _engine(encoder, EngineConfig(hop_s=HOP_S))
    found = [heard.analyse(window(tone(990.0, 5.0), hop * HOP_S)) for hop in range(12)]
    assert encoder.full == [0, 5, 10]
    assert encoder.asked == [3, 8]
    assert len({analysis.suggestions[0].matches[0].sound.id for analysis in found}) == 1
    assert all(analysis.skipped is None for analysis in found)
    assert found[4].suggestions[0].since_s == pytest.approx(0.4)
    assert heard.telemetry.snapshot().windows == 12


def test_what_is_new_is_heard_in_full_at_once_and_half_a_second_counts_from_there() -> None:
    threshold = SpectrumEncoder().spec.threshold
    encoder = _Encoder({3: threshold + 0.01, 6: threshold - 0.01})
    heard = _engine(encoder, EngineConfig(hop_s=HOP_S))
    for hop in range(9):
        heard.analyse(window(tone(990.0, 5.0), hop * HOP_S))
    assert encoder.full == [0, 3, 8]


def test_after_silence_or_a_reset_the_next_window_is_heard_in_full() -> None:
    encoder = _Encoder()
    heard = _engine(encoder, EngineConfig(hop_s=HOP_S))
    for hop in (0, 1):
        heard.analyse(window(tone(990.0, 5.0), hop * HOP_S))
    heard.analyse(window(np.zeros(80_000, np.float32), 2 * HOP_S))
    heard.analyse(window(tone(990.0, 5.0), 3 * HOP_S))
    heard.reset()
    heard.analyse(window(tone(990.0, 5.0), 4 * HOP_S))
    assert encoder.full == [0, 3, 4]


def test_what_has_ended_is_held_for_a_while_and_not_heard_again() -> None:
    encoder = _Encoder(dict.fromkeys(range(99), 1.0))
    heard = _engine(encoder, EngineConfig(hop_s=FULL_S))
    music, silence = tone(990.0, 5.0), np.zeros(80_000, np.float32)
    bus = np.concatenate([music, silence])
    shown = []
    for hop in range(10):
        start = round(hop * FULL_S * 16_000)
        shown.append(len(heard.analyse(window(bus[start:][: len(music)], hop * FULL_S)).suggestions))
    assert encoder.full == [0], "half a second after its end there is nothing new to hear"
    assert shown == [1, 1, 1, 1, 1, 0, 0, 0, 0, 0], "it stays as long as what is not heard for once"


def test_what_ended_before_anything_was_heard_is_heard_all_the_same() -> None:
    encoder = _Encoder()
    heard = _engine(encoder, EngineConfig(hop_s=FULL_S))
    short = np.zeros(80_000, np.float32)
    short[24_000:64_000] = tone(990.0, 2.5)
    (only,) = heard.analyse(window(short)).suggestions
    assert only.matches[0].sound.name == "990 Hz"


@pytest.mark.parametrize("config", [EngineConfig(hop_s=HOP_S, all_slots=True), EngineConfig(hop_s=FULL_S)])
def test_who_wants_each_window_gets_each_window(config: EngineConfig) -> None:
    encoder = _Encoder()
    heard = _engine(encoder, config)
    for hop in range(4):
        heard.analyse(window(tone(990.0, 5.0), hop * config.hop_s))
    assert len(encoder.full) == 4
    assert not encoder.asked


def test_time_that_goes_back_is_due() -> None:
    pace = Pace()
    assert pace.is_due(0.0)
    pace.heard(9.0)
    assert not pace.is_due(9.0)
    assert not pace.is_due(9.0 + FULL_S - HOP_S)
    assert pace.is_due(9.0 + FULL_S)
    assert pace.is_due(8.9)
    assert pace.glance(9.0 + GLANCE_S)
    assert not pace.glance(9.0 + GLANCE_S + HOP_S)
    pace.heard(8.9)
    assert pace.glance(8.9 + GLANCE_S)


def test_a_window_that_rests_is_due_until_all_that_sounds_in_it_was_heard() -> None:
    pace = Pace()
    assert pace.is_due(0.0, rest_s=4.0)
    pace.heard(0.0)
    assert not pace.is_due(9.0, rest_s=9.0)
    assert pace.is_due(9.0, rest_s=8.9)
    assert pace.is_due(9.0)
    pace.reset()
    assert pace.is_due(9.5, rest_s=4.0)


def test_long_hops_hear_what_sounded_between_them_and_has_ended() -> None:
    encoder = _Encoder()
    heard = _engine(encoder, EngineConfig(hop_s=2.0))
    bus = np.concatenate([tone(990.0, 6.0), np.zeros(5 * 16_000, np.float32)])
    for hop in range(3):
        heard.analyse(window(bus[hop * 32_000 :][:80_000], hop * 2.0))
    assert len(encoder.full) == 2, "the second ends with a second of silence behind one that no window held"

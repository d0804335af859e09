"""Tests of realtime.live: the engine on the clock."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from library.audio import write_audio
from library.encoders.spec import MixtureEmbedding
from realtime.engine import Engine, EngineConfig, EngineThread, analyse_file
from realtime.file_source import FileSource
from realtime.live import SAME_ERRORS
from realtime.ring import Ring
from realtime.types import Analysis, AudioSource, SourceStats
from tests.fakes import SpectrumEncoder, TableIndex
from tests.integration.jack import wait_for
from tests.realtime.signals import engine, noise, song, tone, untimed

_DONE_S = 60.0


class _Session:
    """Run an engine thread and keep what it says."""

    def __init__(self, heard: Engine, source: AudioSource) -> None:
        self.analyses: list[Analysis] = []
        self.states: list[str] = []
        self.thread = EngineThread(heard, source, self.analyses.append, lambda state, _text: self.states.append(state))

    def __enter__(self) -> _Session:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self.thread.stop(10.0)


class _PushedSource:
    """Write what the test hands it."""

    def __init__(self) -> None:
        self.ring: Ring | None = None
        self.condition = SourceStats("starting", "", 0, 0, 0)

    @property
    def sample_rate(self) -> int:
        return 16_000

    def start(self, ring: Ring) -> None:
        ring.begin(16_000)
        self.ring = ring
        self.condition = SourceStats("running", "pushed", 0, 0, 0)

    def stop(self) -> None:
        self.ring = None

    def stats(self) -> SourceStats:
        return self.condition

    def push(self, samples: NDArray[np.float32]) -> None:
        wait_for(lambda: self.ring is not None, "the source was started")
        assert self.ring is not None
        self.ring.write(samples[:, None])


class _FailingEncoder(SpectrumEncoder):
    """Fail while told to."""

    def __init__(self) -> None:
        super().__init__()
        self.failing = False

    def encode(self, audio: NDArray[np.float32]) -> MixtureEmbedding:
        if self.failing:
            raise RuntimeError("out of memory")
        return super().encode(audio)


class _SlowEncoder(SpectrumEncoder):
    """Wait for the test in each window but those of the warm-up."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.go.set()
        self.entered = threading.Event()

    def encode(self, audio: NDArray[np.float32]) -> MixtureEmbedding:
        self.entered.set()
        assert self.go.wait(_DONE_S)
        return super().encode(audio)


def _table() -> TableIndex:
    return TableIndex(SpectrumEncoder().embed(np.stack([tone(330.0, 5.0), tone(990.0, 5.0)])), ["330 Hz", "990 Hz"])


def _wav(path: Path, frames: NDArray[np.float32], rate: int) -> Path:
    write_audio(path, frames, rate, "FLOAT")
    return path


@pytest.mark.parametrize(("rate", "channels"), [(44_100, 2), (16_000, 1), (48_000, 4)])
def test_a_replay_on_demand_gives_exactly_what_offline_gives(tmp_path: Path, rate: int, channels: int) -> None:
    path = _wav(tmp_path / "song.wav", song(rate, channels), rate)
    offline = [untimed(analysis) for analysis in analyse_file(engine(), path)]
    with _Session(engine(), FileSource(path, speed=0.0, block_frames=777)) as session:
        assert session.thread.wait(_DONE_S)
    assert [untimed(analysis) for analysis in session.analyses] == offline
    assert len(offline) == 9
    assert session.states[0] == "loading"
    assert session.states[-1] == "stopped"


@pytest.mark.parametrize("speed", [0.0, 20.0])
def test_a_recording_shorter_than_a_window_gives_one_analysis_live_as_well(tmp_path: Path, speed: float) -> None:
    path = _wav(tmp_path / "short.wav", tone(990.0, 3.0)[:, None], 16_000)
    with _Session(engine(), FileSource(path, speed=speed)) as session:
        assert session.thread.wait(_DONE_S)
    assert [untimed(a) for a in session.analyses] == [untimed(a) for a in analyse_file(engine(), path)]


def test_a_recording_at_its_own_pace_is_heard_on_the_same_grid(tmp_path: Path) -> None:
    path = _wav(tmp_path / "song.wav", song(16_000, 1), 16_000)
    offline = {a.sequence: a for a in analyse_file(engine(EngineConfig(tracked=False)), path)}
    with _Session(engine(EngineConfig(tracked=False)), FileSource(path, speed=4.0)) as session:
        assert session.thread.wait(_DONE_S)
    assert session.analyses
    for analysis in session.analyses:  # hops may be missed on a busy machine; those that are not agree
        assert untimed(analysis) == untimed(offline[analysis.sequence])
    assert "listening" in session.states


@pytest.mark.parametrize("samples", [np.zeros(96_000, np.float32), noise(6.0, -60.0)], ids=["silence", "noise"])
def test_a_quiet_bus_is_called_silent_and_brings_no_suggestion(tmp_path: Path, samples: NDArray[np.float32]) -> None:
    path = _wav(tmp_path / "quiet.wav", samples[:, None], 16_000)
    with _Session(engine(), FileSource(path, speed=0.0)) as session:
        assert session.thread.wait(_DONE_S)
    assert len(session.analyses) == 3
    assert all(analysis.suggestions == () for analysis in session.analyses)
    assert session.states == ["loading", "silent", "stopped"]


def test_an_engine_that_is_late_takes_the_newest_window_and_counts_the_others() -> None:
    encoder, source = _SlowEncoder(), _PushedSource()
    heard = Engine(encoder, _table())
    with _Session(heard, source) as session:
        wait_for(lambda: encoder.entered.is_set() and source.ring is not None, "the engine is warm")
        source.push(tone(330.0, 5.0))
        wait_for(lambda: len(session.analyses) == 1, "the first window")
        encoder.go.clear()
        encoder.entered.clear()
        source.push(tone(330.0, 0.5))
        assert encoder.entered.wait(_DONE_S)
        source.push(tone(330.0, 2.0))
        encoder.go.set()
        wait_for(lambda: len(session.analyses) == 3, "the newest window")
    assert [analysis.sequence for analysis in session.analyses] == [0, 1, 5]
    assert heard.telemetry.snapshot().missed_hops == 3


def test_the_same_error_ten_times_in_a_row_degrades_and_the_next_good_window_recovers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    encoder, source = _FailingEncoder(), _PushedSource()
    heard = Engine(encoder, _table())
    with _Session(heard, source) as session:
        source.push(tone(330.0, 5.0))
        wait_for(lambda: len(session.analyses) == 1, "the first window")
        encoder.failing = True
        for number in range(SAME_ERRORS):
            assert "degraded" not in session.states
            source.push(tone(330.0, 0.5))
            wait_for(lambda: len(session.analyses) == 2 + number, "one Analysis a hop")  # noqa: B023  run at once
        wait_for(lambda: session.states[-1] == "degraded", "degraded")
        encoder.failing = False
        source.push(tone(330.0, 0.5))
        wait_for(lambda: session.states[-1] == "listening", "listening again")
    assert {a.skipped for a in session.analyses[1:-1]} == {"error"}
    assert session.analyses[1].suggestions, "what shows holds over one bad window"
    assert session.analyses[-1].skipped is None
    assert heard.telemetry.snapshot().errors == {"RuntimeError": SAME_ERRORS}
    assert len(caplog.records) == 1, "logged once per kind"


def test_a_lost_device_is_told_once_and_the_return_of_audio_too() -> None:
    source = _PushedSource()
    with _Session(engine(), source) as session:
        source.push(tone(330.0, 5.0))
        wait_for(lambda: session.states[-1] == "listening", "listening")
        source.condition = SourceStats("lost", "unplugged", 0, 0, 0)
        wait_for(lambda: session.states[-1] == "no-device", "no-device")
        source.condition = SourceStats("running", "pushed", 0, 0, 1)
        source.push(tone(330.0, 0.5))
        wait_for(lambda: session.states[-1] == "listening", "listening again")
    assert [analysis.skipped for analysis in session.analyses] == [None, "no-audio", None]


def test_a_source_that_cannot_start_is_tried_again() -> None:
    class Reluctant(_PushedSource):
        tries = 0

        def start(self, ring: Ring) -> None:
            self.tries += 1
            if self.tries == 1:
                raise OSError("busy")
            super().start(ring)

    source = Reluctant()
    with _Session(engine(), source) as session:
        source.push(tone(330.0, 5.0))
        wait_for(lambda: len(session.analyses) == 1, "audio after the second try")


def test_a_looped_recording_plays_on_and_stops_within_two_seconds(tmp_path: Path) -> None:
    path = _wav(tmp_path / "loop.wav", tone(330.0, 2.0)[:, None], 16_000)
    session = _Session(engine(), FileSource(path, loop=True, speed=0.0))
    session.thread.start()
    wait_for(lambda: len(session.analyses) > 5, "it goes on after its end")
    begun = time.monotonic()
    assert session.thread.stop()
    assert time.monotonic() - begun < 2.0
    assert session.thread.stop(), "stopping twice is fine"
    assert session.states[-1] == "stopped"


def test_a_thread_that_was_never_started_can_be_stopped(tmp_path: Path) -> None:
    path = _wav(tmp_path / "song.wav", tone(330.0, 2.0)[:, None], 16_000)
    assert _Session(engine(), FileSource(path)).thread.stop()

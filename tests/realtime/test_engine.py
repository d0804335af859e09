"""Tests of realtime.engine: one window, recordings, and the promise that live equals offline."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from library.audio import write_audio
from library.encoders.spec import MixtureEmbedding
from library.errors import AudioFileError, EncoderError, FingerprintError, InputError
from realtime.engine import Engine, EngineConfig, analyse_file
from realtime.ring import Ring
from realtime.types import Analysis
from realtime.windows import WindowCutter
from tests.fakes import SpectrumEncoder, TableIndex
from tests.realtime.signals import engine, noise, song, tone, untimed, window


class _BrokenEncoder(SpectrumEncoder):
    def encode(self, audio: NDArray[np.float32]) -> MixtureEmbedding:
        embedding = super().encode(audio)
        embedding.vectors[:, 0] = np.nan
        return embedding


def _in_blocks(frames: NDArray[np.float32], rate: int, block: int) -> list[Analysis]:
    ring = Ring.create(20.0, rate, 2)
    ring.begin(rate)
    heard, found = engine(), []
    cutter = WindowCutter(ring, heard.encoder.spec.window_s, heard.config.hop_s)
    for start in range(0, len(frames), block):
        ring.write(frames[start : start + block])
        while (cut := cutter.next()) is not None:
            found.append(untimed(heard.analyse(cut)))
    ring.close()
    return found


@pytest.mark.parametrize(("rate", "channels"), [(44_100, 2), (16_000, 1)])
def test_blocks_of_any_size_give_the_analyses_of_the_whole_recording(rate: int, channels: int) -> None:
    frames = song(rate, channels)
    whole = [untimed(analysis) for analysis in analyse_file(engine(), (frames, rate))]
    assert len(whole) == 9
    assert {s.matches[0].sound.name for analysis in whole for s in analysis.suggestions} == {"330 Hz", "990 Hz"}
    for block in (1, 64, 512, 1000):
        assert _in_blocks(frames, rate, block) == whole, f"blocks of {block}"


class _CountingEncoder(SpectrumEncoder):
    """Notice windows that are encoded at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self.at_once = self.most = 0

    def encode(self, audio: NDArray[np.float32]) -> MixtureEmbedding:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        time.sleep(0.01)
        embedding = super().encode(audio)
        self.at_once -= 1
        return embedding


def test_engines_beside_each_other_share_encoder_and_library_and_nothing_that_is_heard() -> None:
    keys = engine()
    strings = keys.beside()
    assert (strings.encoder, strings.index, strings.config) == (keys.encoder, keys.index, keys.config)
    first = keys.analyse(window(tone(990.0, 5.0)))
    assert strings.analyse(window(tone(330.0, 5.0))).suggestions[0].matches[0].sound.name == "330 Hz"
    assert first.suggestions[0].matches[0].sound.name == "990 Hz"
    keys.lock(1, True)
    assert [s.locked for s in keys.analyse(window(tone(990.0, 5.0), 1)).suggestions] == [True]
    assert [s.locked for s in strings.analyse(window(tone(330.0, 5.0), 1)).suggestions] == [False]
    assert keys.telemetry is not strings.telemetry
    assert strings.telemetry.snapshot().windows == 2


def test_a_bus_beside_another_is_heard_as_it_is_alone() -> None:
    frames = song(16_000, 1)
    alone = [untimed(analysis) for analysis in analyse_file(engine(), (frames, 16_000))]
    other = engine()
    beside = other.beside()
    with ThreadPoolExecutor() as pool:
        other_way = pool.submit(lambda: list(analyse_file(other, (frames[::-1].copy(), 16_000))))
        assert [untimed(analysis) for analysis in analyse_file(beside, (frames, 16_000))] == alone
        assert len(other_way.result()) == len(alone)


def test_engines_beside_each_other_take_turns_at_the_encoder() -> None:
    encoder = _CountingEncoder()
    first = Engine(encoder, TableIndex(np.eye(32, dtype=np.float32)[:2], ["a", "b"]))
    engines = [first, first.beside(), first.beside().beside()]
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda one: [one.analyse(window(tone(990.0, 5.0), hop)) for hop in range(5)], engines))
    assert [len(one) for one in found] == [5, 5, 5]
    assert encoder.most == 1


def test_a_tone_is_named_with_a_score_near_one() -> None:
    analysis = engine().analyse(window(tone(990.0, 5.0)))
    (heard,) = analysis.suggestions
    assert heard.matches[0].sound.name == "990 Hz"
    assert heard.matches[0].score > 0.99
    assert analysis.skipped is None
    assert analysis.timing.encode_ms > 0.0


@pytest.mark.parametrize("audio", [np.zeros(80_000, np.float32), noise(5.0, -60.0)], ids=["silence", "noise"])
@pytest.mark.parametrize("all_slots", [False, True])
def test_silence_and_the_noise_of_an_idle_input_bring_no_suggestion(
    audio: NDArray[np.float32], all_slots: bool
) -> None:
    heard = engine(EngineConfig(all_slots=all_slots))
    heard.analyse(window(tone(990.0, 5.0)))
    for number in range(1, 4):
        analysis = heard.analyse(window(audio, number * 0.5))
        assert (analysis.suggestions, analysis.skipped) == ((), "silent")
    assert heard.telemetry.snapshot().skipped == {"silent": 3}


def test_a_window_with_a_broken_sample_is_skipped_and_counted() -> None:
    heard, audio = engine(), tone(990.0, 5.0)
    audio[7] = np.nan
    analysis = heard.analyse(window(audio))
    assert (analysis.suggestions, analysis.skipped) == ((), "not-finite")
    assert heard.analyse(window(tone(990.0, 5.0), 0.5)).suggestions


def test_the_sequence_is_the_number_of_the_hop() -> None:
    heard = engine(EngineConfig(hop_s=0.25))
    assert heard.analyse(window(tone(330.0, 5.0), 1.75)).sequence == 7


def test_a_library_of_another_encoder_is_refused_with_the_command_that_rebuilds_it() -> None:
    table = TableIndex(np.eye(2, 32, dtype=np.float32), ["a", "b"], fingerprint="0" * 64)
    with pytest.raises(FingerprintError, match="timbrel library build"):
        Engine(SpectrumEncoder(), table)


def test_numbers_that_are_not_finite_never_reach_the_library() -> None:
    table = TableIndex(np.eye(2, 32, dtype=np.float32), ["a", "b"])
    with pytest.raises(EncoderError, match="not finite"):
        Engine(_BrokenEncoder(), table).analyse(window(tone(330.0, 5.0)))


@pytest.mark.parametrize("wrong", [{"hop_s": 0.0}, {"top_k": 0}, {"threshold": 1.5}, {"hop_s": float("nan")}])
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match="must be in"):
        EngineConfig(**wrong)  # type: ignore[arg-type]  # wrong values are the point


def test_top_k_and_threshold_are_kept() -> None:
    (heard,) = engine(EngineConfig(top_k=2)).analyse(window(tone(330.0, 5.0))).suggestions
    assert len(heard.matches) == 2
    assert engine(EngineConfig(threshold=0.99)).analyse(window(tone(330.0, 5.0))).suggestions == ()


@pytest.mark.parametrize("tracked", [True, False])
def test_all_slots_shows_every_slot_of_every_window(tracked: bool) -> None:
    config = EngineConfig(all_slots=True, tracked=tracked)
    for analysis in analyse_file(engine(config), (song(16_000, 1), 16_000)):
        assert len(analysis.suggestions) == 3


def test_without_tracking_a_window_does_not_depend_on_those_before() -> None:
    heard = engine(EngineConfig(tracked=False))
    alone = heard.analyse(window(tone(330.0, 5.0), 3.0))
    heard.analyse(window(tone(990.0, 5.0), 3.5))
    assert untimed(heard.analyse(window(tone(330.0, 5.0), 3.0))) == untimed(alone)


def test_a_locked_slot_stays_through_silence_until_reset() -> None:
    heard = engine()
    heard.analyse(window(tone(330.0, 5.0)))
    assert heard.lock(1)
    silent = heard.analyse(window(np.zeros(80_000, np.float32), 0.5))
    assert [s.locked for s in silent.suggestions] == [True]
    heard.reset()
    assert heard.analyse(window(np.zeros(80_000, np.float32), 1.0)).suggestions == ()


def test_a_recording_no_longer_than_a_window_gives_one_analysis(tmp_path: Path) -> None:
    path = tmp_path / "short.wav"
    write_audio(path, tone(990.0, 3.0, 48_000), 48_000)
    (only,) = analyse_file(engine(), path)
    assert (only.start_s, only.end_s) == (0.0, 5.0)
    assert only.suggestions[0].matches[0].sound.name == "990 Hz"


def test_a_recording_that_does_not_exist_is_an_error_of_its_own() -> None:
    with pytest.raises(AudioFileError, match="no such file"):
        list(analyse_file(engine(), Path("missing.wav")))


def test_warming_up_leaves_no_trace() -> None:
    heard = engine()
    heard.warm_up()
    assert heard.telemetry.snapshot().windows == 0
    assert untimed(heard.analyse(window(tone(330.0, 5.0)))) == untimed(engine().analyse(window(tone(330.0, 5.0))))

"""Check that a bus is resampled once, whatever windows it is cut into."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import realtime.resampling
from library.audio import resample
from realtime.resampling import BusResampler

RATES = [8000, 11_025, 16_000, 44_100, 48_000, 88_200, 96_000, 44_101]


def noise(rate: int, seconds: float) -> NDArray[np.float32]:
    return np.random.default_rng(1).normal(0, 0.1, round(rate * seconds)).astype(np.float32)


def windows(rate: int, audio: NDArray[np.float32], starts: list[int], length: int) -> list[NDArray[np.float32]]:
    resampler = BusResampler(rate, 16_000)
    return [window(resampler, audio, at, at + length) for at in starts]


def window(resampler: BusResampler, audio: NDArray[np.float32], start: int, end: int) -> NDArray[np.float32]:
    end = min(end, len(audio))
    return resampler.window(audio[resampler.first_frame(start, end) : end], start, end)


@pytest.mark.parametrize("rate", RATES)
def test_windows_are_stretches_of_the_whole_resampled_at_once(rate: int) -> None:
    audio, length = noise(rate, 4.0), 2 * rate
    whole = resample(audio, rate, 16_000)
    starts = [round(n * 0.3 * rate) for n in range(6)]
    resampler = BusResampler(rate, 16_000)
    for at, window in zip(starts, windows(rate, audio, starts, length), strict=True):
        first = resampler.start(at)
        assert abs(first - at * 16_000 / rate) <= 0.51
        inner = slice(0, 31_000)  # after the last milliseconds of a window nothing is known
        np.testing.assert_allclose(window[inner], whole[first:][inner], atol=1e-5)
        assert abs(len(window) - 32_000) <= 1


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_what_windows_share_is_the_same_to_the_last_bit(rate: int) -> None:
    audio, length = noise(rate, 4.0), 2 * rate
    starts = [round(n * 0.1 * rate) for n in range(20)]
    resampler = BusResampler(rate, 16_000)
    found = windows(rate, audio, starts, length)
    for (at, before), (then, after) in zip(
        zip(starts, found, strict=True), list(zip(starts, found, strict=True))[1:], strict=False
    ):
        shift = resampler.start(then) - resampler.start(at)
        same = len(before) - shift - 8000  # what ends a window is given again when more is known
        np.testing.assert_array_equal(before[shift:][:same], after[:same])


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_windows_that_were_passed_over_change_no_sample_of_the_next(rate: int) -> None:
    audio, length = noise(rate, 5.0), 2 * rate
    starts = [round(n * 0.1 * rate) for n in range(30)]
    every = windows(rate, audio, starts, length)
    some = windows(rate, audio, starts[::7], length)
    for one, other in zip(every[::7], some, strict=True):
        np.testing.assert_array_equal(one, other)


def test_only_what_is_new_is_resampled(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    def counted(samples: NDArray[np.float32], from_hz: int, to_hz: int) -> NDArray[np.float32]:
        taken.append(len(samples))
        return resample(samples, from_hz, to_hz)

    monkeypatch.setattr(realtime.resampling, "resample", counted)
    resampler, audio = BusResampler(48_000, 16_000), noise(48_000, 8.0)
    window(resampler, audio, 0, 5 * 48_000)
    given = []
    for n in range(1, 6):
        taken.clear()
        at = n * 24_000
        given.append(at + 5 * 48_000 - resampler.first_frame(at, at + 5 * 48_000))
        window(resampler, audio, at, at + 5 * 48_000)
        assert sum(taken) < 48_000  # of 240,000
    assert max(given) < 48_000  # more is not asked for either


def test_a_window_far_ahead_begins_anew() -> None:
    audio = noise(44_100, 9.0)
    late = round(6.1234 * 44_100)
    found = windows(44_100, audio, [0, late], 88_200)[1]
    expected = resample(audio, 44_100, 16_000)[round(late * 160 / 441) :]
    np.testing.assert_allclose(found[20:31_000], expected[20:31_000], atol=1e-5)

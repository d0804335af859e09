"""Capture from a real JACK server without a sound card."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.ring import Ring
from realtime.sources import DeviceSource, JackSource, list_inputs
from realtime.windows import WindowCutter
from tests.integration.jack import (
    Fluidsynth,
    JackServer,
    ToneClient,
    jack_server,
    needs_fluidsynth,
    peak_hz,
    wait_for,
)

pytestmark = pytest.mark.daw

_RATE = 48_000


@pytest.fixture
def server() -> Iterator[JackServer]:
    with jack_server() as running:
        yield running


@pytest.fixture
def ring() -> Iterator[Ring]:
    made = Ring.create(12.0, 192_000)
    yield made
    made.close()


def _newest(ring: Ring, frames: int = 4096) -> NDArray[np.float32]:
    """Return the newest frames; enough to tell tones apart, short enough to hold no lost block."""
    got = ring.read(ring.total_frames - frames, frames)
    return got if got is not None else np.zeros((frames, 2), np.float32)


def _hears(ring: Ring, left_hz: float, right_hz: float) -> bool:
    got = _newest(ring)
    near = [abs(peak_hz(got[:, side], _RATE) - hz) < 20.0 for side, hz in enumerate((left_hz, right_hz))]
    return float(np.abs(got).max()) > 0.05 and all(near)


def test_matching_ports_are_heard_left_and_right_in_their_order(server: JackServer, ring: Ring) -> None:
    source = JackSource("tone:out_.*", server.name)
    with ToneClient(server, "other", [3000.0, 3000.0]), ToneClient(server, "tone", [440.0, 1760.0]):
        source.start(ring)
        wait_for(lambda: _hears(ring, 440.0, 1760.0), "both tones on their sides")
        wait_for(lambda: source.stats().state == "running", "its report")  # which may follow the first audio
        assert source.sample_rate == ring.sample_rate == _RATE
        assert server.connections("timbrel_in:in_left") == ["tone:out_1"]
        assert server.connections("timbrel_in:in_right") == ["tone:out_2"]
        source.stop()
        assert source.stats().frames > 0


def test_ports_that_appear_later_and_again_are_heard(server: JackServer, ring: Ring) -> None:
    source = JackSource("tone:.*", server.name)
    source.start(ring)
    wait_for(lambda: source.stats().state == "waiting" and source.sample_rate == _RATE, "it waits for ports")
    for hz in (440.0, 880.0):
        with ToneClient(server, "tone", [hz]):
            wait_for(lambda: _hears(ring, hz, hz), f"{hz} Hz on both sides")  # noqa: B023  run at once
        wait_for(lambda: source.stats().state == "waiting", "the port went")
    assert source.stats().restarts == 0
    source.stop()


def test_ports_of_several_clients_are_summed(server: JackServer, ring: Ring) -> None:
    source = JackSource("(a|b):.*", server.name)
    with ToneClient(server, "a", [440.0, 440.0]), ToneClient(server, "b", [1760.0, 1760.0]):
        source.start(ring)

        def both() -> bool:
            spectrum = np.abs(np.fft.rfft(_newest(ring), axis=0)) / 4096
            bins = [round(hz * 4096 / _RATE) for hz in (440.0, 1760.0)]
            return bool((spectrum[bins] > 0.03).all())

        wait_for(both, "both clients on both sides")
        source.stop()


def test_a_killed_capture_process_is_replaced_and_the_gap_is_flagged(server: JackServer, ring: Ring) -> None:
    source = JackSource("tone:.*", server.name)
    with ToneClient(server, "tone", [440.0, 880.0]):
        source.start(ring)
        wait_for(lambda: _hears(ring, 440.0, 880.0), "the tones")
        before, pid = ring.total_frames, source.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: source.stats().restarts == 1, "another process")
        wait_for(lambda: ring.total_frames > before + 2 * _RATE and _hears(ring, 440.0, 880.0), "the tones again")
        assert ring.has_gap(before - 4096, 2 * _RATE)
        source.stop()


def test_a_jack_server_that_crashed_and_came_back_is_heard_again(server: JackServer, ring: Ring) -> None:
    source = JackSource("tone:.*", server.name)
    with ToneClient(server, "tone", [440.0, 880.0]):
        source.start(ring)
        wait_for(lambda: _hears(ring, 440.0, 880.0), "the tones")
        server.kill()
        wait_for(lambda: source.stats().state in ("lost", "waiting"), "the loss is told")
    before = ring.total_frames
    wait_for(lambda: "JACK server" in source.stats().detail, "it waits for the server")
    server.start()
    with ToneClient(server, "tone", [1000.0, 2000.0]):
        wait_for(lambda: _hears(ring, 1000.0, 2000.0), "the new tones")
    assert ring.has_gap(before - 1000, 2000)
    source.stop()


def test_a_server_that_came_back_at_another_rate_is_heard_at_its_pitch(server: JackServer, ring: Ring) -> None:
    source, cutter = JackSource("tone:.*", server.name), WindowCutter(ring, 1.0, 0.5)
    pitches: list[float] = []

    def heard_hz() -> float:
        window = cutter.newest()
        if window is not None and float(np.abs(window.audio).max()) > 0.05:
            pitches.append(peak_hz(window.audio, window.sample_rate))
        return pitches[-1] if pitches else 0.0

    with ToneClient(server, "tone", [440.0, 440.0]):
        source.start(ring)
        wait_for(lambda: abs(heard_hz() - 440.0) < 5.0, "the tone")
        server.kill()
        wait_for(lambda: "JACK server" in source.stats().detail, "it waits for the server")
    server.sample_rate = 44_100
    server.start()
    pitches.clear()
    with ToneClient(server, "tone", [1000.0, 1000.0]):
        wait_for(lambda: abs(heard_hz() - 1000.0) < 5.0, "the new tone")
    assert ring.sample_rate == 44_100
    assert all(abs(hz - 440.0) < 5.0 or abs(hz - 1000.0) < 5.0 for hz in pitches)
    source.stop()


def test_a_synth_that_plays_is_heard(server: JackServer, ring: Ring) -> None:
    needs_fluidsynth()
    source = JackSource("fs:.*", server.name)
    with Fluidsynth(server) as synth:
        source.start(ring)
        wait_for(lambda: source.stats().state == "running", "its ports")
        assert float(np.abs(_newest(ring)).max()) < 1e-3
        synth.shell("prog 0 16")  # an organ: it holds its level
        synth.shell("noteon 0 69 110")
        wait_for(lambda: float(np.abs(_newest(ring)).max()) > 0.02, "the note")
        source.stop()


def test_portaudio_opens_the_server_as_a_device(
    server: JackServer, ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
    with ToneClient(server, "tone", [440.0, 880.0]):
        listed = {choice.argument: choice for choice in list_inputs()}
        assert listed["tone"].host == "JACK Audio Connection Kit"
        assert listed["jack:tone:.*"].channels == 2
        source = DeviceSource("tone")
        source.start(ring)
        wait_for(lambda: _hears(ring, 440.0, 880.0), "the tones through PortAudio")
        wait_for(lambda: source.stats().state == "running", "its report")  # which may follow the first audio
        server.kill()
        wait_for(lambda: source.stats().restarts >= 1, "the hung process was replaced")
        assert source.stats().state in ("lost", "waiting", "starting")
        source.stop()

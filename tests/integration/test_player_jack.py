"""Hear previews on a real JACK server without a sound card."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from library.audio import level_db, write_audio
from realtime.player import Player
from realtime.preview_level import LONGEST_S, TARGET_DB
from realtime.ring import Ring
from realtime.sources import JackSource
from tests.integration.jack import JackServer, jack_server, peak_hz, wait_for
from tests.integration.previews import RATE, Heard, Listener
from tests.realtime.signals import tone

pytestmark = pytest.mark.daw

_PATIENT_S = 15.0
"""Time for an answer on a machine that is busy with other tests; the daemon has a second."""


@pytest.fixture
def server() -> Iterator[JackServer]:
    with jack_server() as running:
        yield running


@pytest.fixture
def speakers(server: JackServer) -> Iterator[Listener]:
    with Listener(server, "speakers") as listener:
        yield listener


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def player(server: JackServer, heard: Heard) -> Iterator[Player]:
    made = Player("jack:speakers:in_.*", "jack:daw:out_.*", heard, server=server.name, answer_s=_PATIENT_S)
    yield made
    made.close()


def test_a_sample_is_heard_at_its_pitch_and_at_the_level_of_previews(
    player: Player, speakers: Listener, heard: Heard, server: JackServer, tmp_path: Path
) -> None:
    quiet = np.stack([tone(440.0, 3.0, 44_100, 0.01), tone(1760.0, 3.0, 44_100, 0.01)], axis=1)
    write_audio(tmp_path / "quiet.wav", quiet, 44_100, "FLOAT")
    number = player.play_file(tmp_path / "quiet.wav")
    wait_for(
        lambda: (
            speakers.hears(440.0, 1760.0)
            and all(abs(level_db(speakers.newest()[:, side]) - TARGET_DB) < 0.5 for side in (0, 1))
        ),
        "left and right at their pitch and level",
    )
    assert server.connections("timbrel_preview:out_left") == ["speakers:in_1"]
    assert server.connections("timbrel_preview:out_right") == ["speakers:in_2"]
    wait_for(lambda: heard.has(number, "ended"), "it ended by itself")
    wait_for(speakers.is_silent, "silence after it")
    assert [event.state for event in heard.events] == ["playing", "ended"]


def test_a_second_preview_replaces_the_first_without_a_hole(player: Player, speakers: Listener, heard: Heard) -> None:
    first = player.play(tone(440.0, 6.0), 16_000)
    wait_for(lambda: speakers.hears(440.0, 440.0), "the first")
    second = player.play(tone(1000.0, 6.0), 16_000)
    wait_for(lambda: speakers.hears(1000.0, 1000.0), "the second")
    got = speakers.ring.read(0, speakers.ring.total_frames)
    assert got is not None
    began = int(np.argmax(np.abs(got[:, 0]) > 0.05))
    blocks = np.abs(got[began:, 0][: (len(got) - began) // 480 * 480]).reshape(-1, 480).max(axis=1)
    assert blocks.min() > 0.05, "every hundredth of a second sounds"
    wait_for(lambda: heard.has(second, "playing"), "that it plays is told")
    assert not heard.has(first, "failed")


def test_a_stop_silences_within_a_tenth_of_a_second(player: Player, speakers: Listener, heard: Heard) -> None:
    took_s: list[float] = []
    for _ in range(6):  # the best of some: a busy machine may be late, the player may not
        number = player.play(tone(440.0, LONGEST_S), 16_000)
        wait_for(lambda: speakers.hears(440.0, 440.0), "the tone")
        asked = speakers.ring.total_frames
        player.stop()
        wait_for(lambda: heard.has(number, "ended"), "its end")  # noqa: B023  run at once
        wait_for(lambda: speakers.ring.total_frames > asked + RATE // 2, "half a second of audio")  # noqa: B023
        got = speakers.ring.read(asked, RATE // 2)
        assert got is not None
        assert not got[-RATE // 10 :].any()
        took_s.append(float(np.flatnonzero(got.any(axis=1)).max(initial=0)) / RATE)
        if took_s[-1] <= 0.1:
            break
    assert min(took_s) <= 0.1


def test_what_is_stopped_while_it_is_decoded_is_never_played(player: Player, heard: Heard, speakers: Listener) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def decode_slowly() -> tuple[NDArray[np.float32], int]:
        begun.set()
        go_on.wait(30.0)
        return tone(440.0, 2.0), 16_000

    number = player._ask(decode_slowly)
    assert begun.wait(30.0)
    player.stop()
    go_on.set()
    after = player.play(tone(1000.0, 1.0), 16_000)
    wait_for(lambda: heard.has(after, "ended"), "the one after")
    assert [event.number for event in heard.events] == [after, after]
    assert number < after
    got = speakers.ring.read(0, speakers.ring.total_frames)
    assert got is not None
    assert abs(peak_hz(got[:, 0], RATE) - 1000.0) < 12.0


def test_a_server_that_dies_is_told_and_the_next_preview_after_it_came_back_is_heard(
    player: Player, server: JackServer, heard: Heard
) -> None:
    with Listener(server, "speakers") as speakers:
        first = player.play(tone(440.0, 6.0), 16_000)
        wait_for(lambda: speakers.hears(440.0, 440.0), "the tone")
        server.kill()
        wait_for(lambda: heard.has(first, "failed"), "the failure is told")
    assert "JACK" in heard.why(first) or "no audio" in heard.why(first)
    begun = time.thread_time()
    second = player.play(tone(440.0, 6.0), 16_000)
    player.stop()
    third = player.play(tone(440.0, 6.0), 16_000)
    assert time.thread_time() - begun < 0.1, "asking costs nothing while there is no server"
    wait_for(lambda: heard.has(third, "failed"), "there is no server")
    assert f"no JACK server {server.name}" in heard.why(third)
    assert not heard.has(second, "playing")
    server.start()
    with Listener(server, "speakers") as speakers:
        fourth = player.play(tone(880.0, 6.0), 16_000)
        wait_for(lambda: speakers.hears(880.0, 880.0), "the tone on the new server")
        wait_for(lambda: heard.has(fourth, "playing"), "that it plays is told")


def test_a_server_that_dies_between_previews_is_not_worth_a_word(
    player: Player, server: JackServer, heard: Heard
) -> None:
    with Listener(server, "speakers"):
        first = player.play(tone(440.0, 0.2), 16_000)
        wait_for(lambda: heard.has(first, "ended"), "the first")
        pid = player.pid
        assert pid is not None
        server.kill()
        wait_for(lambda: _has_ended(pid), "the child ended with it")
    server.start()
    with Listener(server, "speakers") as speakers:
        player.play(tone(880.0, 6.0), 16_000)
        wait_for(lambda: speakers.hears(880.0, 880.0), "the tone on the new server")
    assert not any(event.state == "failed" for event in heard.events)


def test_a_child_that_hangs_is_killed_and_the_next_preview_is_heard(
    server: JackServer, speakers: Listener, heard: Heard
) -> None:
    player = Player("jack:speakers:in_.*", "", heard, server=server.name, answer_s=3.0)
    player.play(tone(440.0, 6.0), 16_000)
    wait_for(lambda: speakers.hears(440.0, 440.0), "the tone")
    pid = player.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    hung = player.play(np.zeros((6 * 16_000, 2), np.float32) + tone(880.0, 6.0)[:, None], 16_000)
    wait_for(lambda: heard.has(hung, "failed"), "it is told that nothing answers")
    assert "did not answer within 3 s" in heard.why(hung)
    assert not psutil.pid_exists(pid)
    player.play(tone(880.0, 6.0), 16_000)
    wait_for(lambda: speakers.hears(880.0, 880.0), "another child plays")
    player.close()
    player.close()


@pytest.fixture
def bus(server: JackServer) -> Iterator[Ring]:
    """Capture daw:out_* as the daemon does."""
    ring = Ring.create(20.0, 192_000)
    source = JackSource("daw:out_.*", server.name)
    source.start(ring)
    yield ring
    source.stop()
    ring.close()


def test_not_a_byte_reaches_the_captured_bus(server: JackServer, speakers: Listener, bus: Ring) -> None:
    heard = Heard()
    into_bus = Player("jack:daw:in_.*", "jack:daw:out_.*", heard, server=server.name, answer_s=_PATIENT_S)
    with Listener(server, "daw") as daw, server.client() as probe:
        wait_for(lambda: server.connections("daw:out_1") != [], "the bus is captured")
        number = into_bus.play(tone(440.0, 2.0), 16_000)
        wait_for(lambda: heard.has(number, "failed"), "the bus itself is refused")
        assert "daw:in_1 ends in daw:out_" in heard.why(number)
        into_bus.close()
        heard = Heard()
        beside = Player("jack:speakers:in_.*", "jack:daw:out_.*", heard, server=server.name, answer_s=_PATIENT_S)
        probe.connect("speakers:out_1", "daw:in_2")
        number = beside.play(tone(440.0, 2.0), 16_000)
        wait_for(lambda: heard.has(number, "failed"), "a detour into the bus is refused")
        assert "speakers:in_1 ends in daw:out_" in heard.why(number)
        probe.disconnect("speakers:out_1", "daw:in_2")
        wait_for(lambda: server.connections("speakers:out_1") == [], "the detour is gone")
        number = beside.play(tone(440.0, 3.0), 16_000)
        wait_for(lambda: speakers.hears(440.0, 440.0), "beside the bus it is heard")
        wait_for(lambda: heard.has(number, "ended"), "it ended")
        beside.close()
        for ring in (bus, daw.ring):
            got = ring.read(0, ring.total_frames - 1024)
            assert got is not None
            assert len(got) > RATE
            assert not got.any()


def test_a_bus_that_the_output_is_led_to_while_it_sounds_ends_the_preview(
    player: Player, server: JackServer, speakers: Listener, heard: Heard
) -> None:
    with Listener(server, "daw"), server.client() as probe:
        number = player.play(tone(440.0, 6.0), 16_000)
        wait_for(lambda: speakers.hears(440.0, 440.0), "the tone")
        probe.connect("speakers:out_1", "daw:in_1")
        wait_for(lambda: heard.has(number, "failed"), "it is ended")
        assert "is listened to" in heard.why(number)


def test_a_bus_that_is_captured_from_now_on_is_refused(
    player: Player, server: JackServer, speakers: Listener, heard: Heard
) -> None:
    first = player.play(tone(440.0, 6.0), 16_000)
    wait_for(lambda: speakers.hears(440.0, 440.0), "the tone")
    player.set_bus("jack:.*")
    wait_for(lambda: heard.has(first, "ended"), "it is silent")
    second = player.play(tone(440.0, 6.0), 16_000)
    wait_for(lambda: heard.has(second, "failed"), "it is refused")
    assert "also listens to timbrel_preview:out_left" in heard.why(second)
    wait_for(lambda: server.connections("timbrel_preview:out_left") == [], "it leads nowhere")


def test_connections_that_were_not_asked_for_are_undone_and_a_single_input_gets_both_sides(
    server: JackServer, speakers: Listener, heard: Heard
) -> None:
    player = Player("jack:speakers:in_1", "file:x.wav", heard, server=server.name, answer_s=_PATIENT_S)
    sides = np.stack([tone(440.0, 6.0), tone(1760.0, 6.0)], axis=1)
    player.play(sides, 16_000)
    wait_for(lambda: level_db(speakers.newest()[:, 0]) > -30.0, "the preview")
    with server.client() as probe:
        probe.connect("timbrel_preview:out_left", "speakers:in_2")
        wait_for(lambda: server.connections("timbrel_preview:out_left") == ["speakers:in_1"], "it is undone")
    spectrum = np.abs(np.fft.rfft(speakers.newest()[:, 0])) / 8192
    assert all(spectrum[round(hz * 8192 / RATE)] > 0.01 for hz in (440.0, 1760.0))
    player.close()


def test_an_input_that_is_not_there_is_told_with_those_that_are(server: JackServer, heard: Heard) -> None:
    player = Player("jack:nobody:.*", "", heard, server=server.name, answer_s=_PATIENT_S)
    number = player.play(tone(440.0, 1.0), 16_000)
    wait_for(lambda: heard.has(number, "failed"), "it is told")
    assert heard.why(number).endswith("matches nobody:.*; clients with inputs now: system")
    player.close()


def test_a_jack_client_in_portaudios_list_is_played_to_by_our_own_client(
    server: JackServer, speakers: Listener, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
    player = Player("speakers", "jack:daw:.*", heard, answer_s=_PATIENT_S)
    player.play(tone(440.0, 6.0), 16_000)
    wait_for(lambda: speakers.hears(440.0, 440.0), "the tone")
    assert server.connections("timbrel_preview:out_left") == ["speakers:in_1"]
    player.close()


def _has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True

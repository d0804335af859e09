"""Check the whole path on a real bus: FluidSynth on JACK plays a MIDI file to `timbrel run`; OSC out, MIDI back."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np
import pytest
from numpy.typing import NDArray

from library.gm.names import GM_NAMES, gm_family
from tests.bridge.osc_peer import Got, OscPeer, free_port
from tests.integration.jack import Fluidsynth, JackServer, jack_server, needs_fluidsynth, wait_for

pytestmark = [pytest.mark.daw, pytest.mark.slow, pytest.mark.timeout(240)]

TIMBREL = [sys.executable, "-c", "from bridge.cli import main; main()"]
END_S = 3.0
WAIT_S = 60.0

PLAYING = (0, 48, 33)
"""Piano on the channel that Timbrel changes (the first), strings and bass on the next two."""

CHANGED_CHANNEL = 1  # as OSC counts: from 1
BAR_S = 2.0
BARS = 120


@dataclass(frozen=True, slots=True)
class Evening:
    """Hold what happened from start to SIGTERM."""

    items: list[list[object]]
    wanted: tuple[int, int, int, int]  # channel, MSB, LSB and program of the chosen item
    answers: list[Got]
    before: tuple[NDArray[np.float32], NDArray[np.float32]]
    after: NDArray[np.float32]
    dumped: str
    bye: list[Got]
    exit_code: int
    end_s: float


def write_song(path: Path) -> Path:
    """Write the same bar many times: what changes in the sound is then the program alone."""
    song = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    song.tracks.append(track)
    pitches = ((64, 67, 72), (60, 64, 67), (36,))
    for channel, program in enumerate(PLAYING):
        track.append(mido.Message("program_change", channel=channel, program=program))
    ticks = round(BAR_S / 4 * 2 * 480)  # a quarter of a bar at 120 beats a minute
    for _ in range(4 * BARS):
        notes = [(channel, pitch) for channel, chord in enumerate(pitches) for pitch in chord]
        for channel, pitch in notes:
            track.append(mido.Message("note_on", channel=channel, note=pitch, velocity=100))
        for number, (channel, pitch) in enumerate(notes):
            track.append(mido.Message("note_off", channel=channel, note=pitch, time=0 if number else ticks))
    song.save(path)
    return path


class Recorder:
    """Record the synth's left output."""

    def __init__(self, server: JackServer) -> None:
        self._server = server

    def record(self, seconds: float) -> NDArray[np.float32]:
        """Return samples[T] of what plays now."""
        blocks: list[NDArray[np.float32]] = []
        with self._server.client("recorder") as client:
            port = client.inports.register("in")
            client.set_process_callback(lambda _: blocks.append(port.get_array().copy()))
            client.activate()
            client.connect(client.get_ports("^fs:", is_audio=True, is_output=True)[0], port)
            frames = seconds * client.samplerate
            wait_for(lambda: sum(map(len, blocks)) >= frames, "the synth was recorded")
            client.deactivate()
        return np.concatenate(blocks)[: int(frames)]


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evening]:
    """Play one session and keep all that was heard and said."""
    needs_fluidsynth()
    if shutil.which("oscdump") is None:
        pytest.skip("oscdump is missing: apt-get install liblo-tools")
    folder = tmp_path_factory.mktemp("evening")
    song = write_song(folder / "song.mid")
    with jack_server() as server, Fluidsynth(server, songs=(song,)):
        yield _play(server, folder)


def _play(server: JackServer, folder: Path) -> Evening:
    port, dump_port = free_port(), free_port()
    dumped = folder / "dump.txt"
    environment = {**server.environment, "XDG_RUNTIME_DIR": str(folder), "XDG_CONFIG_HOME": str(folder)}
    environment["XDG_DATA_HOME"] = str(folder)
    with dumped.open("w") as out:
        dump = subprocess.Popen(["oscdump", "-L", str(dump_port)], stdout=out)
    words = ["run", "--input", "jack:fs:.*", "--library", "gm", "--device", "cpu", "--osc", f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        [*TIMBREL, *words, "--send", f"127.0.0.1:{dump_port}"], stdout=subprocess.DEVNULL, env=environment
    )
    try:
        with OscPeer(("127.0.0.1", port), WAIT_S) as peer:
            _register(peer, process)
            items, _programs = _first_list(peer)
            _connect_midi(server)
            recorder = Recorder(server)
            heard = recorder.record(4 * BAR_S)
            half = len(heard) // 2
            answers = _choose_another(peer)
            wanted = (CHANGED_CHANNEL, 0, 0, int(str(answers[-1][1][2]).split(":")[1]))
            time.sleep(BAR_S)  # what was struck before the change still sounds
            after = recorder.record(2 * BAR_S)
            peer.settle()
            process.send_signal(signal.SIGTERM)
            stopped = time.monotonic()
            exit_code = process.wait(WAIT_S)
            end_s = time.monotonic() - stopped
            bye = peer.until("/timbrel/bye")
            wait_for(lambda: "/timbrel/bye" in dumped.read_text(), "oscdump read the bye")
    finally:
        for program in (process, dump):
            program.kill()
            program.wait(10)
    texts = dumped.read_text()
    before = heard[:half], heard[half:]
    return Evening(items, wanted, answers, before, after, texts, bye, exit_code, end_s)


def _register(peer: OscPeer, process: subprocess.Popen[bytes]) -> None:
    """Ask until the daemon answers: its port is there a moment after it was started."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end and process.poll() is None:
        peer.send("/timbrel/register", "siis", "test", 300, 0, "")
        got = _receive(peer, 0.2)
        if got is not None and got[0] == "/timbrel/registered":
            return
    pytest.fail("the daemon did not answer")


def _receive(peer: OscPeer, timeout_s: float) -> Got | None:
    try:
        return peer.receive(timeout_s)
    except ConnectionError:  # nobody listens yet
        time.sleep(timeout_s)
        return None


def _first_list(peer: OscPeer) -> tuple[list[list[object]], dict[int, tuple[int, int, int, int]]]:
    """Wait for a list that holds something; return its items and the programs by index."""
    seen: list[Got] = []
    while not any(address == "/timbrel/suggest/item" for address, _ in seen):
        seen = peer.until("/timbrel/suggest/end")
    items = [args for address, args in seen if address == "/timbrel/suggest/item"]
    programs: dict[int, tuple[int, int, int, int]] = {}
    for address, args in seen:
        if address == "/timbrel/suggest/program":
            _list_id, index, *numbers = (int(str(value)) for value in args)
            channel, msb, lsb, program = numbers
            programs[index] = (channel, msb, lsb, program)
    return items, programs


def _choose_another(peer: OscPeer) -> list[Got]:
    """Choose a sound that the synth does not play yet, of the list as it is now; return what came until it was."""
    for _ in range(20):
        peer.settle()
        peer.send("/timbrel/suggest/list", "ii", 0, 0)
        items, programs = _first_list(peer)
        other = [index for index, numbers in programs.items() if numbers[3] != PLAYING[0]]
        if not other:
            continue
        peer.send("/timbrel/suggest/choose", "ii", other[0], items[0][0])
        answers: list[Got] = []
        while not answers or answers[-1][0] not in ("/timbrel/chosen", "/timbrel/error"):
            got = peer.receive(WAIT_S)
            assert got is not None, f"no answer to the choice; got {answers}"
            answers.append(got)
        if answers[-1][0] == "/timbrel/chosen":
            return answers
        assert answers[-1][1][1] == 409, answers  # another list came in between
    raise AssertionError("every list was stale")


def _connect_midi(server: JackServer) -> None:
    """Lead Timbrel's virtual port to the synth, as a musician does once."""
    with server.client("patchbay") as client:
        wait_for(lambda: bool(client.get_ports("^timbrel:.*", is_midi=True)), "the virtual MIDI port is there")
        source = client.get_ports("^timbrel:.*", is_midi=True, is_output=True)[0]
        synth = client.get_ports("^fs:.*", is_midi=True, is_input=True)[0]
        client.connect(source, synth)


def _spectrum(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the unit-norm average magnitude of the spectra of samples[T]."""
    size = 8192
    frames = samples[: len(samples) // size * size].reshape(-1, size) * np.hanning(size)
    mean = np.abs(np.fft.rfft(frames, axis=1)).mean(axis=0)
    unit: NDArray[np.float64] = mean / np.linalg.norm(mean)
    return unit


def test_every_item_is_a_general_midi_program(evening: Evening) -> None:
    assert evening.items
    for _list_id, _index, _slot, _rank, sound_id, name, kind, score, presence in evening.items:
        assert name in GM_NAMES
        assert (str(sound_id).split(":")[0], kind) == ("gm", "gm")
        assert -1.0 <= float(str(score)) <= 1.0
        assert 0.0 <= float(str(presence)) <= 1.0


def test_a_family_that_plays_is_among_the_first_names(evening: Evening) -> None:
    best = {gm_family(GM_NAMES.index(str(item[5]))) for item in evening.items if item[3] == 1}
    assert best & {gm_family(program) for program in PLAYING}


def test_choose_is_answered_with_what_was_done_and_the_program(evening: Evening) -> None:
    assert evening.answers[-1][1][4] == "ok"
    programs = [args for address, args in evening.answers if address == "/timbrel/midi/program"]
    channel, msb, lsb, program = evening.wanted
    assert channel in (CHANGED_CHANNEL, -1)
    assert programs == [[CHANGED_CHANNEL, msb, lsb, program]]


def test_the_program_change_reaches_the_synth_and_changes_its_sound(evening: Evening) -> None:
    first, second, after = (_spectrum(part) for part in (*evening.before, evening.after))
    same, changed = float(first @ second), float(first @ after)
    assert same > 0.97
    assert changed < same - 0.02


def test_another_program_reads_the_same_messages(evening: Evening) -> None:
    _list_id, index, slot, rank, sound_id, name, kind, *_ = evening.items[0]
    assert f'/timbrel/suggest/item iiiisssff 1 {index} {slot} {rank} "{sound_id}" "{name}" "{kind}"' in evening.dumped
    numbers = " ".join(map(str, (CHANGED_CHANNEL, *evening.wanted[1:])))
    assert f"/timbrel/midi/program iiii {numbers}" in evening.dumped
    assert "/timbrel/chosen iissss " in evening.dumped


def test_sigterm_says_bye_and_ends_in_time(evening: Evening) -> None:
    assert evening.bye[-1] == ("/timbrel/bye", ["stopped by SIGTERM"])
    assert evening.exit_code == 0
    assert evening.end_s <= END_S

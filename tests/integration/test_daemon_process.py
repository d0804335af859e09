"""Run the daemon as a user does: a process, a recording in, OSC out."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from library.audio import write_audio
from library.demo import load_demo_song
from tests.bridge.osc_peer import Got, OscPeer, free_port
from tests.integration.jack import wait_for

pytestmark = pytest.mark.slow

RATE_HZ = 22_050
LOAD_S = 90.0
"""Longest wait for weights and a first window: a busy machine imports torch slowly."""

TIMBREL = [sys.executable, "-c", "from bridge.cli import main; main()"]


def tone(path: Path, tone_hz: float, amplitude: float = 0.3, seconds: float = 8.0) -> Path:
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    write_audio(path, (amplitude * np.sin(2 * np.pi * tone_hz * time_s)).astype(np.float32), RATE_HZ)
    return path


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a library of three tones with the shipped weights."""
    folder = tmp_path_factory.mktemp("sounds")
    for tone_hz in (220, 440, 880):
        tone(folder / f"tone{tone_hz}.wav", tone_hz)
    lib = tmp_path_factory.mktemp("library") / "lib"
    subprocess.run([*TIMBREL, "library", "build", str(folder), "--out", str(lib)], check=True, timeout=120)
    return lib


@contextmanager
def running(library: Path, source: str, tmp_path: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start a daemon; give its process and OSC port."""
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    environment["XDG_DATA_HOME"] = str(tmp_path)
    asked = str(free_port())
    command = [*TIMBREL, "run", "--input", source, "--library", str(library), "--midi", "", *options]
    process = subprocess.Popen(
        [*command, "--device", "cpu", "--osc", f"127.0.0.1:{asked}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("OSC at "):
                yield process, int(line.split()[2].split(":")[1].rstrip(","))
                break
        else:
            pytest.fail("the daemon ended before it listened")
    finally:
        process.kill()
        process.communicate(timeout=20)


def register(peer: OscPeer) -> None:
    peer.send("/timbrel/register", "siis", "test", 300, 0, ":suggest:status:")
    peer.expect("/timbrel/registered")


def test_music_brings_a_list_a_choice_is_answered_and_sigterm_ends_it(library: Path, tmp_path: Path) -> None:
    source = f"file:{load_demo_song().audio},loop"
    with running(library, source, tmp_path) as (process, port), OscPeer(("127.0.0.1", port), LOAD_S) as peer:
        register(peer)
        seen: list[Got] = []
        while not any(address == "/timbrel/suggest/item" for address, _ in seen):
            seen = peer.until("/timbrel/suggest/end")
        begin = next(args for address, args in seen if address == "/timbrel/suggest/begin")
        items = [args for address, args in seen if address == "/timbrel/suggest/item"]
        assert begin[1] == len(items)
        assert {args[5] for args in items} <= {"tone220", "tone440", "tone880"}
        peer.send("/timbrel/suggest/choose", "ii", 1, 0)
        assert peer.expect("/timbrel/chosen")[2] == items[0][4]
        assert all(len(data) <= 1024 for data in peer.raw)
        process.send_signal(signal.SIGTERM)
        assert process.wait(3) == 0
        assert peer.until("/timbrel/bye")[-2:] == [
            ("/timbrel/status", ["stopped", "stopped by SIGTERM"]),
            ("/timbrel/bye", ["stopped by SIGTERM"]),
        ]
    assert not list(tmp_path.glob("timbrel/*.json"))


def test_silence_brings_no_list(library: Path, tmp_path: Path) -> None:
    source = f"file:{tone(tmp_path / 'silence.wav', 440, amplitude=0.0, seconds=60)},loop"
    with running(library, source, tmp_path) as (process, port), OscPeer(("127.0.0.1", port), LOAD_S) as peer:
        register(peer)
        while peer.expect("/timbrel/status")[0] != "silent":
            pass
        peer.until("/timbrel/heartbeat")
        peer.until("/timbrel/heartbeat")
        peer.send("/timbrel/suggest/list", "ii", 0, 0)
        assert peer.expect("/timbrel/suggest/begin")[1] == 0
        process.send_signal(signal.SIGINT)
        assert process.wait(3) == 0


def test_sigterm_while_loading_ends_it_at_once(library: Path, tmp_path: Path) -> None:
    source = f"file:{tone(tmp_path / 'bus.wav', 440)}"
    with running(library, source, tmp_path) as (process, port), OscPeer(("127.0.0.1", port)) as peer:
        register(peer)
        process.send_signal(signal.SIGTERM)
        assert process.wait(3) == 0
        peer.expect("/timbrel/bye")


def test_oscdump_reads_what_is_sent(library: Path, tmp_path: Path) -> None:
    if shutil.which("oscdump") is None:
        pytest.skip("oscdump is missing: apt-get install liblo-tools")
    port = free_port()
    dumped = tmp_path / "dump.txt"
    source = f"file:{load_demo_song().audio},loop"
    with dumped.open("w") as out:
        dump = subprocess.Popen(["oscdump", "-L", str(port)], stdout=out)
        try:
            with running(library, source, tmp_path, "--send", f"127.0.0.1:{port}") as (process, _):
                wait_for(lambda: "/timbrel/suggest/end i" in dumped.read_text(), "a list was dumped", LOAD_S)
                process.send_signal(signal.SIGTERM)
                wait_for(lambda: "/timbrel/bye s" in dumped.read_text(), "the bye was dumped")
        finally:
            dump.kill()
            dump.wait(10)
    text = dumped.read_text()
    for line in ("/timbrel/status ss ", "/timbrel/suggest/begin iis 1 ", "/timbrel/suggest/item iiiisssff 1 1 1 1 "):
        assert line in text

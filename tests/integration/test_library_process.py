"""Watch libraries in real processes: files come, grow and go; the library itself goes and comes back."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from library.build import build_library
from library.catalog import read_errors
from library.demo import load_demo_song
from library.encoders import load_encoder
from library.errors import LibraryError
from library.index import SoundIndex
from tests.bridge.osc_peer import OscPeer
from tests.integration.jack import wait_for
from tests.integration.test_daemon_process import TIMBREL, register, running, tone

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

WAIT_S = 150.0
"""Longest wait: a busy machine imports torch slowly, and each test starts several processes that do."""

PIECES = 8
PIECE_S = 0.25


@pytest.fixture
def src(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    for tone_hz in (220, 440, 880):
        tone(tmp_path / "src" / f"tone{tone_hz}.wav", tone_hz)
    build(tmp_path / "src", tmp_path / "lib")
    return tmp_path / "src"


def build(src: Path, lib: Path) -> None:
    build_library([src], lib, load_encoder(device="cpu"))


def grow(path: Path, whole: Path) -> None:
    """Write a file in pieces over two seconds, as a slow export does."""
    data = whole.read_bytes()
    with path.open("wb") as file:
        for number in range(PIECES):
            file.write(data[len(data) * number // PIECES : len(data) * (number + 1) // PIECES])
            file.flush()
            time.sleep(PIECE_S)


def names(lib: Path) -> set[str]:
    try:
        return {sound.name for sound in SoundIndex.open(lib, None).sounds}
    except LibraryError:  # not there at the moment
        return set()


def is_settled(lib: Path, *wanted: str) -> Callable[[], bool]:
    """Return whether a library holds exactly these sounds beside the three, and no error."""
    return lambda: names(lib) == {*wanted} and read_errors(lib, immutable=False) == ()


def wait_for_status(peer: OscPeer, text: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while text not in str(peer.expect("/timbrel/status", max(0.1, deadline - time.monotonic()))[1]):
        pass


def test_a_watch_takes_what_comes_when_it_is_complete_and_drops_what_goes(src: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    with subprocess.Popen([*TIMBREL, "library", "watch", str(lib)], stdout=subprocess.PIPE, text=True) as watch:
        try:
            assert watch.stdout is not None
            assert "watching 1 sources, 3 sounds" in watch.stdout.readline()
            tone(src / "new.wav", 330)
            three = ("tone220", "tone440", "tone880")
            wait_for(is_settled(lib, *three, "new"), "the new file is in the library", WAIT_S)
            grow(src / "grown.wav", tone(tmp_path / "whole.wav", 1320))
            wait_for(is_settled(lib, *three, "new", "grown"), "the grown file is in the library", WAIT_S)
            shutil.copyfile(tmp_path / "whole.wav", src / "copied.wav")
            wait_for(is_settled(lib, *three, "new", "grown", "copied"), "a copy of it too", WAIT_S)
            found = SoundIndex.open(lib, None).generation
            grown, copied = (found.vectors_of(found.find(f"src/{name}.wav") or 0) for name in ("grown", "copied"))
            assert np.array_equal(grown, copied)  # all of the grown file was heard
            (src / "new.wav").unlink()
            wait_for(is_settled(lib, *three, "grown", "copied"), "the removed file has left", WAIT_S)
            watch.send_signal(signal.SIGTERM)
            assert watch.wait(20) == 0
        finally:
            watch.kill()


def test_a_daemon_that_watches_suggests_from_what_comes_and_goes(src: Path, tmp_path: Path) -> None:
    source = f"file:{tone(tmp_path / 'bus.wav', 440, amplitude=0.0, seconds=60)},loop"
    with (
        running(tmp_path / "lib", source, tmp_path, "--watch") as (process, port),
        OscPeer(("127.0.0.1", port), WAIT_S) as peer,
    ):
        register(peer)
        wait_for_status(peer, "the bus is silent")  # it has loaded the library
        tone(src / "new.wav", 330)
        wait_for_status(peer, "library reloaded: 4 sounds")
        grow(src / "grown.wav", tone(tmp_path / "whole.wav", 1320))
        wait_for_status(peer, "library reloaded: 5 sounds")
        (src / "new.wav").unlink()
        wait_for_status(peer, "library reloaded: 4 sounds")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_a_daemon_outlives_its_library_and_takes_it_up_again(src: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    source = f"file:{load_demo_song().audio},loop"
    with running(lib, source, tmp_path, "--watch") as (process, port), OscPeer(("127.0.0.1", port), WAIT_S) as peer:
        register(peer)
        while "/timbrel/suggest/item" not in [address for address, _ in peer.until("/timbrel/suggest/end")]:
            pass
        shutil.rmtree(lib)
        wait_for_status(peer, "the library was deleted; going on with what was loaded")
        peer.send("/timbrel/suggest/choose", "ii", 1, 0)
        assert peer.expect("/timbrel/chosen")
        assert process.poll() is None
        tone(src / "more.wav", 330)
        build(src, lib)
        wait_for_status(peer, "library reloaded: 4 sounds")
        tone(src / "later.wav", 550)  # the watch beside it ended with the library, and is there again
        wait_for_status(peer, "library reloaded: 5 sounds")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0

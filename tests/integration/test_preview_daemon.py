"""Hear a suggestion through a whole daemon on a real JACK server, by OSC."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bridge.config import Config
from library.audio import write_audio
from library.sounds import Sound
from realtime.engine import Engine
from tests.bridge.rig import Rig, run_daemon
from tests.fakes import SpectrumEncoder, TableIndex
from tests.integration.jack import JackServer, jack_server, wait_for
from tests.integration.previews import RATE, Listener

pytestmark = pytest.mark.daw


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[JackServer]:
    with jack_server() as running:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", running.name)
        monkeypatch.setenv("JACK_NO_START_SERVER", "1")
        yield running


class OneFile(TableIndex):
    """Know where one of its sounds lies."""

    def __init__(self, path: Path) -> None:
        super().__init__(np.eye(2, 32, dtype=np.float32) + 0.1, ["Flute", "Violin"])
        self._path = path

    def preview_path(self, sound: Sound) -> Path | None:
        return self._path if sound.name == "Flute" else None


def test_a_suggestion_is_heard_stopped_and_one_without_audio_refused(server: JackServer, tmp_path: Path) -> None:
    path = tmp_path / "flute.wav"
    time_s = np.arange(5 * RATE) / RATE
    write_audio(path, (0.1 * np.sin(2 * np.pi * 660 * time_s)).astype(np.float32), RATE)

    def load(config: Config) -> Engine:
        return Engine(SpectrumEncoder(), OneFile(path))

    with Listener(server, "speakers") as speakers:

        def scenario(rig: Rig) -> None:
            with rig.peer() as peer:
                peer.send("/timbrel/register", "siis", "test", 60, 0, ":suggest:status:")
                items: dict[object, object] = {}
                while len(items) < 2:
                    item = peer.expect("/timbrel/suggest/item", 60.0)
                    items[item[5]] = item[1]
                flute, violin = items["Flute"], items["Violin"]
                peer.send("/timbrel/suggest/preview", "ii", flute, 0)
                told = peer.expect("/timbrel/previewed")
                assert told[2:4] == ["table:Flute", "playing"]
                wait_for(lambda: speakers.hears(660, 660), "the flute is heard")
                peer.send("/timbrel/preview/stop", "f", 1.0)
                wait_for(speakers.is_silent, "it is silent")
                peer.send(f"/timbrel/preview/{violin}", "f", 1.0)
                assert peer.expect("/timbrel/error")[:2] == [f"/timbrel/preview/{violin}", 404]

        run_daemon(scenario, load, preview__output="jack:speakers:in_.*")

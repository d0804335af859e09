"""Hear sounds through the page: by their ids, at one level, and nothing else of the disk."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pytest

from library.audio import write_audio
from library.sounds import Sound
from realtime.engine import Engine
from realtime.preview_level import TARGET_DB, active_level_db
from tests.bridge.page_peer import PagePeer, talk
from tests.bridge.rig import Rig, near_tone
from tests.fakes import SpectrumEncoder, TableIndex


@pytest.fixture(autouse=True)
def _runtime_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


class OneFile(TableIndex):
    """Know where one of its sounds lies."""

    def __init__(self, path: Path) -> None:
        super().__init__(near_tone(3), ["Flute", "Violin", "Damaged"])
        self._path = path

    def preview_path(self, sound: Sound) -> Path | None:
        return {"Flute": self._path, "Damaged": self._path.with_suffix(".txt")}.get(sound.name)


def test_a_preview_comes_by_the_id_of_a_sound_alone_and_at_one_level(tmp_path: Path) -> None:
    path = tmp_path / "flute.wav"
    path.with_suffix(".txt").write_text("no audio")
    time_s = np.arange(48_000) / 48_000
    write_audio(path, (0.01 * np.sin(2 * np.pi * 660 * time_s)).astype(np.float32), 48_000)

    async def what(peer: PagePeer, rig: Rig) -> None:
        (lane,) = await peer.lanes()
        assert {sound["name"]: sound["preview"] for sound in lane["sounds"]} == {
            "Flute": True, "Violin": False, "Damaged": True,
        }  # fmt: skip
        status, body, headers = await peer.get("preview/table%3AFlute")
        assert (status, headers["Content-Type"], headers["Cache-Control"]) == (200, "audio/wav", "no-store")
        with wave.open(io.BytesIO(body)) as file:
            assert (file.getnchannels(), file.getframerate()) == (2, 44_100)
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2).astype(
                np.float32
            ) / np.float32(32768)
        assert active_level_db(samples, 44_100) == pytest.approx(TARGET_DB, abs=0.5)
        assert (await peer.get("preview/table%3AFlute"))[:2] == (status, body)
        for asked in (str(path), f"..{path}", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "file:%2F%2F" + str(path), "table:"):
            assert (await peer.get(f"preview/{asked}"))[0] == 404, asked
        assert (await peer.get("preview/table%3AViolin"))[:2] == (
            404, b"Violin has no audio of its own; choose loads it in your DAW",
        )  # fmt: skip
        status, body, _ = await peer.get("preview/table%3ADamaged")
        assert status == 503
        assert str(tmp_path) not in body.decode()
        assert (await peer.get("map.json"))[0] == 503  # a table is no library on disk

    talk(what, lambda config: Engine(SpectrumEncoder(), OneFile(path)))

"""Like sounds through the page of a whole daemon that follows a real library."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.config import Config
from bridge.taste import taste_of
from library.audio import write_audio
from library.build import build_library
from library.follow import LiveIndex
from realtime.engine import Engine
from realtime.file_source import FileSource
from realtime.types import AudioSource
from tests.bridge.page_peer import Json, PagePeer, talk
from tests.bridge.rig import Rig
from tests.bridge.shell import Shell
from tests.fakes import SpectrumEncoder
from tests.library.sound_files import tone, write_tone


@pytest.fixture(autouse=True)
def library(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Build a library in which "bass" lies nearest to the song, and "dull bass" close behind it."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    bass = tone(220.0, 5.0, 2)
    (shell.folder / "src").mkdir()
    for name, share in (("bass", 0.0), ("dull bass", 0.88)):
        write_audio(shell.folder / "src" / f"{name}.wav", (1.0 - share) * bass + share * tone(220.0, 5.0, 1), 16_000)
    build_library([shell.folder / "src"], shell.library, SpectrumEncoder())
    write_tone(shell.folder / "song.wav", 220.0, 8.0, 2)
    return shell


def follow(config: Config) -> Engine:
    encoder = SpectrumEncoder()
    return Engine(encoder, LiveIndex(config.library.path, encoder.spec.fingerprint, taste=taste_of(config.library)))


def open_song(name: str) -> AudioSource:
    return FileSource(Path(name), loop=True, speed=8.0)


def names(section: Json) -> list[str]:
    return [sound["name"] for lane in section["lanes"] for sound in lane["sounds"]]


def likes(section: Json) -> dict[str, bool]:
    return {sound["name"]: sound["liked"] for lane in section["lanes"] for sound in lane["sounds"]}


def opinions(shell: Shell) -> list[str]:
    liked = json.loads(shell("library", "info", shell.library, "--json").out)["liked"]
    assert isinstance(liked, list)
    return liked


def test_a_like_is_kept_as_the_command_keeps_it_and_changes_the_live_order_until_it_is_taken_back(
    library: Shell,
) -> None:
    async def what(peer: PagePeer, rig: Rig) -> None:
        async with PagePeer(peer.url) as other:
            section = await peer.section("lanes", lambda section: len(names(section)) == 2)
            assert names(section) == ["bass", "dull bass"]
            assert likes(section) == {"bass": False, "dull bass": False}
            lane = section["lanes"][0]
            second = lane["sounds"][1]["id"]
            told = await peer.answer("like", slot=lane["slot"], sound=second, on=True)
            assert (told["kind"], told["text"]) == ("reply", "dull bass is liked")
            assert opinions(library) == [second]
            for page in (peer, other):
                section = await page.section("lanes", lambda section: names(section) == ["dull bass", "bass"])
                assert likes(section) == {"bass": False, "dull bass": True}
            told = await other.answer("like", slot=lane["slot"], sound=second, on=False)
            assert told["text"] == "dull bass is no longer liked"
            assert opinions(library) == []
            for page in (peer, other):
                await page.section("lanes", lambda section: names(section) == ["bass", "dull bass"])

    talk(
        what, follow, open_source=open_song, input=str(library.folder / "song.wav"), library__path=str(library.library)
    )


def test_a_like_of_the_command_line_shows_on_the_page(library: Shell) -> None:
    async def what(peer: PagePeer, rig: Rig) -> None:
        await peer.section("lanes", lambda section: len(names(section)) == 2)
        assert library("library", "like", library.library, "src/bass.wav").code == 0
        await peer.section("lanes", lambda section: likes(section).get("bass", False))

    talk(
        what, follow, open_source=open_song, input=str(library.folder / "song.wav"), library__path=str(library.library)
    )


def test_where_taste_is_off_a_like_is_kept_and_says_that_it_changes_nothing(library: Shell) -> None:
    async def what(peer: PagePeer, rig: Rig) -> None:
        lane = (await peer.lanes())[0]
        told = await peer.answer("like", slot=lane["slot"], sound=lane["sounds"][0]["id"], on=True)
        assert told["text"] == f"{lane['sounds'][0]['name']} is liked; taste is off, so that the order stays"
        await peer.section("lanes", lambda section: any(likes(section).values()))

    options = {"library__path": str(library.library), "library__taste": False}
    talk(what, follow, open_source=open_song, input=str(library.folder / "song.wav"), **options)
    assert len(opinions(library)) == 1


def test_a_library_that_can_not_keep_it_says_so(library: Shell) -> None:
    async def what(peer: PagePeer, rig: Rig) -> None:
        lane = (await peer.lanes())[0]
        (library.library / "catalog.sqlite").write_bytes(b"damaged" * 1000)
        refused = await peer.answer("like", slot=lane["slot"], sound=lane["sounds"][0]["id"], on=True)
        assert (refused["kind"], refused["code"]) == ("error", 503)
        assert "catalog.sqlite" in refused["text"]
        assert "\n" not in refused["text"]

    talk(
        what, follow, open_source=open_song, input=str(library.folder / "song.wav"), library__path=str(library.library)
    )


def test_a_table_of_sounds_takes_no_likes() -> None:
    async def what(peer: PagePeer, rig: Rig) -> None:
        lane = (await peer.lanes())[0]
        refused = await peer.answer("like", slot=lane["slot"], sound=lane["sounds"][0]["id"], on=True)
        assert (refused["code"], refused["text"]) == (503, "this library keeps no opinions")

    talk(what)

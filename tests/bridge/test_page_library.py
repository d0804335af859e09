"""Look after a library from the page: real builds in real processes, beside a daemon with real sockets."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from bridge.page.library_view import MOST_SOURCES, library_view
from library.index import SoundIndex
from tests.bridge.page_peer import Json, PagePeer, talk
from tests.bridge.rig import Rig
from tests.library.libraries import build_tones
from tests.library.sound_files import write_tone

pytestmark = pytest.mark.timeout(300)

MANY = 150
"""Files that a build is busy with for some seconds."""

BUSY_S = 120.0
"""Longest wait: each build is a process that imports torch, slowly on a busy machine."""


@pytest.fixture(autouse=True)
def _runtime_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr("tests.bridge.page_peer.WAIT_S", BUSY_S)


def test_a_view_counts_by_source_and_stays_small_however_much_is_wrong() -> None:
    many = [{"name": f"s{number}", "path": f"/s/{number}", "kind": "folder"} for number in range(1000)]
    errors = [
        {"path": f"/s/3/{number}.wav", "error": f"/s/3/{number}.wav: is odd {number % 40 * 'x'}; mend it"}
        for number in range(5000)
    ]
    errors += [{"path": "/s/4 (Bass)", "error": "/s/4 (Bass): is silent; leave it out"}]
    info: Json = {
        "sounds": 9,
        "vectors": 9,
        "kinds": {"sample": 9},
        "families": {},
        "built": 7,
        "notes": [],
        "away": ["s2"],
    }
    view = library_view(info | {"sources": many, "sounds_by_source": {"s1": 9}, "errors": errors})
    assert [source["sounds"] for source in view["sources"][:3]] == [0, 9, 0]
    assert [source["there"] for source in view["sources"][:3]] == [True, True, False]
    assert [source["errors"] for source in view["sources"][2:5]] == [0, 5000, 1]
    assert (len(view["sources"]), view["more_sources"]) == (MOST_SOURCES, 1000 - MOST_SOURCES)
    assert view["error_count"] == 5001
    assert len(view["errors"]) <= 12
    assert view["errors"][0]["step"] == "mend it"
    assert view["errors"][0]["examples"][0].startswith("3/")


async def described(peer: PagePeer) -> Json:
    await peer.do("library")
    found: Json = await peer.section("library", lambda library: library["state"] in ("read", "failed"))
    return found


async def ended(peer: PagePeer) -> Json:
    found: Json = await peer.section("build", lambda build: build["state"] in ("done", "failed", "cancelled"))
    return found


async def running(peer: PagePeer) -> Json:
    found: Json = await peer.section("build", lambda build: build["state"] == "building" and build["files_done"] > 0)
    return found


def children(word: str = "library") -> list[psutil.Process]:
    found = []
    for one in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # it has ended, and nobody has asked how yet
            found += [one] if word in one.cmdline() else []
    return found


def test_a_library_is_described_with_its_sources_and_errors(tmp_path: Path) -> None:
    src = build_tones(tmp_path, 3)

    async def what(peer: PagePeer, rig: Rig) -> None:
        assert peer.sections["library"]["state"] == "unread"
        found = await described(peer)
        assert (found["name"], found["sounds"], found["kinds"], found["error_count"]) == ("lib", 3, {"sample": 3}, 0)
        assert found["sources"] == [{"name": "src", "path": str(src), "there": True, "sounds": 3, "errors": 0}]
        assert found["built"] > 0
        assert (found["built_in"], found["watched"], found["folders"]) == (False, False, [])

    talk(what, library__path=str(tmp_path / "lib"))


def test_a_rescan_tells_how_far_it_is_and_hears_what_is_new(tmp_path: Path) -> None:
    src = build_tones(tmp_path, 3)
    for number in range(MANY):
        write_tone(src / f"new {number}.wav", 90.0 + 7 * number, 0.3)
    (src / "broken.wav").write_text("this is no audio")

    async def what(peer: PagePeer, rig: Rig) -> None:
        await described(peer)
        async with PagePeer(peer.url) as other:
            await peer.do("rescan")
            told = await running(other)
            assert told["files"] == MANY + 4
            assert told["file"].startswith("src/")
            assert (told["what"], told["errors"]) == ("rescan", 1)
            (child,) = children()
            if os.name == "posix":
                assert child.nice() == 19
            refused = await other.answer("rescan")
            assert (refused["code"], "a build is running" in refused["text"]) == (409, True)
            done = await ended(other)
            assert (done["state"], done["sounds"], done["errors"]) == ("done", MANY + 3, 1)
        found: Json = await peer.section("library", lambda library: library["sounds"] == MANY + 3)
        assert found["sources"][0]["errors"] == 1
        assert found["errors"][0]["examples"] == ["src/broken.wav"]

    talk(what, library__path=str(tmp_path / "lib"))
    assert children() == []


def test_a_folder_is_added_where_the_config_allows_it_and_nowhere_else(tmp_path: Path) -> None:
    build_tones(tmp_path, 2)
    write_tone(tmp_path / "allowed" / "Brass" / "horn.wav", 330.0)
    write_tone(tmp_path / "private" / "secret.wav", 440.0)
    (tmp_path / "allowed" / "sly").symlink_to(tmp_path / "private")

    async def what(peer: PagePeer, rig: Rig) -> None:
        for path in ("private", "allowed/../private", "allowed/sly"):
            refused = await peer.answer("add-folder", path=str(tmp_path / path))
            assert (refused["code"], "is outside of" in refused["text"]) == (403, True)
        for wrong in ({}, {"path": 3}, {"path": ""}):
            assert (await peer.answer("add-folder", **wrong))["code"] == 400
        assert "build" not in peer.sections
        assert children() == []
        await peer.do("add-folder", path=str(tmp_path / "allowed" / "Brass"))
        assert (await ended(peer))["state"] == "done"

    talk(what, library__path=str(tmp_path / "lib"), library__page_folders=(str(tmp_path / "allowed"),))
    names = {sound.name for sound in SoundIndex.open(tmp_path / "lib", None).sounds}
    assert names == {"tone 00", "tone 01", "horn"}


def test_a_build_can_be_cancelled_and_what_was_done_is_kept(tmp_path: Path) -> None:
    src = build_tones(tmp_path, 2)
    for number in range(MANY):
        write_tone(src / f"new {number}.wav", 90.0 + 7 * number, 0.3)

    async def what(peer: PagePeer, rig: Rig) -> None:
        assert (await peer.answer("cancel-build"))["code"] == 409
        await peer.do("rescan")
        told = await running(peer)
        await peer.do("cancel-build")
        done = await ended(peer)
        assert (done["state"], done["text"]) == ("cancelled", "stopped; what was done is kept: rescan to go on")
        assert children("rescan") == []  # what describes the library may have begun
        await peer.do("rescan")
        again = await peer.section("build", lambda build: build["state"] == "building")
        assert again["sounds"] >= told["sounds"] > 2
        await peer.do("cancel-build")
        assert (await ended(peer))["state"] == "cancelled"

    talk(what, library__path=str(tmp_path / "lib"))
    assert len(SoundIndex.open(tmp_path / "lib", None).sounds) == 2


def test_a_build_that_dies_is_shown_and_the_next_one_goes_on(tmp_path: Path) -> None:
    src = build_tones(tmp_path, 2)
    for number in range(MANY):
        write_tone(src / f"new {number}.wav", 90.0 + 7 * number, 0.3)

    async def what(peer: PagePeer, rig: Rig) -> None:
        await peer.do("rescan")
        await running(peer)
        children()[0].kill()
        assert (await ended(peer))["text"] == "the build ended without a word"
        shutil.move(src, tmp_path / "elsewhere")
        await peer.do("rescan")
        failed = await peer.section("build", lambda build: "no such file" in build["text"])
        assert (failed["state"], failed["text"]) == ("failed", f"{src}: no such file or folder; check the name")
        away: Json = await peer.section("library", lambda library: library.get("away") == ["src"])
        assert away["sources"][0]["there"] is False

    talk(what, library__path=str(tmp_path / "lib"))


def test_a_build_ends_with_the_daemon(tmp_path: Path) -> None:
    src = build_tones(tmp_path, 2)
    for number in range(MANY):
        write_tone(src / f"new {number}.wav", 90.0 + 7 * number, 0.3)
    begun: list[psutil.Process] = []

    async def what(peer: PagePeer, rig: Rig) -> None:
        await peer.do("rescan")
        await running(peer)
        begun.extend(children())

    talk(what, library__path=str(tmp_path / "lib"))
    assert len(begun) == 1
    assert not begun[0].is_running()


def test_the_built_in_library_is_described_and_never_changed() -> None:
    async def what(peer: PagePeer, rig: Rig) -> None:
        found = await described(peer)
        assert (found["built_in"], found["name"], found["path"], found["built"]) == (True, "General MIDI", "", None)
        assert found["sounds"] == sum(found["kinds"].values()) > 128
        for command in ("rescan", "add-folder"):
            refused = await peer.answer(command, path="/")
            assert (refused["code"], "never changes" in refused["text"]) == (409, True)
        assert "build" not in peer.sections

    talk(what, library__page_folders=("/",))


def test_a_library_that_is_gone_is_told(tmp_path: Path) -> None:
    async def what(peer: PagePeer, rig: Rig) -> None:
        found = await described(peer)
        assert (found["state"], "no such library" in found["text"]) == ("failed", True)

    talk(what, library__path=str(tmp_path / "lib"))


def test_nothing_is_described_or_built_before_a_page_asks(tmp_path: Path) -> None:
    build_tones(tmp_path, 1)

    async def what(peer: PagePeer, rig: Rig) -> None:
        await peer.lanes()
        await asyncio.sleep(0)
        assert peer.sections["library"]["state"] == "unread"
        assert children() == []

    talk(what, library__path=str(tmp_path / "lib"))

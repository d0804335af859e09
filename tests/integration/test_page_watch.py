"""Add a folder from the page while the library is watched: the watch steps aside and goes on with the new source."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from library.build import build_library
from library.encoders import load_encoder
from tests.bridge.page_peer import Json, PagePeer
from tests.browser.browser import served
from tests.integration.test_daemon_process import tone

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

BUSY_S = 150.0
"""Longest wait: a busy machine imports torch slowly, and the watch and the build are processes that do."""


def test_a_watched_library_takes_a_folder_from_the_page_and_is_watched_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.bridge.page_peer.WAIT_S", BUSY_S)
    for folder, tone_hz in (("first", 220), ("more", 440)):
        (tmp_path / folder).mkdir()
        tone(tmp_path / folder / f"tone{tone_hz}.wav", tone_hz)
    build_library([tmp_path / "first"], tmp_path / "lib", load_encoder(device="cpu"))
    config = tmp_path / "config.toml"
    config.write_text(f'[library]\npage_folders = ["{tmp_path}"]\n')

    async def add(url: str) -> None:
        async with PagePeer(url) as peer:
            await peer.do("library")
            found: Json = await peer.section("library", lambda library: library["state"] == "read")
            assert (found["watched"], found["sounds"]) == (True, 1)
            await peer.do("add-folder", path=str(tmp_path / "more"))
            build: Json = await peer.section("build", lambda build: build["state"] in ("done", "failed"))
            assert (build["state"], build["sounds"]) == ("done", 2)
            tone(tmp_path / "more" / "later.wav", 880)
            await peer.section("library", lambda library: library["sounds"] == 3)

    options = ("--library", str(tmp_path / "lib"), "--config", str(config), "--watch")
    with served(tmp_path, *options) as daemon:
        asyncio.run(add(daemon.url))

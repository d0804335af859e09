"""Ask a library's desk for more while it is at work; its processes are real."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.config import Config, LibraryConfig
from bridge.page.library_desk import LibraryDesk
from bridge.page.protocol import Request
from tests.library.libraries import build_tones
from tests.library.sound_files import write_tone

pytestmark = pytest.mark.timeout(300)

WAIT_S = 120.0


class Shown:
    """Hold what a desk shows, as pages would get it."""

    def __init__(self) -> None:
        self.states: list[tuple[str, str]] = []
        self.values: dict[str, Any] = {}  # Any: what JSON can hold
        self._news = asyncio.Event()

    def put(self, name: str, value: object) -> None:
        """Take a section."""
        self.values[name] = value
        if isinstance(value, dict):
            self.states.append((name, value["state"]))
        self._news.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for something to be shown."""
        while not holds():
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), WAIT_S)


def at_desk(library: Path, visit: Callable[[LibraryDesk, Shown], Awaitable[None]]) -> None:
    """Visit the desk of a library."""

    async def whole() -> None:
        shown = Shown()
        desk = LibraryDesk(Config(library=LibraryConfig(path=str(library))))
        desk.start(shown.put)
        try:
            await visit(desk, shown)
        finally:
            await desk.close()

    asyncio.run(whole())


def ask(desk: LibraryDesk, command: str) -> None:
    """Send what the page's button sends."""
    desk.handle(Request(command, 1, {}))


def test_what_is_asked_while_the_library_is_being_read_is_read_after_it(tmp_path: Path) -> None:
    build_tones(tmp_path, 2)

    async def visit(desk: LibraryDesk, shown: Shown) -> None:
        ask(desk, "library")
        await shown.until(lambda: ("library", "reading") in shown.states)
        ask(desk, "library")
        ask(desk, "library")
        await shown.until(lambda: shown.states.count(("library", "read")) == 2)  # those that wait are one

    at_desk(tmp_path / "lib", visit)


def test_the_next_build_may_begin_as_soon_as_one_shows_its_end(tmp_path: Path) -> None:
    src = build_tones(tmp_path, 2)

    async def visit(desk: LibraryDesk, shown: Shown) -> None:
        for number in range(2):
            write_tone(src / f"new{number}.wav", 300.0 + 100.0 * number)
            shown.values.pop("build", None)
            ask(desk, "rescan")
            await shown.until(lambda: shown.values.get("build", {}).get("state") in ("done", "failed"))
            assert shown.values["build"]["state"] == "done", shown.values["build"]

    at_desk(tmp_path / "lib", visit)

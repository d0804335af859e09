"""Open the page of a running daemon as a browser does, with a timeout on every wait."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

import aiohttp

from bridge.config import Config
from bridge.page.security import TOKEN_HEADER, WS_PROTOCOL
from realtime.engine import Engine
from tests.bridge.rig import Rig, quick_engine, run_daemon

__all__ = ["Json", "PagePeer", "talk"]

WAIT_S = 20.0

Json = dict[str, Any]  # Any: what JSON holds


class PagePeer:
    """Hold one WebSocket, and the state as it was told.

    Args:
        url: Of the page.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.token = ""
        self.version = 0
        self.sections: Json = {}
        self.events: list[Json] = []
        self.raw: list[Json] = []
        self._requests = 0

    async def __aenter__(self) -> Self:
        self.http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(WAIT_S))
        async with self.http.get(self.url) as answer:
            found = re.search(r'name="timbrel-token" content="([\w-]+)"', await answer.text())
        assert found is not None
        self.token = found[1]
        self.ws = await self.connect(self.http)
        await self.until(lambda: bool(self.sections))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.ws.close()
        await self.http.close()

    async def connect(self, http: aiohttp.ClientSession, **changed: str) -> aiohttp.ClientWebSocketResponse:
        """Open a WebSocket with the headers that a browser sends, or others."""
        headers = {"Origin": self.url.rstrip("/")} | changed
        protocols = (WS_PROTOCOL, self.token)
        return await http.ws_connect(f"{self.url}ws", protocols=protocols, headers=headers)

    async def get(self, path: str, **headers: str) -> tuple[int, bytes, Json]:
        """Fetch a path with the token; return status, body, headers."""
        async with self.http.get(f"{self.url}{path}", headers={TOKEN_HEADER: self.token} | headers) as answer:
            return answer.status, await answer.read(), dict(answer.headers)

    async def until(self, is_there: Callable[[], bool]) -> None:
        """Take messages until something holds."""
        async with asyncio.timeout(WAIT_S):
            while not is_there():
                self._take(await self.ws.receive_json())

    async def section(self, name: str, is_right: Callable[[Any], bool]) -> Any:  # Any: what JSON holds
        """Wait until a section is as wanted; return it."""
        await self.until(lambda: name in self.sections and is_right(self.sections[name]))
        return self.sections[name]

    async def lanes(self) -> list[Json]:
        """Wait for instruments; return their lanes."""
        found: Json = await self.section("lanes", lambda section: bool(section["lanes"]))
        return list(found["lanes"])

    async def do(self, command: str, **fields: object) -> None:
        """Send a command."""
        self._requests += 1
        await self.ws.send_json({"do": command, "id": self._requests, **fields})

    async def answer(self, command: str, **fields: object) -> Json:
        """Send a command and return what answers it."""
        await self.do(command, **fields)
        return await self.event(lambda event: event.get("id") == self._requests)

    async def event(self, is_right: Callable[[Json], bool]) -> Json:
        """Wait for an event, and take it."""
        await self.until(lambda: any(is_right(event) for event in self.events))
        found = next(event for event in self.events if is_right(event))
        self.events.remove(found)
        return found

    def _take(self, message: Json) -> None:
        self.raw.append(message)
        if message["type"] == "event":
            self.events.append(message)
            return
        assert message["from"] == self.version
        self.version = message["version"]
        self.sections |= message["changed"]


Talk = Callable[[PagePeer, Rig], Awaitable[None]]


def talk(what: Talk, load: Callable[[Config], Engine] = quick_engine, **options: Any) -> Rig:  # Any: see run_daemon
    """Run a daemon with a page, and talk to it as one; it loads when the page has joined, which thus misses nothing."""
    joined = threading.Event()

    def load_then(config: Config) -> Engine:
        joined.wait(WAIT_S)
        return load(config)

    async def as_page(rig: Rig) -> None:
        async with asyncio.timeout(30):
            while not any(line.startswith("page at ") for line in rig.said):
                await asyncio.sleep(0.01)
        async with PagePeer(_page_url(rig.said)) as peer:
            joined.set()
            await what(peer, rig)

    return run_daemon(lambda rig: asyncio.run(as_page(rig)), load_then, page__enabled=True, page__port=0, **options)


def _page_url(said: list[str]) -> str:
    """Return the address that a daemon printed."""
    return next(match[1] for line in said if (match := re.match(r"page at (\S+)", line)))

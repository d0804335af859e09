"""Be many pages: open the live page as browsers do, read on, and count what comes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.page.security import TOKEN_HEADER, WS_PROTOCOL

if TYPE_CHECKING:
    import aiohttp

__all__ = ["main"]

WAIT_S = 30.0
LOWEST_PRIORITY = 19


@dataclass(slots=True)
class _Counted:
    """Hold what one page got: bytes of JSON, messages, and frames that it was too slow for."""

    size: int = 0
    messages: int = 0
    dropped: int = 0


async def _read(url: str, pages: int, seconds: float) -> list[_Counted]:
    import aiohttp

    async with AsyncExitStack() as stack:
        timeout = aiohttp.ClientTimeout(WAIT_S)
        http = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        sockets = [await stack.enter_async_context(await _open(http, url)) for _ in range(pages)]
        async with asyncio.timeout(WAIT_S):
            before = [(await ws.receive_json())["dropped"] for ws in sockets]
        _tell(connected=pages)
        return await asyncio.gather(
            *(_count(ws, seconds, dropped) for ws, dropped in zip(sockets, before, strict=True))
        )


async def _open(http: aiohttp.ClientSession, url: str) -> aiohttp.ClientWebSocketResponse:
    """Fetch the page, its files and the map; return its WebSocket."""
    async with http.get(url) as answer:
        text = await answer.text()
    token = re.search(r'name="timbrel-token" content="([\w-]+)"', text)
    if token is None:
        raise ValueError("it is no page of Timbrel")
    for path in re.findall(r'(?:src|href)="(/static/[\w.-]+)"', text):
        async with http.get(f"{url}{path.removeprefix('/')}") as answer:
            await answer.read()
    async with http.get(f"{url}map.json", headers={TOKEN_HEADER: token[1]}) as answer:
        await answer.read()
    headers = {"Origin": url.rstrip("/")}
    return await http.ws_connect(f"{url}ws", protocols=(WS_PROTOCOL, token[1]), headers=headers)


async def _count(ws: aiohttp.ClientWebSocketResponse, seconds: float, dropped: int) -> _Counted:
    """Take and parse messages for that long; `dropped` is what was dropped before."""
    counted, end = _Counted(), time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        try:
            text = await ws.receive_str(timeout=left)
        except TimeoutError:
            break
        counted.size += len(text.encode())
        counted.messages += 1
        counted.dropped = json.loads(text).get("dropped", dropped + counted.dropped) - dropped
    return counted


def _tell(**fields: object) -> None:
    """Print a line of JSON for the bench that started this."""
    print(json.dumps(fields), flush=True)  # noqa: T201


def main() -> None:
    """Read for `URL PAGES SECONDS`, with less right to the processor than the daemon.

    Tells "connected" when every page has the whole state, at the end "rows" with bytes, messages and dropped frames of
    each; "failed" when it can't.
    """
    import aiohttp

    if hasattr(os, "nice"):
        os.nice(LOWEST_PRIORITY)
    url, pages, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    try:
        found = asyncio.run(_read(url, pages, seconds))
    except (aiohttp.ClientError, OSError, TimeoutError, TypeError, ValueError) as error:  # TypeError: it was closed
        _tell(failed=str(error) or type(error).__name__)
    else:
        _tell(rows=[[one.size, one.messages, one.dropped] for one in found])


if __name__ == "__main__":
    main()

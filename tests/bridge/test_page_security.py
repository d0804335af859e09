"""Try to read or command the page from where one must not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from bridge.commands import HubCommand
from bridge.config import PageConfig
from bridge.hub import Hub, HubOptions
from bridge.osc.server import Asker
from bridge.page import Page
from bridge.page.security import TOKEN_HEADER, WS_PROTOCOL, headers, refusal, token_fits
from tests.bridge.page_peer import PagePeer

PORT = 17380
OWN = {"Host": f"127.0.0.1:{PORT}"}


def check(request: dict[str, str], *, is_document: bool = False, is_socket: bool = False) -> str | None:
    return refusal(request, PORT, is_document=is_document, is_socket=is_socket)


@pytest.mark.parametrize("host", ["127.0.0.1:17380", "localhost:17380", "LOCALHOST:17380"])
def test_our_own_page_is_answered(host: str) -> None:
    own = {"Host": host}
    assert check(own) is None
    assert check(own | {"Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}, is_socket=True) is None
    assert check(own | {"Sec-Fetch-Site": "cross-site"}, is_document=True) is None  # a link leads here


@pytest.mark.parametrize(
    "host", ["evil.example:17380", "127.0.0.1", "127.0.0.1:80", "127.0.0.1.evil.example:17380", "[::1]:17380", ""]
)
def test_another_host_is_refused_even_for_the_page_itself(host: str) -> None:
    assert check({"Host": host}, is_document=True) is not None


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "https://127.0.0.1:17380", "http://127.0.0.1:8080", "http://localhost:17380", "null", ""],
)
def test_another_origin_is_refused(origin: str) -> None:
    assert check(OWN | {"Origin": origin}) is not None
    assert check(OWN | {"Origin": origin}, is_socket=True) is not None


def test_a_socket_without_an_origin_and_a_fetch_from_another_site_are_refused() -> None:
    assert check(OWN, is_socket=True) is not None
    assert check(OWN | {"Sec-Fetch-Site": "cross-site"}) is not None
    assert check(OWN | {"Sec-Fetch-Site": "same-site"}) is not None  # another port of this machine


def test_a_token_fits_only_itself() -> None:
    assert token_fits("abc", "abc")
    assert not token_fits("abc", "")
    assert not token_fits("abc", "abcd")
    assert not token_fits("abc", "äbc")


def test_the_policy_allows_no_inline_script_and_no_frame() -> None:
    policy = headers(PORT)["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_the_files_of_the_page_hold_no_inline_script_and_name_no_other_server() -> None:
    folder = Path(__file__).parents[2] / "bridge/page/static"
    texts = {path.name: path.read_text("utf-8") for path in folder.iterdir()}
    page = texts["index.html"]
    assert "<script>" not in page
    assert "style=" not in page
    assert " on" not in "".join(part.split(">")[0] for part in page.split("<")).replace(" only", "")
    for name, text in texts.items():
        assert "https://" not in text, name
        assert not any(sink in text for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "eval(")), name


@asynccontextmanager
async def served() -> AsyncIterator[tuple[Page, list[HubCommand]]]:
    """Serve a page whose commands are kept."""
    got: list[HubCommand] = []

    def on_command(command: HubCommand, asker: Asker) -> None:
        got.append(command)

    page = Page(Hub(HubOptions("bus")), on_command, "gm")
    said: list[str] = []
    await page.start(PageConfig(port=0), said.append)
    try:
        yield page, got
    finally:
        await page.close("the test is over")


async def status_of(url: str, **sent: str) -> int:
    async with aiohttp.ClientSession() as http, http.get(url, headers=sent) as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in answer.headers
        return answer.status


async def socket_status(url: str, *protocols: str, **sent: str) -> int:
    async with aiohttp.ClientSession() as http:
        try:
            async with http.ws_connect(f"{url}ws", protocols=protocols, headers=sent):
                return 101
        except aiohttp.WSServerHandshakeError as error:
            return error.status


def test_a_real_server_refuses_foreign_hosts_origins_and_tokens() -> None:
    async def main() -> None:
        async with served() as (page, got):
            url, token = page.url, page.token
            own = url.rstrip("/")
            assert await status_of(url) == 200
            assert await status_of(url, Host="evil.example") == 403
            assert await status_of(url, Origin="http://evil.example") == 403
            assert await status_of(f"{url}static/main.js") == 200
            for name in ("../page.py", "..%2fpage.py", "%2e%2e/page.py", "nothing.js", "/etc/passwd"):
                assert await status_of(f"{url}static/{name}") in (403, 404)
            for path in ("preview/x", "map.json", "ws", "nothing", "preview/"):
                assert await status_of(f"{url}{path}") == 403
                assert await status_of(f"{url}{path}", **{TOKEN_HEADER: "x" * 43}) == 403
            assert await status_of(f"{url}preview/x", **{TOKEN_HEADER: token}) == 503  # nothing is loaded
            assert await status_of(f"{url}preview/x", **{TOKEN_HEADER: token, "Origin": "http://evil.example"}) == 403
            assert await socket_status(url, WS_PROTOCOL, token, Origin=own) == 101
            assert await socket_status(url, WS_PROTOCOL, token) == 403
            assert await socket_status(url, WS_PROTOCOL, token, Origin="http://evil.example") == 403
            assert await socket_status(url, WS_PROTOCOL, token, Origin=own, Host="evil.example") == 403
            assert await socket_status(url, WS_PROTOCOL, "x" * 43, Origin=own) == 403
            assert await socket_status(url, WS_PROTOCOL, Origin=own) == 403
            assert await socket_status(url, token, Origin=own) == 403
            assert got == []

    asyncio.run(main())


def test_it_listens_on_the_loopback_alone() -> None:
    async def main() -> None:
        async with served() as (page, _):
            import psutil

            ports = [c.laddr for c in psutil.Process().net_connections("tcp") if c.status == psutil.CONN_LISTEN]
            assert [address.ip for address in ports if f":{address.port}/" in page.url] == ["127.0.0.1"]

    asyncio.run(main())


def test_only_get_is_answered() -> None:
    async def main() -> None:
        async with served() as (page, _), aiohttp.ClientSession() as http:
            for method in ("POST", "PUT", "DELETE", "OPTIONS"):
                async with http.request(method, page.url, headers={TOKEN_HEADER: page.token}) as answer:
                    assert answer.status == 405

    asyncio.run(main())


def test_more_pages_than_a_studio_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.page.server.MOST_PAGES", 2)

    async def main() -> None:
        async with served() as (page, _), PagePeer(page.url) as one, PagePeer(page.url):
            own = page.url.rstrip("/")
            assert await socket_status(page.url, WS_PROTOCOL, page.token, Origin=own) == 503
            await one.ws.close()
            while len(page.clients) == 2:
                await asyncio.sleep(0.01)
            assert await socket_status(page.url, WS_PROTOCOL, page.token, Origin=own) == 101

    asyncio.run(main())

"""Try to get at the live page from pages of other origins, in a real browser."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.browser.browser import Served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]


class Evil(BaseHTTPRequestHandler):
    """Serve an empty page of another origin on this machine."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>evil</title>")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server names it
        pass


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1"])
def test_a_page_of_another_origin_can_neither_read_nor_command(chromium: Browser, daemon: Served, host: str) -> None:
    context = chromium.new_context()
    opened = context.new_page()
    with HTTPServer(("127.0.0.1", 0), Evil) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        # The first is what a browser itself keeps away from this machine; the second only we can refuse.
        opened.route("http://evil.example/", lambda route: route.fulfill(body="<title>evil</title>"))
        opened.goto(f"http://{host}:{server.server_port}/" if host == "127.0.0.1" else f"http://{host}/")
        try_from_there(context, opened, daemon)
        server.shutdown()
    context.close()


def try_from_there(context: BrowserContext, opened: Page, daemon: Served) -> None:
    token = context.request.get(daemon.url).text().split('name="timbrel-token" content="')[1].split('"')[0]
    tried = opened.evaluate(
        """async ([url, token]) => {
            const fetched = async (path, options) => {
                try { return (await fetch(url + path, options)).status; } catch { return "refused"; }
            };
            const socket = new WebSocket(url.replace("http", "ws") + "ws", ["timbrel-1", token]);
            const opened = await new Promise((done) => {
                socket.onopen = () => done(true);
                socket.onerror = () => done(false);
            });
            const frame = document.createElement("iframe");
            frame.src = url;
            document.body.append(frame);
            await new Promise((done) => { frame.onload = done; });
            let framed; try { framed = frame.contentDocument.title; } catch { framed = "refused"; }
            const map = await fetched("map.json", { headers: { "X-Timbrel-Token": token } });
            return { page: await fetched("", {}), map, opened, framed: framed ?? "refused" };
        }""",
        [daemon.url, token],
    )
    assert tried == {"page": "refused", "map": "refused", "opened": False, "framed": "refused"}

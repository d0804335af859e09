"""Serve an evaluation: by itself and beside the page, and nothing but its own files."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from bridge.cli.app import run_cli
from bridge.page.report import Report, ReportServer
from bridge.watching import TIMBREL
from library.errors import InputError
from tests.bridge.page_peer import PagePeer, talk
from tests.bridge.rig import Rig

INDEX = "<!doctype html><title>What Timbrel hears</title>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What `timbrel eval --report` writes, and what else may lie beside it."""
    report = tmp_path / "report"
    (report / "sounds").mkdir(parents=True)
    (report / "other").mkdir()
    files = {
        "index.html": INDEX,
        "report.css": "h1{}",
        "report.js": "0",
        "map.png": "png",
        "sounds/mixture-000.ogg": "ogg",
    }
    for name, text in (files | {"notes.txt": "mine", "other/x.png": "x", "more.html": "more"}).items():
        (report / name).write_text(text)
    (tmp_path / "secret.png").write_text("secret")
    (report / "link.png").symlink_to(tmp_path / "secret.png")
    return report


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    server = ReportServer(Report(folder))
    await server.start(0)
    try:
        async with aiohttp.ClientSession() as http:
            yield http, server.url
    finally:
        await server.close()


async def get(http: aiohttp.ClientSession, url: str, **sent: str) -> tuple[int, str, str]:
    async with http.get(url, headers=sent, allow_redirects=False) as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        return answer.status, await answer.text(), policy


def test_its_files_are_served_under_a_policy_that_lets_sounds_play(folder: Path) -> None:
    async def main() -> None:
        async with serving(folder) as (http, url):
            status, text, policy = await get(http, url)
            assert (status, text) == (200, INDEX)
            assert "media-src 'self'" in policy
            assert "connect-src" not in policy
            for name in ("report.css", "report.js", "map.png", "sounds/mixture-000.ogg"):
                assert (await get(http, url + name))[0] == 200
            async with http.get(f"{url}sounds/mixture-000.ogg", headers={"Range": "bytes=1-1"}) as part:
                assert (part.status, part.content_type, await part.read()) == (206, "audio/ogg", b"g")

    asyncio.run(main())


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt", "more.html", "index.html", "other/x.png", "link.png", "nothing.png", "sounds", "sounds/",
        "../secret.png", "..%2fsecret.png", "%2e%2e/secret.png", "sounds/../../secret.png", "map.png%00",
        "/etc/passwd", "%2fetc%2fpasswd",
    ],
)  # fmt: skip
def test_nothing_else_is_served(folder: Path, name: str) -> None:
    async def main() -> None:
        async with serving(folder) as (http, url):
            status, text, _ = await get(http, url + name)
            assert (status, "secret" in text, "mine" in text) == (404, False, False)

    asyncio.run(main())


def test_foreign_hosts_origins_and_sites_and_other_methods_are_refused(folder: Path) -> None:
    async def main() -> None:
        async with serving(folder) as (http, url):
            for sent in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
                assert (await get(http, url, **sent))[0] == 403
            assert (await get(http, f"{url}map.png", **{"Sec-Fetch-Site": "cross-site"}))[0] == 403
            for method in ("POST", "PUT", "DELETE", "OPTIONS"):
                async with http.request(method, url) as answer:
                    assert answer.status == 405

    asyncio.run(main())


def test_a_report_that_is_written_again_shows_and_one_that_is_gone_is_told(folder: Path) -> None:
    async def main() -> None:
        async with serving(folder) as (http, url):
            (folder / "counts.png").write_text("new")
            assert (await get(http, f"{url}counts.png"))[0] == 404
            assert (await get(http, url))[0] == 200
            assert (await get(http, f"{url}counts.png"))[:2] == (200, "new")
            (folder / "counts.png").unlink()
            assert (await get(http, f"{url}counts.png"))[0] == 404
            (folder / "index.html").unlink()
            status, text, _ = await get(http, url)
            assert (status, "the report is gone" in text) == (404, True)

    asyncio.run(main())


def test_a_folder_without_a_report_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="holds no report"):
        Report(tmp_path)
    assert run_cli(["eval", "--show", str(tmp_path)]) == 2
    assert "holds no report; make one with `timbrel eval" in capsys.readouterr().err
    assert run_cli(["eval"]) == 2
    assert "--data" in capsys.readouterr().err


def test_the_command_serves_until_it_is_stopped(folder: Path) -> None:
    command = [*TIMBREL, "eval", "--show", str(folder), "--page", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.match(r"evaluation at (http://127\.0\.0\.1:\d+/)", process.stdout.readline())
        assert found is not None

        async def main(url: str) -> None:
            async with aiohttp.ClientSession() as http:
                assert (await get(http, url))[1] == INDEX

        asyncio.run(main(found[1]))
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_beside_the_page_it_is_linked_and_needs_no_token(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    async def what(peer: PagePeer, rig: Rig) -> None:
        assert peer.sections["report"] is True
        assert await get(peer.http, f"{peer.url}report/") == (
            200,
            INDEX,
            (await get(peer.http, f"{peer.url}report/"))[2],
        )
        assert (await get(peer.http, f"{peer.url}report/sounds/mixture-000.ogg"))[0] == 200
        assert (await get(peer.http, f"{peer.url}report/../secret.png"))[0] in (403, 404)
        assert (await get(peer.http, f"{peer.url}report/link.png"))[0] == 404
        assert (await get(peer.http, f"{peer.url}report/", Host="evil.example"))[0] == 403
        assert (await get(peer.http, f"{peer.url}map.json"))[0] == 403
        assert "media-src" not in (await get(peer.http, peer.url))[2]

    talk(what, page__report=str(folder))


def test_a_daemon_goes_on_without_an_evaluation_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    async def what(peer: PagePeer, rig: Rig) -> None:
        assert "report" not in peer.sections
        assert (await get(peer.http, f"{peer.url}report/"))[0] == 404
        assert any(line.startswith("no evaluation: ") and "holds no report" in line for line in rig.said)

    talk(what, page__report=str(tmp_path))

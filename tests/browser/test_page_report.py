"""Look at an evaluation in Chromium, and listen to its cases."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe

from library.evaluation.report import write_report
from tests.browser.browser import LOAD_MS, TIMBREL, WAIT_MS, served
from tests.fakes import SpectrumEncoder
from tests.library.test_evaluate import data

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["data"]

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

PLAYS = "() => { const audio = document.querySelector('audio'); return !audio.paused && audio.currentTime > 0.2; }"
CLIP_S = 5.0


@pytest.fixture
def report(data: Path, tmp_path: Path) -> Path:
    """Write the evaluation of an encoder that hears, and sometimes errs."""
    out = tmp_path / "report"
    rows = [[name, *["0.123 (0.100-0.150)"] * 8] for name in ("chance", "timbrel")]
    write_report(data, SpectrumEncoder(), {"Single instruments": ([f"figure {n}" for n in range(8)], rows)}, out)
    return out


@contextmanager
def shown(report: Path) -> Iterator[str]:
    """Serve a report as `timbrel eval --show` does."""
    command = [sys.executable, "-c", TIMBREL, "eval", "--show", str(report), "--page", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.match(r"evaluation at (\S+);", process.stdout.readline())
            assert found is not None
            yield found[1]
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()


def listen(opened: Page) -> None:
    """Hear a mixture and, where they are, what is in it and what was named; only one of them at a time."""
    opened.wait_for_selector(".case")
    for selector in (".case header .play", ".case .sides div:first-child .play", ".case .sides div:last-child .play"):
        opened.locator(selector).first.click()
        opened.wait_for_function(PLAYS)
        assert opened.evaluate("() => document.querySelector('audio').duration") == pytest.approx(CLIP_S, abs=0.1)
        assert opened.evaluate("() => document.querySelector('audio').error") is None
        assert opened.locator(".play[aria-pressed=true]").count() == 1
        assert opened.get_attribute(".play[aria-pressed=true]", "href") is not None
    opened.focus(".play[aria-pressed=true]")
    opened.keyboard.press(" ")
    opened.wait_for_function(
        "() => document.querySelector('audio').paused && !document.querySelector('.play[aria-pressed=true]')"
    )


def test_cases_play_and_nothing_is_blocked_broken_or_wider_than_a_phone(chromium: Browser, report: Path) -> None:
    complaints: list[str] = []
    schemes: tuple[Literal["dark", "light"], ...] = ("dark", "light")
    with shown(report) as url:
        for scheme, width in zip(schemes, (1440, 400), strict=True):
            context = chromium.new_context(viewport={"width": width, "height": 860}, color_scheme=scheme)
            opened = context.new_page()
            opened.set_default_timeout(WAIT_MS)
            opened.on("pageerror", lambda error: complaints.append(str(error)))
            opened.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
            opened.goto(url)
            listen(opened)
            assert opened.locator(".case").count() >= 2
            assert opened.evaluate("() => [...document.images].every((one) => one.complete && one.naturalWidth > 100)")
            assert opened.evaluate("() => document.documentElement.scrollWidth") <= width
            background = opened.evaluate("() => getComputedStyle(document.querySelector('.case')).backgroundColor")
            assert background != "rgba(0, 0, 0, 0)"  # the style came along
            grave = [v for v in Axe().run(opened).response["violations"] if v["impact"] in ("serious", "critical")]
            assert grave == []
            context.close()
    assert complaints == []


def test_the_live_page_links_to_it_and_goes_on(chromium: Browser, report: Path, tmp_path: Path) -> None:
    context = chromium.new_context()
    live = context.new_page()
    live.set_default_timeout(LOAD_MS)
    with served(tmp_path, "--report", str(report)) as daemon:
        live.goto(daemon.url)
        with context.expect_page() as opening:
            live.click("#report-open")
        opened = opening.value
        opened.set_default_timeout(WAIT_MS)
        assert opened.url == f"{daemon.url}report/"
        listen(opened)
        assert opened.evaluate("() => window.opener") is None
        assert live.get_attribute("body", "data-link") == "open"
    context.close()


def test_a_report_opened_as_a_file_plays_too(chromium: Browser, report: Path) -> None:
    context = chromium.new_context()
    opened = context.new_page()
    opened.set_default_timeout(WAIT_MS)
    opened.goto(report.joinpath("index.html").as_uri())
    listen(opened)
    context.close()

"""Start a browser, and daemons for it to look at."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from library.audio import write_audio
from library.demo import load_demo_song
from tests.bridge.osc_peer import free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = [
    "FAILING",
    "LOAD_MS",
    "SONG",
    "TIMBREL",
    "WAIT_MS",
    "Served",
    "browser",
    "chromium_path",
    "open_page",
    "served",
    "silence",
]

ROOT = Path(__file__).parents[2]
SONG = f"file:{load_demo_song().audio.relative_to(ROOT)},loop"
TIMBREL = "from bridge.cli import main; main()"
FAILING = "from tests.browser.failing import main; main()"
"""Timbrel whose encoder fails after a while; see tests.browser.failing."""

LOAD_MS = 120_000
"""Longest wait for weights and a first window: a busy machine imports torch slowly."""

WAIT_MS = 60_000
NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium_path() -> str | None:
    """Return where Chromium is, None where it is not installed."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def browser() -> Iterator[Browser]:
    """Start Chromium without a window; sound goes nowhere."""
    from playwright.sync_api import sync_playwright

    # As root, which CI is, Chromium has no sandbox; containers have little /dev/shm.
    options = ["--no-sandbox", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=options)
        try:
            yield chromium
        finally:
            chromium.close()


@dataclass(frozen=True, slots=True)
class Served:
    """Hold a running daemon.

    Attributes:
        process: Its process.
        url: Where its page is.
        osc: Where it listens for OSC.
    """

    process: subprocess.Popen[str]
    url: str
    osc: tuple[str, int]


@contextmanager
def served(
    own: Path, *options: str, source: str = SONG, port: int = 0, osc: int = 0, program: str = TIMBREL
) -> Iterator[Served]:
    """Start `timbrel run` with its page.

    Args:
        own: Folder for what it writes about itself.
        options: More of the command line.
        source: What it listens to.
        port: Of the page, 0 = any.
        osc: Port for OSC, 0 = any.
        program: What runs it, TIMBREL or FAILING.
    """
    environment = os.environ | dict.fromkeys(("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), str(own))
    command = [sys.executable, "-c", program, "run", "--input", source, "--midi", "", "--device", "cpu"]
    process = subprocess.Popen(
        [*command, "--page", str(port), *options, "--osc", f"127.0.0.1:{osc or free_port()}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        cwd=ROOT,
    )
    assert process.stdout is not None
    found: dict[str, str] = {}
    try:
        for line in process.stdout:
            for name, pattern in (("osc", r"OSC at ([\d.:]+)"), ("page", r"page at (\S+)")):
                if match := re.match(pattern, line):
                    found[name] = match[1]
            if len(found) == 2:
                break
        else:
            raise AssertionError("the daemon ended before it served its page")
        host, _, number = found["osc"].partition(":")
        yield Served(process, found["page"], (host, int(number)))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=20)
        finally:
            process.kill()


def silence(folder: Path) -> str:
    """Write a recording of nothing; return it as an input."""
    path = folder / "silence.wav"
    write_audio(path, np.zeros(22_050 * 20, np.float32), 22_050)
    return f"file:{path},loop"


def open_page(opened: Page, url: str, errors: list[str]) -> Page:
    """Open a page and wait for instruments; what its console complains about goes into `errors`."""
    opened.set_default_timeout(WAIT_MS)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    opened.goto(url)
    opened.wait_for_selector(".lane .sound", timeout=LOAD_MS)
    return opened

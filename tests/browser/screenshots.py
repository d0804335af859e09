"""Take pictures of the live page in its states: `python -m tests.browser.screenshots [FOLDER]`.

Without a folder it makes the picture of the README, examples/page.png. With one it writes each state there, dark and
light: hearing, phone, library, silent, degraded (its encoder fails), no-device, and what is left when it has ended.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tests.browser.browser import FAILING, SONG, TIMBREL, browser, chromium_path, served, silence

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PICTURE = Path(__file__).parents[2] / "examples" / "page.png"
DESK, PHONE, WHOLE = (1440, 900), (400, 860), (1440, 990)
HEARD_MS = 45_000
"""So much of the song is heard before the picture: something stands in the strip."""

WAIT_MS = 180_000
SCHEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")
MAP_IS_DRAWN = "() => document.querySelector('#map-count').textContent !== ''"
LANES = "() => document.querySelectorAll('.lane:not(.away)').length >= 3"


def open_page(chromium: Browser, url: str, size: tuple[int, int], scheme: Literal["dark", "light"]) -> Page:
    """Open the page in a window of that size."""
    context = chromium.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(url)
    return page


def hearing(page: Page, wait_ms: float = HEARD_MS) -> None:
    """Wait until several instruments are heard, and a while of the session is over."""
    page.wait_for_selector(".lane .sound")
    page.wait_for_timeout(wait_ms)
    page.wait_for_function(LANES)
    page.wait_for_function("() => document.querySelectorAll('.toast').length === 0")


def readme_picture(chromium: Browser, own: Path) -> None:
    """Take the picture of the README: the bundled song, one sound chosen."""
    with served(own) as daemon:
        page = open_page(chromium, daemon.url, WHOLE, "dark")
        page.wait_for_selector(".lane .sound")
        page.wait_for_timeout(HEARD_MS)
        page.wait_for_function(LANES)
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_selector("#log li")
        page.wait_for_function("() => document.querySelectorAll('.toast').length === 0")
        page.screenshot(path=PICTURE)
    print(f"{PICTURE.relative_to(PICTURE.parents[1])}: {PICTURE.stat().st_size / 1024:.0f} KiB")  # noqa: T201


def library_picture(page: Page, path: Path) -> None:
    """Take a picture of the view of the library, and leave it."""
    page.keyboard.press("b")
    page.wait_for_selector("#kinds li")
    page.screenshot(path=path, full_page=True)
    page.keyboard.press("Escape")


def all_states(chromium: Browser, own: Path, folder: Path) -> None:
    """Take a picture of each state, dark and light."""
    folder.mkdir(parents=True, exist_ok=True)
    with served(own) as daemon:
        for scheme in SCHEMES:
            page = open_page(chromium, daemon.url, DESK, scheme)
            hearing(page, 10_000)
            page.screenshot(path=folder / f"hearing-{scheme}.png")
            phone = open_page(chromium, daemon.url, PHONE, scheme)
            hearing(phone, 1000)
            phone.screenshot(path=folder / f"phone-{scheme}.png", full_page=True)
            for one, name in ((page, "library"), (phone, "library-phone")):
                library_picture(one, folder / f"{name}-{scheme}.png")
    page.wait_for_selector("body[data-link=closed]")
    page.screenshot(path=folder / f"offline-{scheme}.png")
    for state, source, program in (
        ("silent", silence(own), TIMBREL),
        ("degraded", SONG, FAILING),
        ("no-device", "jack:no such port", TIMBREL),
    ):
        with served(own, source=source, program=program) as daemon:
            for scheme in SCHEMES:
                page = open_page(chromium, daemon.url, DESK, scheme)
                page.wait_for_selector(f"body[data-state={state}]")
                page.wait_for_function(MAP_IS_DRAWN)
                page.screenshot(path=folder / f"{state}-{scheme}.png")


def main() -> None:
    """Take the pictures that are asked for."""
    if chromium_path() is None:
        sys.exit("Chromium is missing: apt-get install chromium")
    with tempfile.TemporaryDirectory() as own, browser() as chromium:
        if len(sys.argv) > 1:
            all_states(chromium, Path(own), Path(sys.argv[1]))
        else:
            readme_picture(chromium, Path(own))


if __name__ == "__main__":
    main()

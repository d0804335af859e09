"""Look after a library on the live page in Chromium: real builds of real sounds beside a daemon that hears."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from library.index import BUILT_IN, library_path
from tests.browser.browser import TIMBREL, Served, open_page, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

PREVIEWS = library_path(BUILT_IN) / "previews"
TRUMPET = PREVIEWS / "056.ogg"
AT_FIRST = ("000", "024", "040", "073")
FACTS = "() => /^\\d+ of \\d+ files, \\d+ sounds, .* files.s$/.test(document.querySelector('#build-facts').textContent)"
BUILD_MS = 120_000
"""Longest wait for a build: its process imports torch, slowly on a busy machine."""


@dataclass(frozen=True, slots=True)
class Studio:
    """Hold a daemon that hears a trumpet, and has none in its library.

    Attributes:
        daemon: Its process.
        samples: The folder from which the page may add; one with more sounds is in it, one with many.
        private: A folder outside of it.
    """

    daemon: Served
    samples: Path
    private: Path


def copy(folder: Path, sounds: list[Path], name: str = "") -> Path:
    folder.mkdir(parents=True)
    for number, sound in enumerate(sounds):
        shutil.copy(sound, folder / (f"{name} {number}.ogg" if name else sound.name))
    return folder


@pytest.fixture(scope="module")
def studio(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    own = tmp_path_factory.mktemp("studio")
    first = copy(own / "Samples" / "First", [PREVIEWS / f"{one}.ogg" for one in AT_FIRST])
    (first / "broken.wav").write_text("this is no audio")
    copy(own / "Samples" / "Brass", [TRUMPET], "new trumpet")
    copy(own / "Samples" / "Many", 4 * sorted(PREVIEWS.iterdir())[:100], "one of many")
    private = copy(own / "Private", [TRUMPET], "secret")
    library, config = own / "lib", own / "config.toml"
    config.write_text(f'[library]\npage_folders = ["{own / "Samples"}"]\n')
    build = ["library", "build", str(first), "--out", str(library), "--device", "cpu"]
    assert (
        subprocess.run([sys.executable, "-c", TIMBREL, *build], timeout=300, check=False).returncode == 1
    )  # broken.wav
    options = ("--library", str(library), "--config", str(config), "--report", str(own / "no report"))
    with served(own, *options, source=f"file:{TRUMPET},loop") as daemon:
        yield Studio(daemon, own / "Samples", private)


@pytest.fixture
def errors() -> list[str]:
    """Collect what the page complains about; checked by `page`."""
    return []


@pytest.fixture
def page(chromium: Browser, studio: Studio, errors: list[str]) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    opened = open_page(context.new_page(), studio.daemon.url, errors)
    opened.set_default_timeout(BUILD_MS)
    opened.keyboard.press("b")
    opened.wait_for_selector("#sources tr")
    yield opened
    context.close()
    assert errors == []


def test_the_library_is_shown_with_its_sources_and_errors(page: Page, studio: Studio) -> None:
    assert page.text_content("#library-name") == "lib"
    assert page.text_content("#library-sounds") == "4 sounds, 1 error"
    assert "built " in (page.text_content("#library-built") or "")
    row = page.locator("#sources tr").all_text_contents()
    assert row == [f"First{studio.samples / 'First'}there41"]
    assert "First/broken.wav" in (page.text_content("#errors") or "")
    assert page.text_content("#kinds li") == "sample4"
    assert page.is_hidden("#report-open")  # the folder that was named holds none


def test_it_is_reached_and_left_by_key_and_by_link_and_takes_the_focus_along(page: Page) -> None:
    assert page.evaluate("() => document.activeElement.id") == "library-title"
    assert page.is_hidden("#lanes")
    page.keyboard.press("Escape")
    page.wait_for_selector("#lanes:visible")
    assert page.evaluate("() => document.activeElement.id") == "library-open"
    page.keyboard.press("Enter")
    page.wait_for_selector("#library:visible")
    assert page.get_attribute("#library-open", "aria-current") is not None
    page.click(".back")
    page.wait_for_selector("#lanes:visible")
    page.go_back()
    page.wait_for_selector("#library:visible")


def test_keys_of_the_instruments_rest_while_it_is_open(page: Page, studio: Studio) -> None:
    before = page.text_content("#log")
    for key in ("l", "x", "u", "a", "Enter", "ArrowDown"):
        page.keyboard.press(key)
    page.fill("#folder", "")
    page.type("#folder", "baa")
    assert page.input_value("#folder") == "baa"
    page.keyboard.press("Escape")
    page.wait_for_selector("#lanes:visible")
    assert page.text_content("#log") == before
    assert page.locator(".lane.locked").count() == 0
    assert page.get_attribute("#auto", "aria-pressed") == "false"


def test_a_folder_outside_of_what_the_config_allows_is_refused_in_one_line(page: Page, studio: Studio) -> None:
    for path in (str(studio.private), "/etc", f"{studio.samples}/../Private"):
        page.fill("#folder", path)
        page.click("#add")
        said = f"'{path}' is outside of {studio.samples}: see [library] page_folders in the config file"
        page.wait_for_function("(said) => document.querySelector('#library-said').textContent === said", arg=said)
    assert page.is_hidden("#build")
    assert page.get_attribute("#library-said", "role") == "alert"


def test_a_build_is_seen_on_two_pages_and_cancelled_on_either(page: Page, chromium: Browser, studio: Studio) -> None:
    context = chromium.new_context(viewport={"width": 400, "height": 800})
    other = context.new_page()
    other.set_default_timeout(BUILD_MS)
    other.goto(f"{studio.daemon.url}#library")
    other.wait_for_selector("#sources tr")
    page.fill("#folder", str(studio.samples / "Many"))
    page.keyboard.press("Enter")
    for one in (page, other):
        one.wait_for_selector("#build[data-state=building]")
        one.wait_for_function(FACTS)
        assert one.is_disabled("#rescan")
        assert one.is_disabled("#add")
    other.wait_for_function("() => document.querySelector('#build-bar').value > 0")
    other.wait_for_function("() => document.querySelector('#build-file').textContent.startsWith('Many/')")
    assert other.evaluate("() => document.documentElement.scrollWidth") <= 400
    other.click("#cancel-build")
    for one in (page, other):
        one.wait_for_selector("#build[data-state=cancelled]")
        assert "stopped; what was done is kept" in (one.text_content("#build-text") or "")
        assert one.is_enabled("#rescan")
    context.close()


def test_a_folder_that_is_added_is_suggested_and_found(page: Page, studio: Studio) -> None:
    assert "new trumpet" not in (page.text_content("#lanes") or "")
    page.fill("#folder", str(studio.samples / "Brass"))
    page.click("#add")
    page.wait_for_selector("#build[data-state=done]")
    assert "done, 1 new sound, 1 error, 5 sounds in all" in (page.text_content("#build-text") or "")
    page.wait_for_function("() => document.querySelectorAll('#sources tr').length === 2")
    page.click(".back")
    page.wait_for_selector(".sound .name:has-text('new trumpet 0')")
    page.keyboard.press("/")
    page.keyboard.type("new trumpet")
    page.wait_for_selector("#map-found button:has-text('new trumpet 0')")
    page.click("#map-found button")
    page.wait_for_selector("#player[data-state=playing]")


def test_a_rescan_takes_up_what_came(page: Page, studio: Studio) -> None:
    shutil.copy(PREVIEWS / "060.ogg", studio.samples / "First" / "late horn.ogg")
    before = int((page.text_content("#library-sounds") or "").split()[0])
    page.click("#rescan")
    page.wait_for_selector("#build-text:has-text('Rescan: done, 1 new sound')")
    page.wait_for_function(
        "(wanted) => parseInt(document.querySelector('#library-sounds').textContent) === wanted", arg=before + 1
    )


def test_the_built_in_library_says_why_nothing_can_be_done(
    chromium: Browser, daemon: Served, errors: list[str]
) -> None:
    context = chromium.new_context(viewport={"width": 400, "height": 800})
    opened = open_page(context.new_page(), daemon.url, errors)
    opened.click("#library-open")
    opened.wait_for_selector("#kinds li")
    assert opened.is_visible("#library-fixed")
    assert opened.is_hidden("#rescan")
    assert opened.is_hidden("#folder")
    assert opened.locator("#families li").count() > 10
    assert opened.evaluate("() => document.documentElement.scrollWidth") <= 400
    context.close()
    assert errors == []

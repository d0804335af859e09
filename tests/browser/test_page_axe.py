"""Let axe-core look at the live page for what keeps people out, in each of its states, sizes and colours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe

from library.build import build_library
from library.encoders import load_encoder
from tests.browser.browser import FAILING, LOAD_MS, SONG, TIMBREL, Served, open_page, served, silence
from tests.library.sound_files import write_tone

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

GRAVE = ("serious", "critical")
SIZES = ((1440, 900), (400, 800))
SCHEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def faults(page: Page) -> list[str]:
    """Return what axe-core finds that is serious or critical: a line for each rule and element.

    It is evaluated beside the page's own scripts, so that the page's policy stays as it is.
    """
    return [
        f"{rule['id']} ({rule['impact']}) {' '.join(node['target'])}: {node['failureSummary']}"
        for rule in Axe().run(page).response["violations"]
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]


def faults_everywhere(page: Page) -> list[str]:
    """Return the faults at a desk and on a phone, dark and light."""
    found = []
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.evaluate(DRAWN)
            found += [f"{width} px, {scheme}: {fault}" for fault in faults(page)]
    return found


@pytest.fixture
def page(chromium: Browser, daemon: Served) -> Iterator[Page]:
    """Open the page and wait for instruments."""
    context = chromium.new_context()
    yield open_page(context.new_page(), daemon.url, [])
    context.close()


def hear(page: Page) -> None:
    """Leave the page as it opens."""


def show_keys(page: Page) -> None:
    """Open the list of keys."""
    page.keyboard.press("?")
    page.wait_for_selector("#help[open]")


def search_preview_and_err(page: Page) -> None:
    """Show what was found, what plays, what was refused and what has the focus."""
    page.fill("#map-search", "piano")
    page.click("#map-found button")
    page.wait_for_selector("#player[data-state=playing]")
    page.fill("#bus-name", "file:/etc/passwd")
    page.press("#bus-name", "Enter")
    page.wait_for_selector("#log .error")
    page.focus(".sound")


def change_what_counts(page: Page) -> None:
    """Open the inputs, move a slider, like and lock a sound."""
    page.click("#inputs summary")
    page.wait_for_function("() => document.querySelector('#inputs-note').textContent !== ''")
    page.focus("#threshold")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#threshold-reset:enabled")
    page.focus(".sound")
    page.keyboard.press("f")
    page.keyboard.press("l")
    page.wait_for_selector(".lane.locked")


def open_the_built_in_library(page: Page) -> None:
    """Look at the library that can't be changed."""
    page.keyboard.press("b")
    page.wait_for_selector("#library-fixed:visible")


@pytest.mark.parametrize(
    "use", [hear, show_keys, search_preview_and_err, change_what_counts, open_the_built_in_library]
)
def test_nothing_grave_is_found_while_it_hears(page: Page, use: Callable[[Page], None]) -> None:
    use(page)
    found = faults_everywhere(page)
    assert not found, "\n".join(found)


def test_a_control_that_loses_its_label_is_found(page: Page) -> None:
    page.evaluate(
        "() => document.querySelector('#map-search').closest('label').replaceWith(document.createElement('input'))"
    )
    assert [fault.split(" ")[0] for fault in faults(page)] == ["label"]


def test_a_text_that_is_too_faint_is_found(page: Page) -> None:
    page.evaluate("() => { document.querySelector('#sentence').style.opacity = '0.3'; }")
    assert [fault.split(":")[0] for fault in faults(page)] == ["color-contrast (serious) #sentence"]


def test_nothing_grave_is_found_in_a_library_with_errors_and_its_build(chromium: Browser, tmp_path: Path) -> None:
    source, library = tmp_path / "src", tmp_path / "lib"
    write_tone(source / "flute.wav", 440.0, 0.5, 1)
    (source / "broken.wav").write_bytes(b"no audio at all")
    build_library([source], library, load_encoder(device="cpu"))
    config = tmp_path / "config.toml"
    config.write_text(f'[library]\npage_folders = ["{source}"]\n')
    context = chromium.new_context()
    opened = context.new_page()
    with served(tmp_path, "--library", str(library), "--config", str(config)) as daemon:
        opened.goto(daemon.url)
        opened.wait_for_selector("body[data-state=listening]", timeout=LOAD_MS)
        opened.keyboard.press("b")
        opened.wait_for_selector("#errors li")
        opened.click("#rescan")
        opened.wait_for_selector("#build:visible")
        opened.fill("#folder", "/etc")
        opened.click("#add")
        opened.wait_for_function("() => document.querySelector('#library-said').textContent !== ''")
        found = faults_everywhere(opened)
    context.close()
    assert not found, "\n".join(found)


@pytest.mark.parametrize("state", ["silent", "no-device", "degraded"])
def test_nothing_grave_is_found_when_it_can_not_hear_and_when_it_has_ended(
    chromium: Browser, tmp_path: Path, state: str
) -> None:
    sources = {"silent": silence(tmp_path), "no-device": "jack:no such port"}
    context = chromium.new_context()
    opened = context.new_page()
    with served(
        tmp_path, source=sources.get(state, SONG), program=FAILING if state == "degraded" else TIMBREL
    ) as daemon:
        opened.goto(daemon.url)
        opened.wait_for_selector(f"body[data-state={state}]", timeout=LOAD_MS)
        assert (opened.locator(".lane.away").count() > 0) == (state == "degraded")  # what was heard is still offered
        found = faults_everywhere(opened)
    opened.wait_for_selector("body[data-link=closed]")
    found += faults_everywhere(opened)
    context.close()
    assert not found, "\n".join(found)

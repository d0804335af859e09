"""Run `timbrel bench page` on a recording that goes by quickly, with an encoder that needs no weights."""

from __future__ import annotations

import json

import pytest

from bridge.bench.page import bench_page
from bridge.bench.watched import Hearing, Stretch, WatchedBus, run_watched
from bridge.config import Config, override
from bridge.parts import Parts
from library.demo import load_demo_song
from library.errors import InputError, TimbrelError
from realtime.file_source import FileSource
from realtime.types import AudioSource
from tests.bridge.rig import quick_engine
from tests.bridge.shell import Shell
from tests.browser.browser import chromium_path

SPEED = 10.0


def quick_song(name: str) -> AudioSource:
    """Play the bundled song ten times as fast, so that windows come soon; hops are those of the song."""
    return FileSource(load_demo_song().audio, loop=True, speed=SPEED)


PARTS = Parts(quick_engine, quick_song)
CONFIG = override(Config(), {"input": "song", "library.taste": False})


def test_pages_are_counted_beside_a_run_without_them() -> None:
    said: list[str] = []
    result = bench_page(PARTS, CONFIG, 3, 2.0, 0, said.append)
    for hearing in (result.without, result.with_pages):
        assert 0 <= hearing.missed_hops < hearing.hops
        assert 0.0 < hearing.p50_ms <= hearing.p99_ms
        assert hearing.cpu_s > 0.0
    assert result.p50_ratio == result.with_pages.p50_ms / result.without.p50_ms
    assert result.page_cpu_s == result.with_pages.cpu_s - result.without.cpu_s
    assert result.traffic.pages == 3
    assert 1000 < result.traffic.mean_bytes_s <= result.traffic.most_bytes_s
    assert result.traffic.messages_s > 1.0
    assert (result.pixels, result.pixels_skipped) == (None, "it was not asked for")
    pages = ["3 pages: connecting", "3 pages: 1 s"]
    assert said == ["without a page: 1 s", *pages, *pages, "Chromium: 0 updates", "without a page: 1 s"]


@pytest.mark.browser
@pytest.mark.slow
def test_updates_are_timed_in_chromium() -> None:
    if chromium_path() is None:
        pytest.skip("Chromium is missing: apt-get install chromium")
    pixels = bench_page(PARTS, CONFIG, 1, 1.0, 5, lambda _: None).pixels
    assert pixels is not None
    assert pixels.updates >= 5
    assert 0.0 < pixels.p50_ms <= pixels.p99_ms
    assert 0.0 < pixels.step_ms < 10.0
    assert pixels.apart_ms < 1000.0
    assert int(pixels.browser.split(".")[0]) > 100


def test_without_chromium_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", "/nowhere")
    result = bench_page(PARTS, CONFIG, 1, 1.0, 1, lambda _: None)
    assert result.pixels is None
    assert "apt-get install chromium" in result.pixels_skipped


def test_stretches_are_taken_together() -> None:
    hearing = Hearing.over([Stretch((1.0, 3.0), 3, 1, 2.0, 5.0), Stretch((2.0,), 1, 0, 1.0, 10.0)])
    assert (hearing.hops, hearing.missed_hops, hearing.p50_ms, hearing.cpu_s) == (5, 1, 2.0, 0.2)


def test_a_daemon_that_can_not_start_fails_the_bench_with_its_own_words() -> None:
    def nothing(name: str) -> AudioSource:
        raise InputError(name, "is no input", "name one")

    with pytest.raises(InputError, match="is no input"):
        bench_page(Parts(quick_engine, nothing), CONFIG, 1, 1.0, 0, lambda _: None)


def test_a_page_that_can_not_be_served_fails_the_bench() -> None:
    async def use(bus: WatchedBus) -> str:
        bus.say("no page: 127.0.0.1:17380: every port up to 17389 is taken")
        return await bus.page()

    with pytest.raises(TimbrelError, match="every port up to 17389 is taken"):
        run_watched(PARTS, override(CONFIG, {"midi.port": "", "osc.port": 17_390, "page.enabled": False}), use)


def test_the_command_prints_one_object(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.parts.Parts", lambda: PARTS)
    answer = shell("bench", "page", "--pages", "2", "--seconds", "1", "--updates", "0", "--json")
    assert answer.code == 0
    found = json.loads(answer.out)
    assert found["traffic"]["pages"] == 2
    assert found["with_pages"]["hops"] > 0
    answer = shell("bench", "page", "--pages", "33")
    assert answer.code == 2
    assert "less than or equal to 32" in answer.err

"""Look at what pages are told with every window."""

from __future__ import annotations

import time

from bridge.config import Config
from realtime.engine import Engine
from realtime.hearing import WARM_UP_RUNS
from tests.bridge.page_peer import PagePeer, talk
from tests.bridge.rig import Rig, near_tone
from tests.browser.failing import FailingEncoder
from tests.fakes import SpectrumEncoder, TableIndex


def failing_engine(config: Config) -> Engine:
    """Make an engine whose encoder fails as soon as it is warm."""
    return Engine(FailingEncoder(SpectrumEncoder(), WARM_UP_RUNS), TableIndex(near_tone(1), ["Piano"]))


def test_a_window_says_when_the_daemon_took_it_in() -> None:
    begun_s = time.time()

    async def what(peer: PagePeer, rig: Rig) -> None:
        pulse = await peer.section("pulse", lambda pulse: pulse["skipped"] is None)
        assert begun_s <= pulse["at"] <= time.time() + 1e-3

    talk(what)


def test_what_can_not_be_analysed_has_a_level_all_the_same() -> None:
    async def what(peer: PagePeer, rig: Rig) -> None:
        pulse = await peer.section("pulse", lambda pulse: pulse["skipped"] == "error")
        assert pulse["slots"] == {}
        assert -15.0 < pulse["level_db"] < pulse["peak_db"] < -9.0  # a sine of amplitude .3

    talk(what, failing_engine)

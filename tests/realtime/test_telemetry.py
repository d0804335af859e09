"""Tests of realtime.telemetry."""

from __future__ import annotations

import pytest

from realtime.telemetry import KEPT_HOPS, Telemetry
from realtime.types import Analysis, Skipped, Timing


def _analysis(encode_ms: float, skipped: Skipped | None = None, has_gap: bool = False) -> Analysis:
    return Analysis(0, 0.0, 5.0, (), skipped, -20.0, Timing(encode_ms=encode_ms), has_gap)


def test_percentiles_are_over_windows_that_were_encoded() -> None:
    telemetry = Telemetry()
    for number in range(101):
        telemetry.window(_analysis(float(number)), clipped=0)
    telemetry.window(_analysis(9999.0, "silent"), clipped=0)
    stage = telemetry.snapshot().stages["encode_ms"]
    assert (stage.n, stage.p50_ms, stage.p99_ms) == (101, 50.0, 99.0)
    assert telemetry.snapshot().stages["total_ms"].p50_ms == pytest.approx(50.0)


def test_only_the_newest_hops_count_for_percentiles() -> None:
    telemetry = Telemetry()
    telemetry.window(_analysis(1e6), clipped=0)
    for _ in range(KEPT_HOPS):
        telemetry.window(_analysis(1.0), clipped=0)
    assert telemetry.snapshot().stages["encode_ms"].p99_ms == 1.0


def test_everything_is_counted_by_its_name() -> None:
    telemetry = Telemetry()
    telemetry.window(_analysis(1.0, "silent", has_gap=True), clipped=3)
    telemetry.ring(missed_hops=4, overwritten=2)
    assert telemetry.error("ValueError") == 1
    assert telemetry.error("ValueError") == 2
    seen = telemetry.snapshot()
    assert (seen.windows, seen.gap_windows, seen.clipped_windows) == (1, 1, 1)
    assert (seen.missed_hops, seen.overwritten) == (4, 2)
    assert seen.skipped == {"silent": 1}
    assert seen.errors == {"ValueError": 2}
    assert seen.stages["encode_ms"].n == 0

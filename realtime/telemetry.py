"""Count what the engine did, with rolling percentiles of how long it took."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass, fields

import numpy as np

from realtime.types import Analysis, Timing

__all__ = ["StageTimes", "Telemetry", "TelemetrySnapshot"]

KEPT_HOPS = 600
"""Hops whose times are kept: five minutes at the default hop; older ones drop out."""

_STAGES = (*(field.name for field in fields(Timing)), "total_ms")


@dataclass(frozen=True, slots=True)
class StageTimes:
    """Hold percentiles of one stage in milliseconds, over n hops."""

    n: int
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class TelemetrySnapshot:
    """Hold all counters at one moment.

    Attributes:
        windows: Windows that were looked at.
        missed_hops: Hops that were passed over because the engine was late.
        overwritten: Windows that the ring had lost before they were read.
        gap_windows: Windows with frames missing inside.
        clipped_windows: Windows with clipped samples.
        skipped: Windows without suggestions, by reason.
        errors: Failures, by kind.
        stages: Times by stage name ("window_ms", "encode_ms", "lookup_ms", "track_ms", "total_ms").
    """

    windows: int
    missed_hops: int
    overwritten: int
    gap_windows: int
    clipped_windows: int
    skipped: dict[str, int]
    errors: dict[str, int]
    stages: dict[str, StageTimes]


class Telemetry:
    """Collect counters; every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._skipped: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._times: deque[Timing] = deque(maxlen=KEPT_HOPS)  # drops the oldest

    def window(self, analysis: Analysis, clipped: int) -> None:
        """Count one window; times are kept of those that went through the encoder."""
        with self._lock:
            self._counts["windows"] += 1
            self._counts["gap"] += analysis.has_gap
            self._counts["clipped"] += clipped > 0
            if analysis.skipped is not None:
                self._skipped[analysis.skipped] += 1
            else:
                self._times.append(analysis.timing)

    def error(self, kind: str) -> int:
        """Count a failure of one kind and return how often it was seen."""
        with self._lock:
            self._errors[kind] += 1
            return self._errors[kind]

    def ring(self, missed_hops: int, overwritten: int) -> None:
        """Take over the counters of the window cutter."""
        with self._lock:
            self._counts["missed"], self._counts["overwritten"] = missed_hops, overwritten

    def snapshot(self) -> TelemetrySnapshot:
        """Return all counters as they are now."""
        with self._lock:
            counts, times = Counter(self._counts), list(self._times)
            skipped, errors = dict(self._skipped), dict(self._errors)
        stages = {stage: _percentiles([float(getattr(timing, stage)) for timing in times]) for stage in _STAGES}
        return TelemetrySnapshot(
            counts["windows"],
            counts["missed"],
            counts["overwritten"],
            counts["gap"],
            counts["clipped"],
            skipped,
            errors,
            stages,
        )


def _percentiles(values: list[float]) -> StageTimes:
    if not values:
        return StageTimes(0, 0.0, 0.0)
    p50, p99 = np.percentile(values, [50, 99])
    return StageTimes(len(values), float(p50), float(p99))

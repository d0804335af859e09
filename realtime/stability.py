"""Turn one number, how surely and for how long an instrument must be heard, into settings of the tracker."""

from __future__ import annotations

from dataclasses import replace

from realtime.tracker import TrackerConfig

__all__ = ["USUAL_STABILITY", "steady"]

USUAL_STABILITY = 0.5
"""Leaves the tracker's settings as they were tuned."""

_REACH = 2.0
"""At either end of the scale everything is half or twice as much as usual: less changes little, more hears nothing."""


def steady(config: TrackerConfig, stability: float) -> TrackerConfig:
    """Return settings under which suggestions come and go sooner, or later and more surely.

    Evidence, hits, windows and the refractory time all grow by the same factor: by half at 0, as they are at .5, twice
    at 1. So an instrument shows after 1 hit, 1 or 2 of 6 windows, and stays for 1 s, 2 s or 4 s unheard.

    Args:
        config: Settings as they are usual.
        stability: 0 = at once, .5 = as usual, 1 = only what is sure.
    """
    factor = _REACH ** ((stability - USUAL_STABILITY) / USUAL_STABILITY)
    hits = max(1, round(config.trigger_hits * factor))
    return replace(
        config,
        trigger_hits=hits,
        trigger_windows=max(hits, round(config.trigger_windows * factor)),
        refractory_s=config.refractory_s * factor,
        least_evidence=config.least_evidence * factor,
    )

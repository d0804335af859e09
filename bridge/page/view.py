"""Write what the hub and the engine hold as the sections that pages show."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any

from bridge.hub_status import BusInfo
from bridge.suggestions import SuggestionList
from bridge.targets import TargetInfo
from library.sounds import MidiProgram, Sound
from realtime.stability import USUAL_STABILITY
from realtime.types import Analysis

__all__ = [
    "ADVICE", "buses_section", "lanes_section", "pulse_section", "status_section", "targets_section", "tuning_section",
]  # fmt: skip

ADVICE = {
    "loading": "The encoder and the library are being loaded; names come after five seconds of sound.",
    "listening": "Listening; a name comes after five seconds of sound.",
    "silent": "Nothing sounds on this bus: press play in your DAW, or check that the bus is routed here.",
    "no-device": "The input is not there: start it, or listen to another bus; Timbrel connects by itself.",
    "degraded": "Windows can't be analysed: run timbrel doctor, or start with --device cpu; it goes on by itself.",
    "disabled": "Suggestions are off: switch Suggest on.",
    "stopped": "The input has ended: listen to another bus, or start Timbrel again.",
}
"""By state: one sentence that says what to do."""

_QUIETEST_DB = -120.0

Json = dict[str, Any]  # Any: what JSON can hold


def status_section(state: str, text: str, *, is_hearing: bool) -> Json:
    """Return the state, what Timbrel says about it, and what to do."""
    advice = "" if state == "listening" and is_hearing else ADVICE.get(state, "")
    return {"state": state, "text": text, "advice": advice}


def lanes_section(
    shown: SuggestionList, locked: Collection[int], liked: Collection[str], can_preview: Callable[[Sound], bool]
) -> Json:
    """Return the list as lanes, one a slot, in the order of the slots.

    Args:
        shown: The present list.
        locked: Slots that the user keeps.
        liked: Ids of the sounds that the user likes.
        can_preview: Tells whether a sound has audio of its own.
    """
    lanes: dict[int, Json] = {}
    for index, item in enumerate(shown.items, 1):
        family = item.sound.family or "unknown"
        lane = lanes.setdefault(
            item.slot, {"slot": item.slot, "family": family, "locked": item.slot in locked, "sounds": []}
        )
        lane["sounds"].append(
            {
                "id": item.sound.id,
                "index": index,
                "name": item.sound.name,
                "kind": item.sound.kind,
                "family": family,
                "path": item.sound.path,
                "source": item.sound.source,
                "program": _program(item.sound.program),
                "score": round(item.score, 3),
                "preview": can_preview(item.sound),
                "liked": item.sound.id in liked,
            }
        )
    return {"list": shown.list_id, "lanes": list(lanes.values())}


def pulse_section(
    analysis: Analysis, level_db: float, peak_db: float, missed_hops: int, windows: int, at_s: float
) -> Json:
    """Return what changes with every window.

    Args:
        analysis: The window.
        level_db: RMS of its newest hop in dBFS.
        peak_db: Peak of its newest hop in dBFS.
        missed_hops: Hops that were passed over so far.
        windows: Windows that were looked at so far.
        at_s: When the daemon took it in, in seconds since the epoch.
    """
    timing = analysis.timing
    return {
        "at": round(at_s, 4),
        "sequence": analysis.sequence,
        "start_s": round(analysis.start_s, 2),
        "end_s": round(analysis.end_s, 2),
        "skipped": analysis.skipped,
        "has_gap": analysis.has_gap,
        "level_db": _db(level_db),
        "peak_db": _db(peak_db),
        "slots": {str(s.slot): [round(s.presence, 3), round(s.since_s, 1)] for s in analysis.suggestions},
        "timing": {
            "window": round(timing.window_ms, 2),
            "encode": round(timing.encode_ms, 2),
            "lookup": round(timing.lookup_ms, 2),
            "track": round(timing.track_ms, 2),
            "total": round(timing.total_ms, 2),
        },
        "missed": missed_hops,
        "windows": windows,
    }


def buses_section(buses: Sequence[BusInfo], focus: int) -> Json:
    """Return several buses with what each hears, and the number of the one in focus, from 0."""
    return {
        "focus": focus,
        "list": [{"input": bus.context, "state": bus.state, "text": bus.text, "heard": bus.heard} for bus in buses],
    }


def targets_section(targets: Collection[TargetInfo], channel: int) -> Json:
    """Return the adapters with the states of their hosts; the user's MIDI channel from 1."""
    return {
        "channel": channel + 1,
        "adapters": [
            {
                "name": target.name,
                "doc": target.doc,
                "state": target.state,
                "version": target.version,
                "current": target.is_current,
                "track": target.track,
                "tracks": [[track.index, track.name] for track in target.tracks],
            }
            for target in targets
        ],
    }


def tuning_section(threshold: float | None, calibrated: float, stability: float) -> Json:
    """Return what is set of how the engine hears.

    Args:
        threshold: Presence from which an instrument counts; None = the calibrated one.
        calibrated: That of the encoder.
        stability: How surely and for how long it must be heard.
    """
    return {
        "threshold": round(calibrated if threshold is None else threshold, 3),
        "calibrated": round(calibrated, 3),
        "set": threshold is not None,
        "stability": round(stability, 3),
        "usual": USUAL_STABILITY,
    }


def _program(program: MidiProgram | None) -> Json | None:
    if program is None:
        return None
    return {
        "channel": program.channel,
        "bank_msb": program.bank_msb,
        "bank_lsb": program.bank_lsb,
        "program": program.program,
    }


def _db(level_db: float) -> float:
    return round(max(_QUIETEST_DB, level_db), 1) if math.isfinite(level_db) else _QUIETEST_DB

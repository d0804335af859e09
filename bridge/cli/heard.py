"""Turn an Analysis into the JSON line of `timbrel listen --json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from library.index import Match
    from library.sounds import MidiProgram
    from realtime.types import Analysis

__all__ = ["analysis_json"]


def analysis_json(file: str, analysis: Analysis) -> dict[str, Any]:
    """Return the values of one window, as the command line's contract names them."""
    return {
        "file": file,
        "start_s": round(analysis.start_s, 3),
        "end_s": round(analysis.end_s, 3),
        "slots": [
            {"presence": round(s.presence, 4), "matches": [_match_json(m) for m in s.matches]}
            for s in analysis.suggestions
        ],
    }


def _match_json(match: Match) -> dict[str, Any]:
    return {
        "name": match.sound.name,
        "score": round(match.score, 4),
        "sound_id": match.sound.id,
        "program": _program_json(match.sound.program),
    }


def _program_json(program: MidiProgram | None) -> dict[str, int | None] | None:
    if program is None:
        return None
    return {"bank_msb": program.bank_msb, "bank_lsb": program.bank_lsb, "program": program.program}

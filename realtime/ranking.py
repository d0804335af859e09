"""Order the sounds of one suggestion so that it changes only for a reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from library.index import Match
from library.sounds import UNPITCHED_FAMILIES
from realtime.types import Suggestion

__all__ = ["dedupe", "melodic", "refresh"]

DRUM_KIND = "drumkit"


def melodic(matches: tuple[Match, ...]) -> tuple[Match, ...]:
    """Drop drum kits and unpitched sounds from the matches of a melodic slot, unless nothing else is there.

    A kit ships as one sound of many instruments, so that it lies near many things by chance; a slot whose best sound is
    a kit is a drum slot and keeps all.
    """
    if not matches or matches[0].sound.kind == DRUM_KIND:
        return matches
    pitched = [m for m in matches if m.sound.kind != DRUM_KIND and m.sound.family not in UNPITCHED_FAMILIES]
    if len(pitched) == len(matches):
        return matches
    return tuple(pitched) or tuple([match for match in matches if match.sound.kind != DRUM_KIND])


def refresh(held: tuple[Match, ...], fresh: tuple[Match, ...], top_k: int, margin: float) -> tuple[Match, ...]:
    """Return the matches to show, given those shown so far and those of the newest look-up.

    The look-up reaches further down than `top_k`, so that sounds that only moved a little are found again with their
    new score. While the best one holds, so does the order.

    Args:
        held: Matches shown so far, () at first.
        fresh: Matches of the newest look-up, best first.
        top_k: Sounds to show.
        margin: Cosine (with taste: standing) by which a new best has to win.
    """
    if not fresh:
        return held
    if not held:
        return fresh[:top_k]
    now = {match.sound.id: match for match in fresh}
    best = now.get(held[0].sound.id)
    if best is None or fresh[0].standing - best.standing >= margin:
        return fresh[:top_k]
    kept = [now[match.sound.id] for match in held if match.sound.id in now]
    shown = {match.sound.id for match in kept}
    filled = kept + [match for match in fresh if match.sound.id not in shown]
    return tuple(filled[:top_k])


def dedupe(suggestions: Iterable[Suggestion]) -> list[Suggestion]:
    """Merge suggestions whose best sound is the same into the first of them, with the highest presence."""
    best: dict[str, Suggestion] = {}
    for suggestion in suggestions:
        key = suggestion.matches[0].sound.id
        first = best.setdefault(key, suggestion)
        if suggestion.presence > first.presence:
            best[key] = replace(first, presence=suggestion.presence)
    return list(best.values())

"""Order the sounds of one suggestion so that it changes only for a reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from library.match import Found, Match
from library.sounds import UNPITCHED_FAMILIES
from realtime.types import Suggestion

__all__ = ["dedupe", "melodic", "refresh"]

DRUM_KIND = "drumkit"


def melodic(found: Found) -> Found:
    """Drop drum kits and unpitched sounds from the matches of melodic slots, unless nothing else is there.

    A kit ships as one sound of many instruments, so that it lies near many things by chance; a slot whose best sound is
    a kit is a drum slot and keeps all.
    """
    is_kit = np.array([sound.kind == DRUM_KIND for sound in found.sounds], np.bool_)
    is_pitched = np.array([sound.family not in UNPITCHED_FAMILIES for sound in found.sounds], np.bool_) & ~is_kit
    if is_pitched.all() or not found.which.size:
        return found
    pitched, kits = is_pitched[found.which], is_kit[found.which]
    keep = np.where(pitched.any(axis=1, keepdims=True, where=found.which >= 0), pitched, ~kits)
    return found.where(keep | kits[:, :1])


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

"""Turn what is heard into a numbered list, and say when it has changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from bridge.osc import messages
from bridge.osc.addresses import MIRROR_SIZE
from bridge.osc.encode import Message
from library.sounds import Sound
from realtime.types import Suggestion

__all__ = ["Item", "SuggestionList", "compose", "drifted", "item_messages", "mirror_messages", "moved", "same_sounds"]

SCORE_STEP = 0.05
"""Change of a score or presence that is worth sending again: less can't be seen on a fader or label."""


@dataclass(frozen=True, slots=True)
class Item:
    """Offer one sound for one slot; `rank` 1 is the best of its slot."""

    slot: int
    rank: int
    sound: Sound
    score: float
    presence: float


@dataclass(frozen=True, slots=True)
class SuggestionList:
    """Hold what clients see under one number.

    Attributes:
        list_id: Number of the list, from 1; 0 before the first.
        items: In the order shown: slot by slot, best first. The index on the wire counts from 1.
    """

    list_id: int = 0
    items: tuple[Item, ...] = ()


def compose(
    suggestions: Iterable[Suggestion], locked: Mapping[int, Suggestion], rejected: Collection[tuple[int, str]]
) -> tuple[Item, ...]:
    """Flatten suggestions into items.

    Args:
        suggestions: What is heard now.
        locked: By slot: what the user keeps, heard or not.
        rejected: Pairs of slot and sound id that are not to be offered.
    """
    shown = {s.slot: s for s in suggestions} | {slot: replace(s, locked=True) for slot, s in locked.items()}
    items: list[Item] = []
    for slot in sorted(shown):
        kept = [m for m in shown[slot].matches if (slot, m.sound.id) not in rejected]
        items.extend(
            Item(slot, rank, match.sound, match.score, shown[slot].presence) for rank, match in enumerate(kept, 1)
        )
    return tuple(items)


def same_sounds(a: tuple[Item, ...], b: tuple[Item, ...]) -> bool:
    """Say whether two lists offer the same sounds in the same places."""
    return [(i.slot, i.sound.id) for i in a] == [(i.slot, i.sound.id) for i in b]


def moved(items: tuple[Item, ...], before: tuple[Item, ...], position: int) -> int:
    """Return where the item at a position of the old list, from 1, is in the new one; 0 when it is gone."""
    if not 1 <= position <= len(before):
        return 0
    old = before[position - 1]
    return next((n for n, i in enumerate(items, 1) if (i.slot, i.sound.id) == (old.slot, old.sound.id)), 0)


def drifted(a: tuple[Item, ...], b: tuple[Item, ...]) -> bool:
    """Say whether the numbers of two lists with the same sounds differ visibly."""
    return any(
        abs(x.score - y.score) >= SCORE_STEP or abs(x.presence - y.presence) >= SCORE_STEP
        for x, y in zip(a, b, strict=True)
    )


def item_messages(shown: SuggestionList, context: str, offset: int = 0, count: int = 0) -> list[Message]:
    """Build begin, items and end for a stretch of a list; the count in `begin` is of the items that follow.

    Args:
        shown: The list.
        context: What the list was heard on.
        offset: Items to leave out at the start.
        count: Most items to send, 0 = all.
    """
    total = len(shown.items)
    stop = min(total, offset + count) if count else total
    part = range(min(offset, total), stop)
    if len(part) < total:
        context = f"{offset + 1}-{stop} of {total}, {context}"
    out = [messages.list_begin(shown.list_id, len(part), context)]
    for at in part:
        item = shown.items[at]
        out.append(
            messages.list_item(
                shown.list_id,
                at + 1,
                item.slot,
                item.rank,
                item.sound.id,
                item.sound.name,
                item.sound.kind,
                item.score,
                item.presence,
            )
        )
        if item.sound.program is not None:
            out.append(messages.list_program(shown.list_id, at + 1, item.sound.program))
    out.append(messages.list_end(shown.list_id))
    return out


def mirror_messages(items: tuple[Item, ...], before: tuple[Item, ...] | None = None) -> list[Message]:
    """Build the labels of the flat mirror, with `before` only those that changed."""
    out: list[Message] = []
    for n in range(1, MIRROR_SIZE + 1):
        label = _label(items, n)
        if before is None or label != _label(before, n):
            out.extend(messages.mirror(n, *label))
    return out


def _label(items: tuple[Item, ...], n: int) -> tuple[str, float]:
    return (items[n - 1].sound.name, items[n - 1].score) if n <= len(items) else ("", 0.0)

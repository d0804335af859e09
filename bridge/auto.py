"""Choose by itself: only what is stable, not often, and never over what the user holds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bridge.suggestions import Item

__all__ = ["AutoPilot"]

STABLE_S = 2.0
"""How long a sound must have been the best of its slot: four hops, longer than a wrong guess lasts."""

REFRACTORY_S = 8.0
"""Shortest time between two choices on a channel: a sound that changes more often is worse than a wrong one."""


@dataclass(frozen=True, slots=True)
class _Best:
    sound_id: str
    since: float


class AutoPilot:
    """Remember how long each slot has had its best sound, and when each channel was last changed.

    Args:
        channel: The user's MIDI channel, 0..15, for sounds that name none.
    """

    def __init__(self, channel: int) -> None:
        self.channel = channel
        self._best: dict[int, _Best] = {}
        self._changed_at: dict[int, float] = {}

    def watch(self, items: tuple[Item, ...], now: float) -> None:
        """Take note of a list at monotonic time `now`."""
        best = {item.slot: item.sound.id for item in items if item.rank == 1}
        self._best = {
            slot: self._best[slot]
            if slot in self._best and self._best[slot].sound_id == sound_id
            else _Best(sound_id, now)
            for slot, sound_id in best.items()
        }

    def note_change(self, channel: int, now: float) -> None:
        """Take note that a channel was given a program, by whomever: it starts the refractory time."""
        self._changed_at[channel] = now

    def choose(self, items: tuple[Item, ...], locked: Collection[int], loaded: dict[int, str], now: float) -> list[int]:
        """Return the positions of the items to load now, at most one a channel: the most present slot's best.

        Args:
            items: The list as shown.
            locked: Slots that the user holds; nothing is changed on their channels.
            loaded: Sound id by channel that is there already.
            now: Monotonic time in seconds.
        """
        held = {self._channel(item) for item in items if item.slot in locked}
        leaders: dict[int, int] = {}
        for at, item in enumerate(items):
            if item.rank != 1 or item.sound.program is None:
                continue
            channel = self._channel(item)
            if channel not in leaders or item.presence > items[leaders[channel]].presence:
                leaders[channel] = at
        return [
            at
            for channel, at in leaders.items()
            if channel not in held
            and loaded.get(channel) != items[at].sound.id
            and self._stable(items[at], now)
            and now - self._changed_at.get(channel, -REFRACTORY_S) >= REFRACTORY_S
        ]

    def _stable(self, item: Item, now: float) -> bool:
        best = self._best.get(item.slot)
        return best is not None and best.sound_id == item.sound.id and now - best.since >= STABLE_S

    def _channel(self, item: Item) -> int:
        own = item.sound.program.channel if item.sound.program else None
        return self.channel if own is None else own

"""Hold every bus that is listened to, each with an engine of its own beside the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from bridge.bus import Bus
from bridge.commands import Refusal
from bridge.effects import LockSlot, Tune

if TYPE_CHECKING:
    from realtime.engine import Engine
    from realtime.types import Analysis, AudioSource

__all__ = ["Buses"]


class Buses:
    """Listen to several inputs; a bus is named by its number, from 0. All of it on the asyncio thread of the daemon.

    Args:
        names: The inputs, as for `--input`; at least one.
        open_source: Turns such a name into a source, in a thread.
        on_analysis: Takes what is heard, with the number of the bus.
        on_state: Takes what an engine says about itself, with the number of its bus.
    """

    def __init__(
        self,
        names: Sequence[str],
        open_source: Callable[[str], AudioSource],
        on_analysis: Callable[[int, Analysis], None],
        on_state: Callable[[int, str, str], None],
    ) -> None:
        self._buses = [
            Bus(name, open_source, partial(on_analysis, number), partial(on_state, number))
            for number, name in enumerate(names)
        ]
        self.engines: tuple[Engine, ...] = ()
        """One for each bus; none while the encoder and the library are loaded."""
        self._is_switching = False

    @property
    def names(self) -> tuple[str, ...]:
        """What each bus listens to now, as for `--input`."""
        return tuple(bus.name for bus in self._buses)

    @property
    def engine(self) -> Engine | None:
        """The engine of the first bus, for the library that all of them share."""
        return self.engines[0] if self.engines else None

    def open(self) -> asyncio.Future[list[AudioSource]]:
        """Open all inputs at once; one that can't be opened fails them all."""
        return asyncio.gather(*(bus.open() for bus in self._buses))

    def share(self, engine: Engine) -> None:
        """Give the first bus an engine, and the others one beside it: one encoder and one library for all."""
        self.engines = (engine, *(engine.beside() for _ in self._buses[1:]))

    def listen(self, sources: Sequence[AudioSource]) -> None:
        """Begin on all buses, after `share`."""
        for bus, engine, source in zip(self._buses, self.engines, sources, strict=True):
            bus.listen(engine, source)

    async def switch(self, number: int, name: str, on_change: Callable[[], None]) -> None:
        """Listen to another input on one bus; see `Bus.switch`. One at a time, so that no input is opened twice.

        Raises:
            Refusal: 503, it can't be changed now.
            TimbrelError: There is no such input, or it can't be opened.
        """
        if not self.engines or self._is_switching:
            raise Refusal(503, "not ready to change the input; try again in a moment")
        self._is_switching = True
        try:
            await self._buses[number].switch(self.engines[number], name, on_change)
        finally:
            self._is_switching = False

    def adjust(self, effect: LockSlot | Tune) -> None:
        """Lock a slot on its bus, or tune all buses; nothing is there to adjust while they are loaded."""
        if not self.engines:
            return
        if isinstance(effect, LockSlot):
            self.engines[effect.bus].lock(effect.slot, effect.on)
        else:
            for engine in self.engines:
                engine.tune(effect.threshold, effect.stability)

    async def close(self) -> bool:
        """End all engine threads and their sources; False when one was still busy after two seconds."""
        return all(await asyncio.gather(*(bus.close() for bus in self._buses)))

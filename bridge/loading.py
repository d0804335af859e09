"""Load sounds, one channel at a time, and remember what was there before."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import replace

from bridge.auto import AutoPilot
from bridge.commands import Refusal
from bridge.daws import DawAdapter
from bridge.effects import Deliver, Effect, Loaded, Send
from bridge.osc import messages
from bridge.suggestions import Item, SuggestionList
from library.sounds import MidiProgram, Sound

__all__ = ["Loader"]

UNDO_DEPTH = 32
"""Choices that can be taken back; the oldest is forgotten first."""


class Loader:
    """Plan deliveries through the chosen adapter, and report them once they are made.

    Args:
        adapters: Ways to load a sound; the first is used until another is chosen.
        pilot: What chooses by itself; it also knows the user's channel.
    """

    def __init__(self, adapters: Sequence[DawAdapter], pilot: AutoPilot) -> None:
        self.pilot = pilot
        self._adapters = {adapter.name: adapter for adapter in adapters}
        self._adapter = adapters[0]
        self._loaded: dict[int, Loaded] = {}
        self._undo: deque[tuple[int, Loaded | None]] = deque(maxlen=UNDO_DEPTH)

    def choose(self, item: Item, list_id: int, index: int, note: str = "") -> Deliver:
        """Plan to load an item of a list."""
        program = self._with_channel(item.sound.program)
        loaded = Loaded(item.sound.id, item.sound.name, program) if program else None
        return Deliver(self._adapter.load(item.sound, program), list_id, index, item.sound.id, loaded, note)

    def choose_by_itself(self, shown: SuggestionList, locked: Collection[int], now: float) -> list[Effect]:
        """Plan to load what is stable; see `AutoPilot`."""
        there = {channel: loaded.sound_id for channel, loaded in self._loaded.items()}
        positions = self.pilot.choose(shown.items, locked, there, now)
        return [self.choose(shown.items[at], shown.list_id, at + 1, "auto: ") for at in positions]

    def undo(self) -> list[Effect]:
        """Plan to load what the last changed channel had before.

        Raises:
            Refusal: 404 when nothing was loaded.
        """
        if not self._undo:
            raise Refusal(404, "nothing to undo")
        channel, before = self._undo.pop()
        if before is None:
            self._loaded.pop(channel, None)
            detail = f"nothing is known about what channel {channel + 1} had before; nothing was sent"
            return [Send(messages.chosen(0, 0, "", self._adapter.name, "failed", detail), "suggest", to_asker=True)]
        sound = Sound(before.sound_id, before.name, "", "", before.program, "", "", "")
        delivery = self._adapter.load(sound, before.program)
        return [Deliver(delivery, 0, 0, before.sound_id, before, "undone: ", undo=True)]

    def delivered(self, deliver: Deliver, port: str | None, error: str | None, now: float) -> list[Effect]:
        """Tell everyone what was done; see `Hub.delivered`."""
        delivery, loaded = deliver.delivery, deliver.loaded
        result, detail = _outcome(deliver, port, error)
        if loaded is not None and loaded.program.channel is not None:
            # Recorded even when the MIDI port failed: the same program went out over OSC.
            channel = loaded.program.channel
            if not deliver.undo:
                self._undo.append((channel, self._loaded.get(channel)))
            self._loaded[channel] = loaded
            self.pilot.note_change(channel, now)
        told = messages.chosen(
            deliver.list_id, deliver.index, deliver.sound_id, delivery.adapter, result, deliver.note + detail
        )
        return [
            *(Send(message, "midi", to_asker=True) for message in delivery.messages),
            Send(told, "suggest", to_asker=True),
        ]

    def set_target(self, name: str, track: str) -> str:
        """Choose the adapter, and its channel where a number from 1 to 16 is given; return what is said about it.

        Raises:
            Refusal: 404 for an adapter that is not there, 400 for a track that is no channel.
        """
        adapter = self._adapters.get(name)
        if adapter is None:
            raise Refusal(404, f"no adapter {name}; there is {', '.join(self._adapters)}")
        if track:
            if not (track.isascii() and track.isdigit() and 1 <= int(track) <= 16):
                raise Refusal(400, f"track {track} must be a MIDI channel 1-16, or empty")
            self.pilot.channel = int(track) - 1
        self._adapter = adapter
        return f"{name}, MIDI channel {self.pilot.channel + 1}"

    def targets(self) -> list[str]:
        """Describe every adapter in one line, the one in use marked."""
        return [
            f"{a.name}{f' (in use, MIDI channel {self.pilot.channel + 1})' if a is self._adapter else ''}: {a.doc}"
            for a in self._adapters.values()
        ]

    def _with_channel(self, program: MidiProgram | None) -> MidiProgram | None:
        if program is None or program.channel is not None:
            return program
        return replace(program, channel=self.pilot.channel)


def _outcome(deliver: Deliver, port: str | None, error: str | None) -> tuple[str, str]:
    """Return the result and detail for `/timbrel/chosen`."""
    delivery = deliver.delivery
    if delivery.method == "text":
        return "failed", delivery.detail
    if error is not None:
        return "failed", f"{delivery.detail}, sent over OSC, but the MIDI port did not take it: {error}"
    return "ok", f"{delivery.detail}, over OSC{f' and MIDI port {port}' if port else ''}"

"""Load sounds, one target at a time, and remember what was there before."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from bridge.auto import AutoPilot
from bridge.banks import BankStyle, styled
from bridge.commands import Refusal
from bridge.daws.base import Before, DawAdapter, Delivery
from bridge.daws.otherwise import by_program
from bridge.effects import Deliver, Delivered, Effect, Send
from bridge.osc import messages
from bridge.suggestions import Item, SuggestionList
from bridge.targets import Targets
from library.sounds import MidiProgram

__all__ = ["Loader"]

UNDO_DEPTH = 32
"""Choices that can be taken back; the oldest is forgotten first."""

PATIENCE_S = 60.0
"""Longest that a choice waits for its host to come back; after it the user has gone on."""


@dataclass(frozen=True, slots=True)
class _Undo:
    """Remember a choice: how it was delivered, what its target held before, and which track the user meant."""

    delivery: Delivery
    before: Before
    track: str


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Remember a choice whose host is not there, and the track that the user meant."""

    item: Item
    list_id: int
    index: int
    note: str
    since: float
    track: str

    def failed(self, adapter: str, why: str) -> Send:
        """Say that it is not going to be loaded."""
        return _chosen(self.list_id, self.index, self.item.sound.id, adapter, "failed", f"{self.note}{why}")


class Loader:
    """Plan deliveries through the chosen adapter, and report them once they are made.

    Args:
        targets: The adapters.
        pilot: What chooses by itself; it also knows the user's channel.
        bank_style: How the target reads banks.
    """

    def __init__(self, targets: Targets, pilot: AutoPilot, bank_style: BankStyle = "gs") -> None:
        self._bank_style: BankStyle = bank_style
        self.pilot = pilot
        self.targets = targets
        self._holds: dict[tuple[str, str], Before] = {}
        self._channels: dict[int, str] = {}
        self._undo: deque[_Undo] = deque(maxlen=UNDO_DEPTH)
        self._waiting: dict[str, _Waiting] = {}

    def choose(self, item: Item, list_id: int, index: int, now: float, note: str = "") -> list[Effect]:
        """Plan to load an item of a list; it waits where only its host can load it, and that is not there.

        Raises:
            Refusal: 404 when the track that the user wants is not there.
        """
        adapter = self.targets.current
        older = self._waiting.get(adapter.name)
        planned = self._choose(item, list_id, index, now, note, self.targets.wanted(adapter))
        if older is None:
            return planned
        if self._waiting[adapter.name] is older:
            del self._waiting[adapter.name]
        return [older.failed(adapter.name, f"{item.sound.name} was chosen instead"), *planned]

    def _choose(self, item: Item, list_id: int, index: int, now: float, note: str, wanted: str) -> list[Effect]:
        adapter, sound = self.targets.current, item.sound
        program = None if sound.program is None else self._sent(sound.program)
        if self.targets.can_send(adapter):
            delivery = adapter.load(sound, program, self.targets.track(adapter, wanted))
        elif program is not None:
            delivery = by_program(adapter.name, sound, program)
            delivery = replace(delivery, detail=f"{delivery.detail}, as {adapter.name} is offline")
        else:
            self._waiting[adapter.name] = _Waiting(item, list_id, index, note, now, wanted)
            detail = f"{note}{adapter.name} is offline; {sound.name} is loaded when it comes back"
            return [_chosen(list_id, index, sound.id, adapter.name, "queued", detail)]
        return [Deliver(delivery, list_id, index, sound, program, note, track=wanted)]

    def choose_by_itself(self, shown: SuggestionList, locked: Collection[int], now: float) -> list[Effect]:
        """Plan to load what is stable; see `AutoPilot`."""
        positions = self.pilot.choose(shown.items, locked, self._channels, now)
        effects: list[Effect] = []
        for at in positions:
            effects += self.choose(shown.items[at], shown.list_id, at + 1, now, "auto: ")
        return effects

    def came_back(self, name: str, now: float) -> list[Effect]:
        """Load what waited for a host that is online again, on the track that it was chosen for."""
        waited = self._waiting.pop(name, None)
        if waited is None:
            return []
        if self.targets.current.name != name:
            return [waited.failed(name, f"{self.targets.current.name} was chosen as the target meanwhile")]
        try:
            return self._choose(waited.item, waited.list_id, waited.index, now, waited.note, waited.track)
        except Refusal as refusal:
            return [waited.failed(name, refusal.reason)]

    def expire(self, now: float) -> list[Effect]:
        """Give up what has waited too long."""
        old = {name: waited for name, waited in self._waiting.items() if now - waited.since > PATIENCE_S}
        for name in old:
            del self._waiting[name]
        return [waited.failed(name, f"{name} did not come back") for name, waited in old.items()]

    def undo(self) -> list[Effect]:
        """Plan to bring back what the last changed target had before.

        Raises:
            Refusal: 404 when nothing was loaded, or its track is gone.
        """
        if not self._undo:
            raise Refusal(404, "nothing to undo")
        last = self._undo[-1]
        adapter = self.targets.adapter(last.delivery.adapter)
        delivery = self._restored(adapter, last)
        self._undo.pop()
        if delivery is None:
            self._holds.pop((adapter.name, last.delivery.target), None)
            detail = f"nothing is known about what {last.delivery.target} had before; nothing was sent"
            return [_chosen(0, 0, "", adapter.name, "failed", detail)]
        sound, program = last.before.sound, last.before.program
        return [Deliver(delivery, 0, 0, sound, program, "undone: ", last.before, last.track)]

    def _restored(self, adapter: DawAdapter, last: _Undo) -> Delivery | None:
        sound, program = last.before.sound, last.before.program
        delivery = None
        if self.targets.can_send(adapter):
            delivery = adapter.restore(last.before, self.targets.track(adapter, last.track))
        if delivery is None and last.delivery.packets and sound is not None and program is not None:
            return by_program(adapter.name, sound, program)
        return delivery

    def delivered(self, deliver: Deliver, done: Delivered, now: float) -> list[Effect]:
        """Tell everyone what was done; see `Hub.delivered`."""
        delivery = deliver.delivery
        result, detail = _outcome(delivery, done)
        # A program counts as loaded even when the MIDI port failed: the same program went out over OSC.
        if result != "failed" or delivery.packets:
            self._remember(deliver, done.kept, now)
        elif deliver.undone is not None:
            self._undo.append(_Undo(delivery, deliver.undone, deliver.track))  # it can be tried again
        sound_id = deliver.sound.id if deliver.sound else ""
        return [
            *(Send(message, "midi", to_asker=True) for message in delivery.messages),
            _chosen(deliver.list_id, deliver.index, sound_id, delivery.adapter, result, deliver.note + detail),
        ]

    def _remember(self, deliver: Deliver, kept: Mapping[str, str], now: float) -> None:
        delivery = deliver.delivery
        if delivery.method == "text":
            return
        key = (delivery.adapter, delivery.target)
        if deliver.undone is None:
            before = replace(self._holds.get(key, Before()), kept={**delivery.keeps, **kept})
            self._undo.append(_Undo(delivery, before, deliver.track))
        self._holds[key] = Before(deliver.sound, deliver.program)
        channel = deliver.program.channel if deliver.program else None
        if channel is not None and deliver.sound is not None:
            self._channels[channel] = deliver.sound.id
            self.pilot.note_change(channel, now)

    def set_target(self, name: str, track: str) -> str:
        """Choose the adapter and its track; where it has no host, the track is the user's MIDI channel.

        Raises:
            Refusal: 404 for an adapter that is not there, 400 for a track that can't be.
        """
        said = self.targets.set(name, track)
        if self.targets.current.reach is None:
            if track:
                self.pilot.channel = int(track) - 1
            return f"{name}, MIDI channel {self.pilot.channel + 1}"
        return said

    def _sent(self, program: MidiProgram) -> MidiProgram:
        """Return a program as it goes out: on the user's channel where it has none, its bank as the target reads it."""
        channel = self.pilot.channel if program.channel is None else program.channel
        return styled(replace(program, channel=channel), self._bank_style)


def _chosen(list_id: int, index: int, sound_id: str, adapter: str, result: str, detail: str) -> Send:
    return Send(messages.chosen(list_id, index, sound_id, adapter, result, detail), "suggest", to_asker=True)


def _outcome(delivery: Delivery, done: Delivered) -> tuple[str, str]:
    """Return the result and detail for `/timbrel/chosen`."""
    if delivery.method == "text":
        return "failed", delivery.detail
    if delivery.steps and done.result != "ok":
        unsure = f"{delivery.detail}, as far as {delivery.adapter} tells: it confirms nothing"
        return done.result, unsure if done.result == "queued" else f"{delivery.detail}: {done.detail}"
    if done.midi_error is not None:
        return "failed", f"{delivery.detail}, sent over OSC, but the MIDI port did not take it: {done.midi_error}"
    if delivery.packets:
        return "ok", f"{delivery.detail}, over OSC{f' and MIDI port {done.port}' if done.port else ''}"
    return "ok", delivery.detail

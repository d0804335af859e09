"""Carry deliveries out: write their MIDI, send their steps to the host, and tell the hub how it went."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from pathlib import Path

from bridge.commands import Choose, Refusal
from bridge.config import Config
from bridge.daws.ardour import ArdourAdapter
from bridge.daws.base import Chose, DawAdapter, Step
from bridge.effects import Deliver, Delivered, Effect
from bridge.hosts import Done, HostSession, HostState
from bridge.hub import Hub
from bridge.midi import MidiOutput, open_midi
from bridge.midi_route import MidiRoute
from bridge.osc.server import Asker
from bridge.suggestions import SuggestionList
from bridge.threads import in_thread
from library.errors import DeviceError, MissingDependencyError

__all__ = ["Carrier"]

Execute = Callable[[list[Effect], Asker | None], None]


class Carrier:
    """Hold the MIDI port and a session for each host; all of it on the asyncio thread of the daemon.

    Args:
        hub: Is told what hosts say and how deliveries went.
        adapters: Those with a reach get a session.
        scratch: Folder for what hosts save before it is replaced; made at the start, removed at the end.
        execute: Carries out what the hub wants done.
        say: Takes lines for people.
    """

    def __init__(
        self,
        hub: Hub,
        adapters: Sequence[DawAdapter],
        scratch: Path,
        execute: Execute,
        say: Callable[[str], None],
    ) -> None:
        self._hub, self._scratch, self._execute, self._say = hub, scratch, execute, say
        self._midi: MidiOutput | None = None
        self._route = MidiRoute()
        self._shown = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._sessions = {adapter.name: self._session(adapter) for adapter in adapters if adapter.reach is not None}

    @property
    def midi_name(self) -> str | None:
        """Name of the MIDI port, None without one."""
        return self._midi.name if self._midi is not None else None

    def start(self, config: Config) -> None:
        """Open the MIDI port, and begin to look for the hosts."""
        if config.midi.port:
            try:
                self._midi = open_midi(config.midi.port, config.midi.backend, prefer_jack=self._wants_jack(config))
            except (DeviceError, MissingDependencyError) as error:
                # The daemon goes on without: program changes still go out over OSC.
                self._say(f"no MIDI port: {error}")
        if self._sessions:
            try:
                self._scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                self._say(f"{self._scratch}: can't be made ({error.strerror}); replaced instruments can't come back")
        for session in self._sessions.values():
            self._spawn(session.run())

    def deliver(self, deliver: Deliver, asker: Asker | None) -> None:
        """Carry a delivery out; what only MIDI and OSC clients get is done when this returns."""
        delivery = deliver.delivery
        if delivery.steps or delivery.instead or (delivery.midi_to and self._midi is not None):
            self._spawn(self._deliver_slowly(deliver, asker))
        else:
            self._tell(deliver, self._write(deliver, ""), asker)

    def show(self, shown: SuggestionList) -> None:
        """Bring a new list into the windows of hosts that have one."""
        if shown.list_id != self._shown:
            self._shown = shown.list_id
            for session in self._sessions.values():
                session.show([item.sound.name for item in shown.items], shown.list_id)

    def close(self) -> None:
        """Leave the hosts and close the MIDI port."""
        for task in self._tasks:
            task.cancel()
        if self._midi is not None:
            self._midi.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    async def _deliver_slowly(self, deliver: Deliver, asker: Asker | None) -> None:
        """Lead the MIDI port to its input, write, then send the steps to the host."""
        delivery, misled = deliver.delivery, ""
        if delivery.midi_to and self._midi is not None:
            source, route = self._midi.name, self._route
            misled = await in_thread("route", lambda: route.lead(source, delivery.midi_to) or "")
        written = self._write(deliver, misled)
        if written.midi_error is not None and delivery.instead:
            instead = await self._carry_out(delivery.adapter, delivery.instead)
            if instead.result == "failed":
                self._tell(deliver, replace(written, midi_error=f"{written.midi_error}; {instead.detail}"), asker)
                return
            delivery, written = replace(delivery, packets=(), steps=delivery.instead), Delivered()
            done = instead
        else:
            done = await self._carry_out(delivery.adapter, delivery.steps) if delivery.steps else Done("ok")
        if done.result == "ok" and done.detail:
            delivery = replace(delivery, detail=f"{delivery.detail}, {done.detail}")
        deliver = replace(deliver, delivery=delivery)
        self._tell(deliver, replace(written, result=done.result, detail=done.detail, kept=done.kept), asker)

    async def _carry_out(self, adapter: str, steps: Sequence[Step]) -> Done:
        session = self._sessions.get(adapter)
        return await session.carry_out(steps) if session else Done("failed", "there is no host")

    def _write(self, deliver: Deliver, misled: str) -> Delivered:
        """Write the packets, unless the port does not lead where they belong: another track would change."""
        if not deliver.delivery.packets:
            return Delivered()
        if self._midi is None:
            return Delivered(midi_error="there is none; name one with --midi" if deliver.delivery.midi_to else None)
        return Delivered(self._midi.name, misled or self._midi.send(deliver.delivery.packets))

    def _wants_jack(self, config: Config) -> bool:
        return any(source.startswith("jack:") for source in config.inputs) or ArdourAdapter.name in self._sessions

    def _tell(self, deliver: Deliver, delivered: Delivered, asker: Asker | None) -> None:
        self._execute(self._hub.delivered(deliver, delivered, time.monotonic()), asker)

    def _session(self, adapter: DawAdapter) -> HostSession:
        name = adapter.name

        def on_state(state: HostState, version: str) -> None:
            if state != "probing":
                self._say(f"{name} is {state}{f', version {version}' if version else ''}")
            self._shown = 0  # a host that comes back has lost the list
            self._execute(self._hub.on_host(name, state, version, time.monotonic()), None)

        def on_choice(chose: Chose) -> None:
            try:
                self._execute(self._hub.handle(Choose(chose.index, chose.list_id), time.monotonic()), None)
            except Refusal as refusal:
                self._say(f"{name}: {refusal.reason}")

        return HostSession(adapter, on_state, lambda found: self._hub.targets.on_tracks(name, found.tracks), on_choice)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        """Start a task and hold on to it until it is done."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

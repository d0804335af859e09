"""Keep one host in view: offline, probing, online; and carry out what is to be sent to it, step by step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Literal

from bridge.daws.base import Chose, DawAdapter, Here, HostEvent, HostState, Reach, ShowsList, Step, Told, Tracks
from bridge.hosts.link import Link, open_link
from bridge.hosts.mailbox import Answer, Mailbox, mailbox_dir

__all__ = ["Done", "HostSession", "HostState"]

MISSED_PROBES = 3
"""Probes without an answer after which a host is offline."""


AGAIN_S = 0.05
"""Pause before a question is asked again."""

SCRIPT_S = 60.0
"""Longest time that a script inside a host may need for a request that it has taken."""


@dataclass(frozen=True, slots=True)
class Done:
    """Say what became of steps.

    Attributes:
        result: ok = the host confirmed it (or took it, where it confirms nothing that was asked for), queued = sent,
            but nothing comes back; failed.
        detail: Why it failed, or what the host said.
        kept: What the steps with `keep` were told, by Step.answer.
    """

    result: Literal["ok", "queued", "failed"]
    detail: str = ""
    kept: Mapping[str, str] = field(default_factory=dict)


class HostSession:
    """Probe a host now and then, hear what it says, and send it what is asked for.

    All of it runs on the asyncio thread of the daemon.

    Args:
        adapter: Knows the host's language; must have a reach.
        on_state: Takes each new state, with the version that the host told.
        on_tracks: Takes its tracks whenever they changed; nothing when it went offline.
        on_choice: Takes what the user chose in the host's own window.
    """

    def __init__(
        self,
        adapter: DawAdapter,
        on_state: Callable[[HostState, str], None],
        on_tracks: Callable[[Tracks], None],
        on_choice: Callable[[Chose], None] = lambda _: None,
    ) -> None:
        if adapter.reach is None:
            raise ValueError(f"{adapter.name} has no host to reach")
        self.adapter = adapter
        self.state: HostState = "offline"
        self._reach: Reach = adapter.reach
        self._on_state, self._on_tracks, self._on_choice = on_state, on_tracks, on_choice
        self._tracks = Tracks(())
        self._version = ""
        self._link: Link | None = None
        self._unanswered = 0
        self._waiting: tuple[str, asyncio.Future[Told]] | None = None
        self._told: dict[str, str] = {}  # by key, since the last delivery began
        self._turn = asyncio.Lock()
        self._mailbox: Mailbox | None = None

    async def run(self) -> None:
        """Probe until cancelled."""
        try:
            while True:
                await self._look()
                await asyncio.sleep(self._reach.probe_s)
        finally:
            self._drop()
            await asyncio.sleep(0)  # lets the loop close the socket

    async def carry_out(self, steps: Sequence[Step]) -> Done:
        """Send steps in their order, each after the answer to the one before; one caller at a time."""
        async with self._turn:
            self._told = {}
            kept: dict[str, str] = {}
            confirmed, said = False, ""
            for step in steps:
                if step.unless in self._told:
                    continue
                if step.letter:
                    answer = await self._hand_over(step)
                    if not answer.ok:
                        return Done("failed", answer.said, kept)
                    confirmed, said = True, answer.said
                    if step.keep:
                        kept[step.answer] = answer.token
                    continue
                told = await self._patiently(step)
                if isinstance(told, str):
                    return Done("failed", told, kept)
                if told is not None and step.keep:
                    kept[step.answer] = told.value
                elif told is not None:
                    confirmed = True
            return Done("ok" if confirmed else "queued", said, kept)

    def show(self, names: Sequence[str], list_id: int) -> None:
        """Bring a list into the host's own window, where it has one and is online."""
        if self._link is not None and self.state == "online" and isinstance(self.adapter, ShowsList):
            self._link.send(self.adapter.show(names, list_id))

    async def _hand_over(self, step: Step) -> Answer:
        """Leave a letter for the host's script, make the host call it, and return what it answers."""
        link = self._link
        if link is None:
            return Answer(False, f"{self.adapter.name} is offline")
        if self._mailbox is None:
            self._mailbox = Mailbox(mailbox_dir(self.adapter.name))
        try:
            answer = await self._mailbox.ask(step.letter, lambda: link.send(step.payload), step.wait_s, SCRIPT_S)
        except OSError as error:
            return Answer(False, f"{self._mailbox.folder} can't be written to ({error.strerror})")
        return answer or Answer(False, step.silence)

    async def _patiently(self, step: Step) -> Told | str | None:
        """Send a step until its answer is right; return the answer, None where none was wanted, or why it failed."""
        reason = ""
        for tried in range(step.patience):
            if tried:
                await asyncio.sleep(AGAIN_S)
            if self._link is None:
                return f"{self.adapter.name} is offline"
            filled = _filled(step, self._told.get(step.fill, ""))
            told = await self._ask(self._link, filled)
            if told is None:
                if not step.answer:
                    return None
                reason = f"{self.adapter.name} did not answer within {step.wait_s:g} s"
            elif not told.ok:
                return f"{self.adapter.name} says {told.value or 'no'}"
            elif filled.value in (None, told.value) and told.value != filled.not_value:
                return told
            else:
                wanted = f", not {filled.value}" if filled.value is not None else ""
                reason = f"{self.adapter.name} says {told.value or 'nothing'}{wanted}"
        return reason

    async def _ask(self, link: Link, step: Step) -> Told | None:
        """Send a step; return its answer, None where none came or none was wanted."""
        if not step.answer:
            link.send(step.payload)
            return None
        answer: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self._waiting = (step.answer, answer)
        link.send(step.payload)
        try:
            async with asyncio.timeout(step.wait_s):
                return await answer
        except TimeoutError:
            return None
        finally:
            self._waiting = None

    async def _look(self) -> None:
        """Send a probe, opening the way first where it is closed."""
        if self._link is None:
            with suppress(OSError):
                self._link = await open_link(self._reach, self._receive)
                self._set("probing")
        if self._link is None:
            self._set("offline")
            return
        if self._unanswered >= MISSED_PROBES:
            self._lost()
            if self._reach.wire in ("osc-tcp", "lines"):
                self._drop()
                return
        probes = self.adapter.probe()
        self._unanswered += bool(probes)  # a host that is asked nothing owes no answer
        for payload in probes:
            self._link.send(payload)

    def _receive(self, payload: bytes | None) -> None:
        if payload is None:
            self._drop()
            self._lost()
            return
        for event in self.adapter.read(payload):
            self._on_event(event)

    def _on_event(self, event: HostEvent) -> None:
        if isinstance(event, Here):
            self._unanswered = 0
            self._version = event.version or self._version
            self._set("online")
        elif isinstance(event, Tracks):
            if event != self._tracks:
                self._tracks = event
                self._on_tracks(event)
        elif isinstance(event, Chose):
            self._on_choice(event)
        else:
            self._told[event.key] = event.value
            if self._waiting is not None and self._waiting[0] == event.key and not self._waiting[1].done():
                self._waiting[1].set_result(event)

    def _lost(self) -> None:
        """Forget a host that is gone: its tracks may be others when it comes back."""
        if self._tracks.tracks:
            self._tracks = Tracks(())
            self._on_tracks(self._tracks)
        self._version = ""
        self._set("offline")

    def _set(self, state: HostState) -> None:
        if state != self.state:
            self.state = state
            self._on_state(state, self._version)

    def _drop(self) -> None:
        link, self._link, self._unanswered = self._link, None, 0
        if link is not None:
            link.close()


def _filled(step: Step, value: str) -> Step:
    """Put what the host told in the place of `{}`."""
    if not step.fill:
        return step
    wanted = None if step.value is None else step.value.replace("{}", value)
    return replace(step, payload=step.payload.replace(b"{}", value.encode("utf-8", "surrogateescape")), value=wanted)

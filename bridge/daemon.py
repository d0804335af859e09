"""Put everything together: engine threads, hub, OSC, MIDI; and take it apart again in order."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.announce import announce
from bridge.audience import Audience
from bridge.buses import Buses
from bridge.carrier import Carrier
from bridge.commands import HubCommand, Refusal
from bridge.config import Config
from bridge.config_file import write_settings
from bridge.daws import make_adapter
from bridge.discovery import Discovery
from bridge.effects import Deliver, Effect, Hear, Hush, Judge, Keep, LockSlot, Reply, Send, SwitchBus, Tune
from bridge.following import follow_library
from bridge.hub_status import Told
from bridge.keeping import make_hub, settings_of
from bridge.lan import listen_host, make_door
from bridge.likes import Likes
from bridge.osc import messages, parse_endpoint
from bridge.osc.server import Asker, OscServer, bind
from bridge.page import Page
from bridge.parts import Parts
from bridge.previews import Previews
from bridge.signals import watch_signals
from bridge.state import remove_state, state_dir
from bridge.threads import in_thread
from library.errors import ConfigError, MissingDependencyError, TimbrelError

if TYPE_CHECKING:
    from library.follow import LiveIndex
    from library.sounds import Sound
    from realtime.engine import Engine
    from realtime.types import Analysis, AudioSource

__all__ = ["Daemon"]

TICK_S = 0.1
"""How often what had to wait is looked at: a fifth of a hop."""

HEARTBEAT_S = 2.0


class Daemon:
    """Run from start to SIGTERM; all of it on one asyncio thread, except what is slow.

    Args:
        config: Settings.
        say: Takes lines for people, at start and when something changes.
        show: Takes each Analysis, and the number of its bus from 0.
        parts: How the slow parts are made.
        config_file: Where settings are kept when a page asks for it; None = nowhere.
    """

    def __init__(
        self,
        config: Config,
        say: Callable[[str], None],
        show: Callable[[Analysis, int], None],
        parts: Parts | None = None,
        config_file: Path | None = None,
    ) -> None:
        self.config = config
        self.is_clean = True  # every thread has ended; otherwise the process must not wait for them at its end
        self._say = say
        self._show = show
        self._parts = parts or Parts()
        scratch = state_dir() / f"{os.getpid()}-replaced"
        adapters = [make_adapter(name, scratch) for name in config.adapter or ("generic",)]
        self._config_file = config_file
        self.hub = make_hub(config, adapters)
        self._buses = Buses(config.inputs, self._parts.open_source, self._on_analysis, self._on_state)
        self._likes = Likes(config.library)
        permanent = [parse_endpoint(text) for text in config.osc.send]
        self.server = OscServer(self._on_command, self.hub.snapshot, permanent, make_door(config.osc))
        kept = str(config_file or "")
        self.page = Page(self.hub, self._on_command, config.library.path, kept) if config.page.enabled else None
        self._audience = Audience(self.server, self.page)
        self._carrier = Carrier(self.hub, adapters, scratch, self._execute, say)
        self._discovery: Discovery | None = None
        self._previews: Previews | None = None
        self._stop = asyncio.Event()
        self._reason = "ended"
        self._failure: BaseException | None = None
        self._state_path: Path | None = None
        self._library: LiveIndex | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._told = Told()
        self._started_at = time.monotonic()

    async def run(self) -> None:
        """Serve until a signal comes.

        Raises:
            TimbrelError: It could not start, or the encoder or library could not be loaded.
        """
        watch_signals(self.stop)
        sources = await self._unless_stopped(self._buses.open())
        if sources is None:
            return
        if output := self.config.preview.output:
            self._previews = Previews(output, self._buses.names, lambda effects: self._execute(effects, None))
        await self.server.start(bind(listen_host(self.config.osc), self.config.osc.port))
        try:
            self._carrier.start(self.config)
            self._execute([Send(messages.status(*self.hub.status), "status")], None)
            self._state_path = announce(self.config, self.server.endpoint, self._carrier.midi_name, self._say)
            if self.page is not None:
                self._spawn(self.page.start(self.config.page, self._say, self._parts.desk(self.config)))
            if self.config.osc.discover:
                self._spawn(self._discover())
            self._spawn(self._load(sources))
            await self._serve()
        finally:
            await self._end()
        if self._failure is not None:
            raise self._failure

    def stop(self, reason: str, failure: BaseException | None = None) -> None:
        """End the daemon; the reason goes into `/timbrel/bye`."""
        if not self._stop.is_set():
            self._reason, self._failure = reason, failure
            self._stop.set()

    async def _serve(self) -> None:
        """Send what waits, every tick, until the stop."""
        beat_at = time.monotonic()
        while not self._stop.is_set():
            now = time.monotonic()
            self._execute(self.hub.tick(now), None)
            self.server.expire(now)
            if self.page is not None:
                self.page.look()
            if now >= beat_at:
                self.server.heartbeat(now - self._started_at)
                beat_at = max(beat_at + HEARTBEAT_S, now)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), TICK_S)

    async def _load(self, sources: Sequence[AudioSource]) -> None:
        """Load the encoder and library, then listen."""
        engine = await in_thread("load", lambda: self._parts.load(self.config))
        self._buses.share(engine)
        if self.page is not None:
            self.page.attach(self._buses.engines)
        if not self._stop.is_set():
            self._library = follow_library(engine, self._on_library)
            self._buses.listen(sources)
            await self._look_at_likes(engine)

    async def _look_at_likes(self, engine: Engine) -> None:
        self.hub.liked = await self._likes.read(engine.index)

    async def _discover(self) -> None:
        """Let surfaces find Timbrel; without, it goes on as well."""
        self._discovery = Discovery(self.server.endpoint)
        try:
            self._say(f"OSCQuery at http://{self.server.endpoint[0]}:{await self._discovery.start()}")
        except (MissingDependencyError, OSError) as error:
            self._say(f"no discovery: {error}")

    def _on_library(self, text: str) -> None:
        self._execute([Send(messages.status(self.hub.status[0], text), "status")], None)
        self._say(text)
        if self._buses.engine is not None:
            self._spawn(self._look_at_likes(self._buses.engine))

    def _on_analysis(self, bus: int, analysis: Analysis) -> None:
        self._execute(self.hub.on_analysis(analysis, time.monotonic(), bus), None)
        self._carrier.show(self.hub.shown)
        if self.page is not None:
            self.page.on_analysis(analysis, bus)
        self._show(analysis, bus)

    def _on_state(self, bus: int, state: str, text: str) -> None:
        before = self.hub.buses[bus].state
        self._execute(self.hub.on_state(state, text, bus), None)
        status = ": ".join(part for part in self.hub.status if part)
        if self._told.is_news(status, self.hub.buses[bus].state, before):
            self._say(status)

    def _on_command(self, command: HubCommand, asker: Asker) -> None:
        self._execute(self.hub.handle(command, time.monotonic()), asker)

    def _execute(self, effects: list[Effect], asker: Asker | None) -> None:
        for effect in effects:
            if isinstance(effect, Send | Reply):
                self._audience.publish(effect, asker)
            elif isinstance(effect, Deliver):
                self._carrier.deliver(effect, asker)
            elif isinstance(effect, Hear | Hush):
                self._preview(effect)
            elif isinstance(effect, LockSlot | Tune):
                self._buses.adjust(effect)
            elif asker is not None:
                self._spawn(self._answer(effect, asker))

    def _preview(self, effect: Hear | Hush) -> None:
        engine = self._buses.engine
        if self._previews is None or engine is None:
            return
        if isinstance(effect, Hush):
            self._previews.stop()
        else:
            self._previews.play(effect, engine.index.preview_path(effect.sound))

    async def _answer(self, effect: SwitchBus | Judge | Keep, asker: Asker) -> None:
        """Do what takes a while, then tell the asker how it went."""
        try:
            match effect:
                case SwitchBus(source, bus):
                    said = await self._switch(source, bus)
                case Judge(sound, liked):
                    said = await self._judge(sound, liked)
                case Keep():
                    said = await self._keep()
            self._audience.publish(Reply(said), asker)
        except Refusal as refusal:
            self._audience.refuse(asker, refusal)
        except ConfigError as error:
            self._audience.refuse(asker, Refusal(503, str(error)))
        except TimbrelError as error:
            self._audience.refuse(asker, Refusal(404, str(error)))

    async def _switch(self, name: str, bus: int) -> str:
        def on_change() -> None:
            self._execute(self.hub.set_context(name, time.monotonic(), bus), None)
            if self._previews is not None:
                self._previews.set_buses(self._buses.names)

        await self._buses.switch(bus, name, on_change)
        self._say(f"listens to {name}")
        return f"listening to {name}"

    async def _judge(self, sound: Sound, liked: bool) -> str:
        if self._buses.engine is None:
            raise Refusal(503, "not ready: the library is loaded")
        self.hub.liked = await self._likes.write(self._buses.engine.index, sound, liked)
        return self._likes.said(sound, liked)

    async def _keep(self) -> str:
        path = self._config_file
        if path is None:
            raise Refusal(503, "the demo keeps no settings: start timbrel run")
        settings = settings_of(self.hub, self.config, self._buses.names)
        written = await in_thread("keep", lambda: write_settings(path, settings))
        return f"kept in {path}: {', '.join(written)}" if written else f"{path} says so already"

    async def _end(self) -> None:
        """Take everything apart: capture and engine, last status, bye, sockets."""
        self._stop.set()
        if self._library is not None:
            self._library.close()
        self.is_clean = await self._buses.close() and not self._tasks
        self._execute(self.hub.on_state("stopped", self._reason), None)
        self.server.publish(Send(messages.bye(self._reason), "all"))
        await asyncio.sleep(0)  # lets the transport hand over what it holds
        self.server.close()
        if self.page is not None:
            await self.page.close(self._reason)
        self._carrier.close()
        if self._previews is not None:
            await in_thread("preview", self._previews.close)
        if self._discovery is not None:
            await self._discovery.close()
        remove_state(self._state_path)
        for task in self._tasks:
            task.cancel()

    async def _unless_stopped(self, future: asyncio.Future[list[AudioSource]]) -> list[AudioSource] | None:
        """Wait for a future or the stop, whichever comes first."""
        stop = asyncio.get_running_loop().create_task(self._stop.wait())
        waiting: set[asyncio.Future[Any]] = {future, stop}  # Any: only whether they are done matters
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if future.done():
            return future.result()
        self.is_clean = False
        return None

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        """Start a task and hold on to it until it is done; its failure is the daemon's."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.stop(str(error), error)

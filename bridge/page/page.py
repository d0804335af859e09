"""Put the page together: what it is told by the daemon, what it tells its clients, what they ask for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.commands import HubCommand, Refusal
from bridge.config import PageConfig
from bridge.effects import Reply, Send
from bridge.hub import Hub
from bridge.osc import messages
from bridge.osc.limits import RateLimit
from bridge.osc.server import Asker
from bridge.page.clients import Client
from bridge.page.ear import Ear
from bridge.page.inputs import Inputs
from bridge.page.library_desk import LibraryDesk
from bridge.page.opening import import_aiohttp, open_browser
from bridge.page.picture import Picture
from bridge.page.protocol import PageAsker, event, read_request, to_command
from bridge.page.report import Report
from bridge.page.server import PageServer
from bridge.page.soundmap import LibraryMap
from bridge.page.sounds import Previews, Shelf
from bridge.page.state import Sections
from bridge.page.view import buses_section, lanes_section, status_section, targets_section, tuning_section
from bridge.suggestions import SuggestionList
from bridge.threads import in_thread
from library.errors import InputError, MissingDependencyError, NetworkError

if TYPE_CHECKING:
    from realtime.engine import Engine
    from realtime.types import Analysis

__all__ = ["Page"]


class Page:
    """Show the hub and the engine of the bus in focus in browsers; everything on the asyncio thread of the daemon.

    Args:
        hub: What is shown; only read.
        on_command: Carries out what pages ask for; may raise Refusal.
        library: Name of the library, for people.
        kept: Path of the file in which settings are kept, for people; empty = they can't be.
    """

    def __init__(self, hub: Hub, on_command: Callable[[HubCommand, Asker], None], library: str, kept: str = "") -> None:
        self.clients: dict[int, Client] = {}
        self._hub, self._on_command = hub, on_command
        self._sections = Sections()
        ids = count(1)
        self._ears = [Ear(ids) for _ in hub.buses]
        self._ear = self._ears[hub.focus]
        self._shelf = Shelf(lambda: None if self._engine is None else self._engine.index)
        previews, plan = Previews(self._shelf), LibraryMap(self._shelf)
        self._server = PageServer(self._join, self._leave, self._receive, previews.wav, plan.json)
        self._requests = RateLimit(rate=50, burst=100)  # a held key repeats 30 times a second
        self._desk: LibraryDesk | None = None
        self._engine: Engine | None = None
        self._drawing: asyncio.Task[None] | None = None
        self._began = time.monotonic()
        self._count = 0
        self._seen: tuple[SuggestionList, frozenset[int], frozenset[str]] | None = None
        self._inputs = Inputs(lambda found: self._put_now("inputs", found))
        self._sections.put(
            "session",
            {"version": version("timbrel"), "library": library, "began": round(time.time(), 1), "kept": kept},
        )

    @property
    def url(self) -> str:
        """Where it is served."""
        return self._server.url

    @property
    def token(self) -> str:
        """What commands, previews and the WebSocket need."""
        return self._server.token

    async def start(self, config: PageConfig, say: Callable[[str], None], desk: LibraryDesk | None = None) -> None:
        """Serve the page; where that can't be, say so in one line: the daemon goes on without.

        Args:
            config: Where, and what beside it.
            say: Takes lines for people.
            desk: Looks after the library.
        """
        if desk is not None:
            self._desk = desk
            desk.start(self._put_now)
        await self._show_report(config.report, say)
        try:
            await in_thread("page", import_aiohttp)  # 0.3 s in which OSC is answered
            await self._server.start(config.port)
        except (MissingDependencyError, NetworkError) as error:
            say(f"no page: {error}")
            return
        taken = f" (port {config.port} is taken)" if config.port not in (0, self._server.port) else ""
        say(f"page at {self.url}{taken}")
        if config.open:
            await in_thread("browser", lambda: open_browser(self.url))

    async def close(self, reason: str) -> None:
        """Tell the pages why, and close them; may be called twice."""
        if self._drawing is not None:
            self._drawing.cancel()
        self._inputs.close()
        self.look()
        for client in self.clients.values():
            client.tell(event("bye", text=reason))
        await asyncio.sleep(0)  # lets their tasks write it
        await self._server.close()
        if self._desk is not None:
            await self._desk.close()

    def attach(self, engines: Sequence[Engine]) -> None:
        """Take over what the engine of each bus is going to hear; call it before they run."""
        self._engine = engines[0]
        for ear, engine in zip(self._ears, engines, strict=True):
            ear.attach(engine)

    def on_analysis(self, analysis: Analysis, bus: int = 0) -> None:
        """Take in one window of a bus, after the hub did."""
        if self._engine is None:
            return
        ear = self._ears[bus]
        ear.take(analysis, time.time())
        self._remember(analysis, bus)
        is_frame = bus == self._hub.focus
        if is_frame:
            self._sections.put("pulse", ear.pulse)
        self.look(is_frame=is_frame)
        if is_frame:
            self._draw()

    def look(self, *, is_frame: bool = False) -> None:
        """Take over what changed in the hub, and wake the pages when there is something for them."""
        hub, before = self._hub, self._sections.version
        if self._desk is not None:
            self._desk.look(self._shelf.library)
        self._look_at_buses()
        self._look_at_list()
        self._sections.put_all(
            {
                "status": status_section(*self._status(), is_hearing=bool(hub.shown.items)),
                "bus": {"input": hub.context},
                "targets": targets_section(hub.targets.overview(), hub.channel),
                "switches": {"auto": hub.auto, "enabled": hub.enabled},
            }
        )
        if self._engine is not None:
            calibrated = self._engine.encoder.spec.threshold
            self._sections.put("tuning", tuning_section(hub.threshold, calibrated, hub.stability))
        if self._sections.version > before or is_frame:
            for client in self.clients.values():
                client.wake(is_frame=is_frame)

    def _look_at_buses(self) -> None:
        """Show which buses there are, where they are several, and follow the focus."""
        buses, focus = self._hub.buses, self._hub.focus
        if len(buses) > 1:
            self._sections.put("buses", buses_section(buses, focus))
        if self._ear is not self._ears[focus]:
            self._ear = self._ears[focus]
            self._sections.put_all({"pulse": self._ear.pulse, "picture": None})
            self._draw()

    def _status(self) -> tuple[str, str]:
        """Return state and sentence of the bus in focus: how the others are stands beside their names."""
        if len(self._ears) == 1:
            return self._hub.status
        bus = self._hub.buses[self._hub.focus]
        return bus.state, "; ".join(part for part in (bus.text, self._hub.targets.status_text()) if part)

    def _look_at_list(self) -> None:
        """Write the lanes anew where list, locks or likes are others: asking for previews looks into the library."""
        seen = (self._hub.shown, self._hub.locked, self._hub.liked)
        if self._seen is None or seen[0] is not self._seen[0] or seen[1:] != self._seen[1:]:
            self._seen = seen
            self._shelf.remember(item.sound for item in seen[0].items)
            self._sections.put("lanes", lanes_section(*seen, self._shelf.can_hear))

    def publish(self, effect: Send | Reply, asker: Asker | None) -> None:
        """Tell pages what an effect means for them: a reply to whoever asked, what was chosen to all."""
        if isinstance(effect, Reply):
            self._answer(asker, "reply", text=effect.text)
            return
        message = effect.message
        if message.address == "/timbrel/chosen":
            _, _, sound, adapter, result, detail = message.args
            self._sections.put("loaded", {"sound": sound if result == "ok" else "", "adapter": adapter})
            self._tell_all("chosen", sound=sound, adapter=adapter, result=result, text=detail)
        elif message.address == "/timbrel/status" and message != messages.status(*self._hub.status):
            self._tell_all("note", text=message.args[1])  # said beside the state: a library that was reloaded

    def refuse(self, asker: PageAsker, refusal: Refusal) -> None:
        """Tell a page why what it asked for can't be done."""
        self._answer(asker, "error", code=refusal.code, text=refusal.reason)

    def _answer(self, asker: Asker | None, kind: str, **fields: object) -> None:
        client = self.clients.get(asker.client) if isinstance(asker, PageAsker) else None
        if client is not None and isinstance(asker, PageAsker):
            client.tell(event(kind, do=asker.path, id=asker.request, **fields))

    def _tell_all(self, kind: str, **fields: object) -> None:
        for client in self.clients.values():
            client.tell(event(kind, **fields))

    def _put_now(self, name: str, value: object) -> None:
        """Set a section that changes by itself, and wake the pages."""
        self._sections.put(name, value)
        for client in self.clients.values():
            client.wake()

    async def _show_report(self, folder: str, say: Callable[[str], None]) -> None:
        """Show an evaluation beside the page; where there is none, say so and go on."""
        if not folder:
            return
        try:
            self._server.report = await in_thread("report", lambda: Report(Path(folder).expanduser()))
        except (InputError, OSError) as error:
            say(f"no evaluation: {error}")
        else:
            self._sections.put("report", True)

    def _join(self) -> Client:
        self._count += 1
        self.look()
        client = Client(self._count, self._sections)
        self.clients[client.number] = client
        return client

    def _leave(self, client: Client) -> None:
        self.clients.pop(client.number, None)

    def _receive(self, client: Client, endpoint: tuple[str, int], text: str) -> None:
        """Carry out one message of a page; what is wrong with it is its answer."""
        asker = PageAsker(endpoint, "", client.number, 0)
        try:
            if not self._requests.allow(client.number, time.monotonic()):
                raise Refusal(429, "too many messages, slow down")
            request = read_request(text)
            asker = PageAsker(endpoint, request.do, client.number, request.id)
            if self._desk is not None and self._desk.takes(request.do):
                self._desk.handle(request)
                return
            if request.do == "inputs":
                self._inputs.look()
            else:
                self._on_command(to_command(request, self._hub.shown), asker)
        except Refusal as refusal:
            self.refuse(asker, refusal)
        self.look()

    def _remember(self, analysis: Analysis, bus: int) -> None:
        items = self._hub.buses[bus].shown.items
        changed, dropped = self._ears[bus].spans(analysis, items, time.monotonic() - self._began)
        whose = {"bus": bus} if len(self._ears) > 1 else {}
        for span in changed:
            self._sections.put(f"span:{span['id']}", span | whose)
        for number in dropped:
            self._sections.drop(f"span:{number}")

    def _draw(self) -> None:
        """Draw the newest window while somebody looks; a drawing that is not done in a hop is not begun again."""
        if not self._ear.is_hearing:
            self._sections.put("picture", None)
        elif self.clients and (self._drawing is None or self._drawing.done()):
            self._drawing = asyncio.ensure_future(self._draw_slowly(self._ear))

    async def _draw_slowly(self, ear: Ear) -> None:
        tap = ear.tap
        features = await in_thread("page picture", tap.features) if tap is not None else None
        if tap is None or features is None or ear is not self._ear:
            return
        self._sections.put("picture", Picture(tap.spec.features).draw(features))
        for client in self.clients.values():
            client.wake()

"""Stand at Live's place: AbletonOSC with its habits, and small objects of Live for our Remote Script."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from bridge.daws.wire import host_messages, osc

__all__ = ["AbletonOsc", "Browser", "Device", "Item", "Live", "Simpler", "Track", "remote_script"]

SCRIPTS = Path(__file__).parents[2] / "examples" / "ableton"
TICK_S = 0.1


@contextmanager
def remote_script() -> Iterator[Callable[[str], ModuleType]]:
    """Let modules of our Remote Script be imported as Live imports them; gives what imports one."""
    sys.path.insert(0, str(SCRIPTS))
    try:
        yield lambda name: importlib.import_module(f"Timbrel{name}")
    finally:
        sys.path.remove(str(SCRIPTS))
        for name in [name for name in sys.modules if name.partition(".")[0] == "Timbrel"]:
            del sys.modules[name]


class AbletonOsc(asyncio.DatagramProtocol):
    """Answer as AbletonOSC: read every 100 ms, answer at one fixed port, tell errors to whoever spoke last.

    Args:
        names: Names of the tracks.
        reply_port: Port that all answers go to (11001 in Live).
    """

    def __init__(self, names: list[str], reply_port: int) -> None:
        self.names, self.selected = names, 0
        self.shown: list[str] = []
        self.asked: list[str] = []
        self.port = 0
        self._reply_port = reply_port
        self._queue: list[bytes] = []
        self._transport: asyncio.DatagramTransport | None = None
        self._ticking: asyncio.Task[None] | None = None

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._queue.append(data)

    async def start(self, port: int = 0) -> None:
        """Listen, and say so; on a chosen port after a restart."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", port))
        self.port = int(self._transport.get_extra_info("sockname")[1])
        self._send(osc("/live/startup"))
        self._ticking = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        """Fall silent, as a Live that was killed."""
        if self._transport is not None and self._ticking is not None:
            self._ticking.cancel()
            self._transport.close()
            self._transport = None
            await asyncio.sleep(0)

    async def _tick(self) -> None:
        while True:
            # An exception in a handler ends the tick; what is queued behind waits for the next.
            while self._queue and self._answer(self._queue.pop(0)):
                pass
            await asyncio.sleep(TICK_S)

    def _answer(self, data: bytes) -> bool:
        (one,) = host_messages(data)
        self.asked.append(one.address)
        if one.address == "/live/application/get/version":
            self._send(osc(one.address, "ii", 11, 3))
        elif one.address == "/live/song/get/track_names":
            self._send(osc(one.address, "s" * len(self.names), *self.names))
        elif one.address == "/live/song/get/num_tracks":
            self._send(osc(one.address, "i", len(self.names)))
        elif one.address == "/live/song/get/tempo":
            self._send(osc(one.address, "f", 120.0))
        elif one.address == "/live/view/get/selected_track":
            if self.selected >= len(self.names):
                self._send(osc("/live/error", "s", "Error handling OSC message: Track is not in list"))
                return False
            self._send(osc(one.address, "i", self.selected))
        elif one.address == "/live/api/show_message":
            self.shown.append(str(one.args[0]))
        else:
            self._send(osc("/live/error", "s", f"Unknown OSC address: {one.address}"))
        return True

    def _send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.sendto(data, ("127.0.0.1", self._reply_port))


class Device:
    """A device on a track; type 1 is an instrument."""

    def __init__(self, name: str, class_name: str = "PluginDevice", type_: int = 1) -> None:
        self.name, self.class_name, self.type = name, class_name, type_


class _Sample:
    def __init__(self, path: str) -> None:
        self.file_path = path


class OldSimpler(Device):
    """A Simpler before Live 12.4."""

    def __init__(self, path: str = "") -> None:
        super().__init__("Simpler", "OriginalSimpler")
        self.sample = _Sample(path) if path else None


class Simpler(OldSimpler):
    """A Simpler of Live 12.4; a path with "broken" in it is taken and never shown."""

    def replace_sample(self, path: str) -> None:
        if "missing" in path:
            raise RuntimeError("file not found")
        if "broken" not in path:
            self.sample = _Sample(path)


class OldTrack:
    """A track before Live 12.3."""

    def __init__(self, name: str, *devices: Device) -> None:
        self.name, self.devices = name, list(devices)

    def delete_device(self, at: int) -> None:
        del self.devices[at]


class Track(OldTrack):
    """A track of Live 12.3 and later."""

    def insert_device(self, name: str) -> None:
        assert name == "Simpler"
        self.devices.append(Simpler())


class Item:
    """A file or a folder in the browser."""

    def __init__(self, name: str, *children: Item) -> None:
        self.name, self.children, self.is_loadable = name, list(children), not children


class _View:
    def __init__(self, track: OldTrack) -> None:
        self.selected_track = track


class Browser:
    """Live's browser: loads onto the selected track, and makes a Simpler of a sample."""

    def __init__(self, live: Live, *places: Item) -> None:
        self._live, self.user_folders, self.user_library = live, list(places), Item("User Library", Item("Old.wav"))

    def load_item(self, item: Item) -> None:
        track = self._live.view.selected_track
        is_sample = item.name.endswith(".wav")
        track.devices[:] = [
            OldSimpler(f"/m/Places/Drums/{item.name}") if is_sample else Device(item.name.partition(".")[0])
        ]


class Live:
    """Live's song and application in one."""

    def __init__(self, *tracks: OldTrack, places: tuple[Item, ...] = (), version: tuple[int, int] = (12, 4)) -> None:
        self.tracks, self.tempo, self.view = list(tracks), 98.5, _View(tracks[0])
        self.browser = Browser(self, *places)
        self.steps, self._version = 0, version
        self.shown: list[str] = []

    def begin_undo_step(self) -> None:
        self.steps += 1

    def end_undo_step(self) -> None:
        self.steps -= 1

    def get_major_version(self) -> int:
        return self._version[0]

    def get_minor_version(self) -> int:
        return self._version[1]

    def serve(self, load: Callable[[str], ModuleType]) -> tuple[Any, Callable[[], None]]:
        """Return the Remote Script's server on a free port, and what Live does at every tick."""
        service = load(".service").Service(load(".loading").Loader(self, self.browser), self, self.shown.append)
        server = load(".server").Server(service.handle, 0)

        def tick() -> None:
            server.process()
            for to, out in service.finish():
                server.send(to, out)

        return server, tick

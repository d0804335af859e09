"""Stand at the place of Carla: OSC over TCP, answers over a connection of its own, to one client alone."""

from __future__ import annotations

import asyncio
import contextlib
import re
import struct
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from bridge.daws.wire import host_messages, osc

__all__ = ["CarlaPeer", "RackPlugin"]

SF2, SFZ, LV2 = 10, 11, 4
SFIZZ = "http://sfztools.github.io/sfizz"
_URL = re.compile(r"osc\.tcp://[^:/]+:(\d+)(/.*)")
_PLUGIN = re.compile(r"/[^/]+/(\d{1,3})/set_midi_program")


@dataclass
class RackPlugin:
    """Hold one plugin; its programs are (bank, program, name)."""

    name: str
    kind: int
    path: str = ""
    label: str = "plugin"
    programs: tuple[tuple[int, int, str], ...] = ()
    program: int = -1


@dataclass
class CarlaPeer:
    """Load what lies on its disk, and tell its one client about it.

    Attributes:
        disk: SF2 file -> its presets; SFZ files have none.
        plugins: The rack.
        got: Addresses of what came.
        registered: Port and path of the client, None without one.
        exit_errors: How often a client was refused.
    """

    disk: dict[str, tuple[tuple[int, int, str], ...]] = field(default_factory=dict)
    plugins: list[RackPlugin] = field(default_factory=list)
    got: list[str] = field(default_factory=list)
    registered: tuple[int, str] | None = None
    exit_errors: int = 0
    port: int = 0
    _server: asyncio.Server | None = None
    _incoming: set[asyncio.StreamWriter] = field(default_factory=set)
    _target: asyncio.StreamWriter | None = None
    _replaces: int | None = None

    async def start(self) -> None:
        """Listen; on the same port after a restart, with nobody registered."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Die with all connections."""
        self.registered, self._replaces = None, None
        if self._server is not None:
            self._server.close()
        for writer in (*self._incoming, *([self._target] if self._target else [])):
            writer.transport.abort()
        self._incoming, self._target = set(), None
        await asyncio.sleep(0.01)

    async def rename(self, number: int, name: str) -> None:
        """Rename a plugin, as its user does."""
        self.plugins[number].name = name
        await self._callback(3, number, text=name)

    async def remove(self, number: int) -> None:
        """Remove a plugin, as its user does; those behind it move up."""
        del self.plugins[number]
        await self._callback(2, number)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._incoming.add(writer)
        with contextlib.suppress(OSError, EOFError):
            while True:
                (size,) = struct.unpack(">I", await reader.readexactly(4))
                for one in host_messages(await reader.readexactly(size)):
                    self.got.append(one.address)
                    await self._handle(writer, one.address, one.types, one.args)
        self._incoming.discard(writer)
        writer.close()

    async def _handle(
        self, source: asyncio.StreamWriter, address: str, types: str, args: tuple[int | float | str, ...]
    ) -> None:
        if address in ("/register", "/unregister") and types == "s":
            await self._client(source, address, str(args[0]))
        elif address.startswith("/ctrl/"):
            # Without a client it answers to nobody.
            if self.registered is not None and types.startswith("i"):
                error = await self._control(address.removeprefix("/ctrl/"), types, list(args[1:]))
                await self._tell("resp", "is", int(args[0]), error)
        elif (found := _PLUGIN.fullmatch(address)) and types == "i":
            number, index = int(found[1]), int(args[0])
            if number < len(self.plugins) and -1 <= index < len(self.plugins[number].programs):
                self.plugins[number].program = index  # over OSC nothing is told of it

    async def _client(self, source: asyncio.StreamWriter, address: str, url: str) -> None:
        found = _URL.fullmatch(url)
        if found is None:
            return
        port, path = int(found[1]), found[2]
        if address == "/unregister":
            if self.registered is not None and self.registered[1] == path:
                self.registered = None
                await self._hang_up()
        elif self.registered is not None:
            self.exit_errors += 1
            source.write(_framed(osc(f"{path}/exit-error", "s", "OSC already registered to another client")))
        else:
            self.registered = (port, path)
            await self._callback(29, len(self.plugins), text="JACK")
            for number in range(len(self.plugins)):
                await self._info(number)
                await self._callback(1, number, text=self.plugins[number].name)

    async def _control(self, method: str, types: str, args: list[int | float | str]) -> str:
        match method, types, args:
            case "replace_plugin", "ii", [int(number)]:
                if number >= len(self.plugins):
                    return "Invalid plugin Id"
                self._replaces = number
            case "add_plugin", "iiisssii", [int(binary), int(kind), str(path), str(name), str(label), 0, 0x10000]:
                place, self._replaces = self._replaces, None
                if binary == 0 or not label or path not in self.disk:
                    return "Failed to load file"
                await self._add(place, kind, path, name)
            case "rename_plugin", "iis", [int(number), str(name)] if number < len(self.plugins):
                self.plugins[number].name = self._unique(name)
                await self._callback(3, number, text=self.plugins[number].name)
            case "remove_plugin", "ii", [int(number)] if number < len(self.plugins):
                await self.remove(number)
            case _:
                return "Unhandled OSC control method"
        return ""

    async def _add(self, number: int | None, kind: int, path: str, name: str) -> None:
        unique, programs = self._unique(name), self.disk[path]
        label = PurePosixPath(path).stem
        # An SFZ file is played by the sfizz LV2 plugin, which tells another type, name and no file.
        plugin = (
            RackPlugin(unique, SF2, path, label, programs, 0 if programs else -1)
            if kind == SF2
            else RackPlugin("sfizz", LV2, "", SFIZZ)
        )
        if number is None:
            self.plugins.append(plugin)
        else:
            self.plugins[number] = plugin
        at = len(self.plugins) - 1 if number is None else number
        await self._info(at)
        await self._callback(1 if number is None else 19, at, text=plugin.name if number is None else "")

    def _unique(self, name: str) -> str:
        name = name.replace(":", ".").replace("/", ".")
        return f"{name} (2)" if any(plugin.name == name for plugin in self.plugins) else name

    async def _info(self, number: int) -> None:
        plugin = self.plugins[number]
        texts = (plugin.name, plugin.path, "", plugin.name, plugin.label, "", "")
        await self._tell("info", "iiiihiisssssss", number, plugin.kind, 0, 0, 0, 0, 0, *texts)
        await self._tell("ports", "iiiiiiii", number, 0, 2, 1, 0, 0, 0, 0)
        await self._tell("count", "iiiiii", number, 0, len(plugin.programs), 0, -1, plugin.program)
        for index, (bank, program, name) in enumerate(plugin.programs):
            await self._tell("mprog", "iiiis", number, index, bank, program, name)
        await self._tell("iparams", "ifffffff", number, *[0.0] * 7)

    async def _callback(self, opcode: int, number: int, *, text: str = "") -> None:
        await self._tell("cb", "iiiiifs", opcode, number, 0, 0, 0, 0.0, text)

    async def _tell(self, what: str, types: str, *args: int | float | str) -> None:
        """Send to the client over a connection that is opened to it, and again once when it was lost."""
        if self.registered is None:
            return
        payload = _framed(osc(f"{self.registered[1]}/{what}", types, *args))
        with contextlib.suppress(OSError):
            if self._target is None or self._target.is_closing():
                _, self._target = await asyncio.open_connection("127.0.0.1", self.registered[0])
            self._target.write(payload)
            await self._target.drain()

    async def _hang_up(self) -> None:
        target, self._target = self._target, None
        if target is not None:
            target.close()
            with contextlib.suppress(OSError):
                await target.wait_closed()


def _framed(message: bytes) -> bytes:
    return struct.pack(">I", len(message)) + message

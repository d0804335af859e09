"""Stand at REAPER's place: its OSC surface, its web interface, and the script that runs inside it (in real Lua)."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import struct
import subprocess
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

from aiohttp import web

from bridge.daws.wire import host_messages, osc

__all__ = ["LUA", "LuaScript", "OscReaper", "PlainScript", "Script", "WebReaper", "free_port"]

HERE = Path(__file__).parent
LUA = shutil.which("lua5.3") or shutil.which("lua5.4")
SCRIPT = HERE.parents[1] / "examples" / "reaper" / "timbrel.lua"

MOST_BYTES = 1024
COMMAND_CHARS = 1023
LINE_CHARS = 4095


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    """Return a port of 127.0.0.1 that nobody has."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class OscReaper:
    """Answer as csurf_osc.cpp: feedback only for what changed, a message makes it forget what it told at its address.

    Args:
        names: Names of the tracks; one without a name is told by its number.
        presets: Names of presets that every instrument has.
    """

    def __init__(self, names: list[str], presets: tuple[str, ...] = ()) -> None:
        self.names, self.presets = names, presets
        self.held = ["Init"] * len(names)
        self.midi: list[tuple[str, int]] = []
        self.dropped = 0
        self._told: dict[str, str] = {}

    def __call__(self, payload: bytes) -> list[bytes]:
        if len(payload) > MOST_BYTES:
            self.dropped += 1
            return []
        (one,) = host_messages(payload)
        self._told.pop(one.address, None)
        parts = one.address.strip("/").split("/")
        if parts[0] == "vkb_midi":
            self.midi.append((one.address, int(one.args[0])))
        elif parts[0] == "track" and parts[2:] == ["fxinst", "preset"] and one.args:
            self._load(int(parts[1]) - 1, str(one.args[0]))
        elif parts[0] == "track" and parts[2:] == ["name"] and one.args:
            self.names[int(parts[1]) - 1] = str(one.args[0])
        elif one.address == "/device/track/count" and one.types == "i":
            return self._changed(int(one.args[0]))
        return []

    def _load(self, at: int, preset: str) -> None:
        if at < len(self.held) and (preset in self.presets or preset.endswith(".vstpreset")):
            self.held[at] = preset

    def _changed(self, bank: int) -> list[bytes]:
        """Tell of the bank what is not told yet, in bundles of 1024 bytes; of tracks that are not there as well."""
        elements: list[bytes] = []
        for at in range(bank):
            name = self.names[at] if at < len(self.names) else ""
            told = {
                f"/track/{at + 1}/name": name or f"Track {at + 1}",
                f"/track/{at + 1}/fxinst/preset": self.held[at] if at < len(self.held) else "",
            }
            for address, text in told.items():
                if self._told.get(address) != text:
                    self._told[address] = text
                    elements.append(osc(address, "s", text))
        bundles: list[bytes] = []
        head = b"#bundle\0" + bytes(8)
        for element in elements:
            piece = struct.pack(">i", len(element)) + element
            if not bundles or len(bundles[-1]) + len(piece) > MOST_BYTES:
                bundles.append(head)
            bundles[-1] += piece
        return bundles


class Script(Protocol):
    """Hold REAPER's extended state and its tracks, and run a script for one turn."""

    def get(self, key: str) -> str: ...
    def set(self, key: str, value: str) -> None: ...
    def turn(self) -> None: ...
    def tracks(self) -> list[str]: ...


class PlainScript:
    """Speak as timbrel.lua does, with tracks that hold one file each."""

    def __init__(self, names: list[str]) -> None:
        self.state: dict[str, str] = {}
        self.files = dict.fromkeys(names, "")

    def get(self, key: str) -> str:
        return self.state.get(key, "")

    def set(self, key: str, value: str) -> None:
        self.state[key] = value

    def tracks(self) -> list[str]:
        return list(self.files)

    def turn(self) -> None:
        self.state["alive"] = "1 7.22/linux-x86_64"
        number, _, count = self.state.pop("request", "").partition(" ")
        if not number:
            return
        verb, *fields = "".join(self.get(f"part.{at + 1}") for at in range(int(count))).split("\n")
        if verb == "sample" and fields[0] in self.files:
            held, self.files[fields[0]] = self.files[fields[0]], fields[1]
            self.state[f"answer.{number}"] = f"ok\nloaded\n{fields[0]}|{held}"
        elif verb == "restore":
            name, _, file = fields[0].partition("|")
            self.files[name] = file
            self.state[f"answer.{number}"] = "ok\nback\n"
        else:
            self.state[f"answer.{number}"] = f"failed\nthere is no track {fields[0]}"


class LuaScript:
    """Run timbrel.lua itself, beside a small REAPER written in Lua; one line goes in, one comes back."""

    def __init__(self) -> None:
        if LUA is None:
            raise RuntimeError("there is no lua5.3")
        self._lua = subprocess.Popen(
            [LUA, str(HERE / "fake_reaper.lua"), str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def _ask(self, *words: str) -> str:
        assert self._lua.stdin is not None
        assert self._lua.stdout is not None
        line = " ".join([words[0], *(word.encode().hex() or "-" for word in words[1:])])
        self._lua.stdin.write(line.encode() + b"\n")
        self._lua.stdin.flush()
        said = self._lua.stdout.readline()
        if not said:
            raise RuntimeError("the script ended with an error, see above")
        return bytes.fromhex(said.decode().strip()).decode()

    def get(self, key: str) -> str:
        return self._ask("get", key)

    def set(self, key: str, value: str) -> None:
        self._ask("set", key, value)

    def turn(self) -> None:
        self._ask("turn")

    def tracks(self) -> list[str]:
        return self._ask("tracks").split("\n")

    def ask(self, *words: str) -> str:
        """Look at, or change, the small REAPER."""
        return self._ask(*words)

    def close(self) -> None:
        assert self._lua.stdin is not None
        assert self._lua.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._lua.stdin.close()
        self._lua.wait(10)
        self._lua.stdout.close()


class WebReaper:
    """Answer as csurf_www.cpp: commands cut at 1023 characters, values escaped, no decoding of keys that are read.

    Args:
        script: Runs for a turn after each request, unless it was ended.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.runs = True
        self.asked: list[str] = []
        self.port = 0
        self._runner: web.ServerRunner | None = None

    async def start(self, port: int = 0) -> None:
        """Listen; on a chosen port after a restart."""
        self._runner = web.ServerRunner(web.Server(self._serve))
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port or free_port(socket.SOCK_STREAM))
        await site.start()
        self.port = int(site.name.rpartition(":")[2])

    async def stop(self) -> None:
        """Fall silent, as a host that was killed."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
            await asyncio.sleep(0)

    async def _serve(self, request: web.BaseRequest) -> web.Response:
        path = request.raw_path
        self.asked.append(path)
        if not path.startswith("/_/") or len(path) > LINE_CHARS:
            return web.Response(status=404)
        said = self.commands(path)
        if self.runs:
            self.script.turn()
        return web.Response(text=said, headers={"Server": "reaper_csurf_www/0.1"})

    def commands(self, path: str) -> str:
        """Do what a path says, and return what is answered."""
        return "".join(self._command(command[:COMMAND_CHARS]) for command in path[3:].split(";") if command)

    def _command(self, command: str) -> str:
        words = command.split("/", 4)
        if words[:2] == ["SET", "EXTSTATE"] and len(words) == 5:
            self.script.set(unquote(words[3]), unquote(words[4]))
        elif words[:2] == ["GET", "EXTSTATE"]:
            value = self.script.get(words[3])
            escaped = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
            return f"EXTSTATE\t{words[2]}\t{words[3]}\t{escaped}\n"
        elif command == "NTRACK":
            return f"NTRACK\t{len(self.script.tracks())}\n"
        elif command == "TRACK":
            rest = "512\t1.000000\t0.000000\t-1500\t-1500\t1.000000\t3\t0\t0\t1\t0"
            names = ["MASTER", *self.script.tracks()]
            return "".join(f"TRACK\t{at}\t{name}\t{rest}\n" for at, name in enumerate(names))
        return ""

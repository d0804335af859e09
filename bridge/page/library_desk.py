"""Look after the library from the page: describe it, build it again, add a folder; each in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bridge.commands import Refusal
from bridge.page.library_child import Child
from bridge.page.library_folders import allowed_folder
from bridge.page.library_progress import BuildState
from bridge.page.library_view import library_view
from bridge.threads import in_thread
from library.index import BUILT_IN, library_path

if TYPE_CHECKING:
    from bridge.config import Config
    from bridge.page.protocol import Request
    from bridge.watching import Watch
    from library.index import SoundIndex

__all__ = ["LibraryDesk"]

Json = dict[str, Any]  # Any: what JSON can hold
Put = Callable[[str, object], None]


class LibraryDesk:
    """Serve the library page; everything on the asyncio thread of the daemon, the work in other processes.

    One build at a time, whichever page began it; it ends with the daemon. A daemon follows what a build publishes by
    itself (see bridge.following).

    Args:
        config: Settings.
        config_file: Where they were read; None = the user's own file.
        watch: What keeps the library current meanwhile, and steps aside for a build.
    """

    def __init__(self, config: Config, config_file: Path | None = None, watch: Watch | None = None) -> None:
        self._library, self._device = config.library, config.device
        self._config_file, self._watch = config_file, watch
        self._put: Put = lambda _name, _value: None
        self._view: Json | None = None
        self._index: SoundIndex | None = None
        self._shelf = ""
        self._reading: asyncio.Task[None] | None = None
        self._is_stale = False
        self._building: asyncio.Task[None] | None = None
        self._build: Child | None = None
        self._state: BuildState | None = None
        self._ending: asyncio.Task[None] | None = None
        self._commands: dict[str, Callable[[Request], None]] = {
            "library": lambda _: self._read(),
            "rescan": lambda _: self._begin("rescan"),
            "add-folder": self._add,
            "cancel-build": lambda _: self._cancel(),
        }

    @property
    def is_built_in(self) -> bool:
        """Whether the library never changes."""
        return self._library.path == BUILT_IN

    def start(self, put: Put) -> None:
        """Begin; `put` sets a section of what pages show."""
        self._put = put
        self._tell("unread")

    async def close(self) -> None:
        """End what still runs."""
        running = {task for task in (self._reading, self._building, self._ending) if task is not None}
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)

    def takes(self, command: str) -> bool:
        """Tell whether a command of a page is for this desk."""
        return command in self._commands

    def handle(self, request: Request) -> None:
        """Carry out a command of a page.

        Raises:
            Refusal: 400, 403, 404, see `allowed_folder`; 409, it can't be done with this library, or not now.
        """
        self._commands[request.do](request)

    def look(self, index: SoundIndex | None) -> None:
        """Tell which sounds are in use; where others are than before, describe the library anew if a page once asked.

        An index that was opened again for another reason, as for likes, holds the same sounds.
        """
        if index is self._index:
            return
        self._index = index
        manifest = None if index is None else index.generation.manifest
        shelf = "" if manifest is None else f"{manifest.generation}:{manifest.content_sha256}"
        if shelf != self._shelf:
            self._shelf = shelf
            self._put("shelf", shelf)
            if self._view is not None:
                self._read()

    def _read(self) -> None:
        self._is_stale = True  # what is being read may be older than what asks
        if self._reading is None or self._reading.done():
            self._reading = asyncio.ensure_future(self._read_while_stale())

    async def _read_while_stale(self) -> None:
        while self._is_stale:
            self._is_stale = False
            await self._read_slowly()

    async def _read_slowly(self) -> None:
        if self._view is None:
            self._tell("reading")
        lines: list[bytes] = []
        try:
            complaint = await Child(["library", "info", self._library.path, "--json"]).run(lines.append)
            if lines:
                self._view = await in_thread("library", lambda: library_view(json.loads(lines[0])))
        except (OSError, ValueError, KeyError) as error:
            complaint = str(error)
        self._tell("read" if lines else "failed", "" if lines else complaint)

    def _tell(self, state: str, text: str = "") -> None:
        path = self._library.path
        self._put(
            "library",
            {
                "state": state,
                "text": text,
                "name": "General MIDI" if self.is_built_in else library_path(path).name,
                "path": "" if self.is_built_in else str(library_path(path).absolute()),
                "built_in": self.is_built_in,
                "watched": self._watch is not None,
                "folders": list(self._library.page_folders),
                **(self._view or {}),
            },
        )

    def _add(self, request: Request) -> None:
        asked = request.fields.get("path")
        if not isinstance(asked, str) or not asked.strip():
            raise Refusal(400, "path must be the name of a folder")
        self._check()
        self._begin("add", str(allowed_folder(asked, self._library.page_folders)))

    def _check(self) -> None:
        if self.is_built_in:
            raise Refusal(409, "the built-in library never changes: start Timbrel with one of your own, --library LIB")
        if self._is_building:
            raise Refusal(409, "a build is running: wait for its end, or cancel it")

    def _begin(self, what: Literal["rescan", "add"], source: str = "") -> None:
        self._check()
        words = ["add", source, "--library"] if what == "add" else ["rescan"]
        words = ["library", *words, str(library_path(self._library.path)), "--device", self._device, "--json"]
        words += ["--parent", str(os.getpid())]
        words += ["--config", str(self._config_file)] if self._config_file is not None else []
        self._build = Child(words)
        self._state = BuildState(what, source)
        self._building = asyncio.ensure_future(self._build_slowly(self._build, self._state))

    async def _build_slowly(self, build: Child, state: BuildState) -> None:
        """Run a build; what it prints is shown, and how it ended."""

        def take(line: bytes) -> None:
            state.take(line, time.monotonic())
            if state.shown()["state"] != "done":  # it is when its process has ended: then the next may begin
                self._put("build", state.shown())

        self._put("build", state.shown())
        try:
            if self._watch is not None:
                await in_thread("watch", self._watch.hold)
            complaint = await build.run(take)
        except (OSError, ValueError) as error:
            complaint = str(error)
        finally:
            if self._watch is not None:
                self._watch.release()
        state.end(complaint)
        self._put("build", state.shown())
        self._read()

    def _cancel(self) -> None:
        if self._build is None or self._state is None or not self._is_building:
            raise Refusal(409, "no build is running")
        self._state.is_cancelled = True
        self._ending = asyncio.ensure_future(self._build.stop())

    @property
    def _is_building(self) -> bool:
        return self._building is not None and not self._building.done()

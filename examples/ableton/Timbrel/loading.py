"""Load samples and presets through Live's own objects. Python 3.7 and later.

Which version of Live a call needs is said beside it. Where nothing else is said it is in the Live 11 API; "not run"
means that it comes from documentation or other people's scripts, and was not tried in a Live by us.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

REMEMBERED = 64
SIMPLER = "OriginalSimpler"
INSTRUMENT = 1  # Live.Device.DeviceType.instrument
SAMPLES = (".wav", ".aif", ".aiff", ".flac", ".ogg", ".mp3")


class Refused(Exception):  # noqa: N818 - it says no, it is no fault
    """Say in one sentence why something is not loaded."""


class Pending:
    """Hold what has been asked of Live and how it is seen that it is done.

    Args:
        detail: What was done, for people.
        is_done: Tells whether Live shows it.
        before: What brings back what was there; empty = nothing does but Live's own undo.
    """

    def __init__(self, detail: str, is_done: Callable[[], bool], before: str = "") -> None:
        self.detail, self.is_done, self.before = detail, is_done, before


class Loader:
    """Load onto tracks.

    Args:
        song: Live's song object.
        browser: Live's browser object.
    """

    def __init__(self, song: Any, browser: Any) -> None:
        self.song, self._browser = song, browser
        # Tokens of a script that ran before must not mean something else now.
        self._session, self._count = uuid.uuid4().hex[:8], 0
        self._replaced: dict[str, tuple[Any, str]] = {}  # token -> track, sample that it held or ""

    def load(self, track_name: str, path: str) -> Pending:
        """Load a file onto a track, found by its name now; an empty name is the selected track.

        Raises:
            Refused: It can't be.
        """
        track = self._track(track_name)
        self.song.begin_undo_step()
        try:
            if path.lower().endswith(SAMPLES):
                return self._sample(track, path)
            return self._from_browser(track, path, "")
        finally:
            self.song.end_undo_step()

    def restore(self, token: str) -> Pending:
        """Bring back what a load replaced.

        Raises:
            Refused: It can't be.
        """
        if token not in self._replaced:
            raise Refused("nothing is known about what was there; use Edit > Undo")
        track, held = self._replaced[token]
        if held:
            return self._sample(track, held)
        found = [at for at, device in enumerate(track.devices) if device.class_name == SIMPLER]
        if not found:
            raise Refused("the Simpler is not there any more")
        count = len(track.devices)
        track.delete_device(found[0])
        return Pending("the Simpler is gone again", lambda: len(track.devices) < count)

    def _remember(self, track: Any, held: str) -> str:
        # The track itself, not its name: Live names a track after what is loaded, unless the user has named it.
        self._count += 1
        token = f"{self._session}-{self._count}"
        self._replaced[token] = (track, held)
        while len(self._replaced) > REMEMBERED:
            self._replaced.pop(next(iter(self._replaced)))
        return token

    def _track(self, name: str) -> Any:
        if not name:
            return self.song.view.selected_track
        found = [track for track in self.song.tracks if track.name == name]
        if len(found) != 1:
            raise Refused(f"several tracks are named {name}" if found else f"there is no track {name}")
        return found[0]

    def _sample(self, track: Any, path: str) -> Pending:
        simpler = _simpler(track)
        if simpler is None:
            other = next((device for device in track.devices if device.type == INSTRUMENT), None)
            if other is not None:
                raise Refused(f"track {track.name} has the instrument {other.name}; take one with Simpler, or without")
            return self._new_simpler(track, path)
        held = simpler.sample.file_path if simpler.sample is not None else ""
        before = self._remember(track, held) if held else ""
        # SimplerDevice.replace_sample: Live 12.4 and later (secondary sources; not run).
        if not hasattr(simpler, "replace_sample"):
            return self._from_browser(track, path, before)
        simpler.replace_sample(path)
        return Pending("sample replaced in Simpler", lambda: _holds(track, path), before)

    def _new_simpler(self, track: Any, path: str) -> Pending:
        before = self._remember(track, "")
        # Track.insert_device: Live 12.3 and later (secondary sources; not run).
        if not hasattr(track, "insert_device"):
            return self._from_browser(track, path, before)
        track.insert_device("Simpler")
        simpler = _simpler(track)
        if simpler is None or not hasattr(simpler, "replace_sample"):
            return self._from_browser(track, path, before)
        simpler.replace_sample(path)
        return Pending("Simpler added, sample loaded", lambda: _holds(track, path), before)

    def _from_browser(self, track: Any, path: str, before: str) -> Pending:
        """Load what Live's browser lists: a file in its User Library or in a folder under Places.

        Browser.load_item, user_folders and user_library are in Live 9 and later: it loads onto the selected track, and
        replaces the instrument that is there, or makes a Simpler of a sample (not run).
        """
        item = self._item(path)
        if item is None:
            raise Refused(f"Live's browser does not list {path}; add its folder to Places")
        devices = [(device.name, device.class_name) for device in track.devices]
        self.song.view.selected_track = track
        self._browser.load_item(item)
        if path.lower().endswith(SAMPLES):
            return Pending("sample loaded by the browser", lambda: _holds(track, path), before)
        return Pending(
            "preset loaded by the browser",
            lambda: [(device.name, device.class_name) for device in track.devices] != devices,
            before,
        )

    def _item(self, path: str) -> Any:
        parts = re.split(r"[\\/]", path)
        for root in [*self._browser.user_folders, self._browser.user_library]:
            for at, part in enumerate(parts):
                if part == root.name:
                    item = _below(root, parts[at + 1 :])
                    if item is not None and item.is_loadable:
                        return item
        return None


def _below(item: Any, parts: list[str]) -> Any:
    """Follow names of folders; the browser may show a file without its suffix."""
    for part in parts:
        item = next((child for child in item.children if child.name in (part, part.rpartition(".")[0])), None)
        if item is None:
            return None
    return item


def _simpler(track: Any) -> Any:
    return next((device for device in track.devices if device.class_name == SIMPLER), None)


def _holds(track: Any, path: str) -> bool:
    simpler = _simpler(track)
    return simpler is not None and simpler.sample is not None and simpler.sample.file_path == path

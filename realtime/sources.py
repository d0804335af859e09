"""Make an audio source of what the user names: a device, JACK ports or a recording."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from library.errors import DeviceError, InputError, MissingDependencyError
from realtime.devices import InputChoice, list_inputs, resolve_device
from realtime.file_source import FileSource
from realtime.ring import Ring
from realtime.supervisor import CaptureProcess
from realtime.types import AudioSource, SourceStats

__all__ = ["DeviceSource", "FileSource", "InputChoice", "JackSource", "list_inputs", "parse_input"]


class _ProcessSource:
    """Capture in a process of its own; what it captures is up to the job."""

    def __init__(self) -> None:
        self._capture: CaptureProcess | None = None
        self._ring: Ring | None = None
        self._final: SourceStats | None = None

    @property
    def sample_rate(self) -> int:
        """Rate in Hz of what is written to the ring; 0 until the device or server told it."""
        return self._capture.sample_rate if self._capture is not None else 0

    @property
    def pid(self) -> int | None:
        """Process number of the present capture process, None before the first."""
        return self._capture.pid if self._capture is not None else None

    def start(self, ring: Ring) -> None:
        """Begin to capture; returns when the job is clear, before the first audio."""
        capture = CaptureProcess(self._job(), ring)
        capture.start()
        self._ring, self._final = ring, None
        self._capture = capture

    def stop(self) -> None:
        """End the capture process; may be called twice."""
        if self._capture is not None and self._final is None:
            self._capture.stop()
            self._final = self.stats()

    def stats(self) -> SourceStats:
        """Return what happened so far; safe from any thread."""
        if self._final is not None:
            return self._final
        if self._capture is None or self._ring is None:
            return SourceStats("starting", "not started yet", 0, 0, 0)
        return self._capture.stats(self._ring.total_frames, self._ring.lost_frames)

    def _job(self) -> dict[str, str | int | None]:
        raise NotImplementedError


class DeviceSource(_ProcessSource):
    """Capture an input device with PortAudio.

    Args:
        name: Number, name or a part of the name; None for the default input.
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__()
        self.name = name
        self._found: InputChoice | None = None

    def check(self) -> InputChoice:
        """Look the device up (about a second).

        Raises:
            DeviceError: There is no such input, or the name fits several.
        """
        self._found = resolve_device(self.name, list_inputs())
        return self._found

    def _job(self) -> dict[str, str | int | None]:
        found = self._found or self.check()
        return {"kind": "device", "device": found.name, "host": found.host, "index": found.index}


class JackSource(_ProcessSource):
    """Capture the sum of all JACK output ports whose full name matches, to left and right in their order.

    Ports and the server itself may come later, go and come back.

    Args:
        pattern: Regular expression for the whole `client:port`.
        server: Name of the JACK server, None for JACK's own choice (JACK_DEFAULT_SERVER).

    Raises:
        DeviceError: The pattern is no regular expression.
    """

    def __init__(self, pattern: str, server: str | None = None) -> None:
        super().__init__()
        try:
            re.compile(pattern)
        except re.error as error:
            raise DeviceError(
                f"jack:{pattern}",
                f"must be a regular expression ({error})",
                "try jack:CLIENT:.*, see `timbrel devices`",
            ) from error
        self.pattern = pattern
        self.server = server

    def _job(self) -> dict[str, str | int | None]:
        if importlib.util.find_spec("jack") is None:
            raise MissingDependencyError(
                "JACK-Client", "is needed to capture JACK ports and is not installed", "install timbrel[jack]"
            )
        return {"kind": "jack", "pattern": self.pattern, "server": self.server}


def parse_input(text: str | None, speed: float = 1.0) -> AudioSource:
    """Make a source of `NAME`, `jack:REGEX` or `file:PATH[,loop]`; None or "" is the default input.

    Args:
        text: What the user named.
        speed: For recordings: times their own speed, 0 as fast as it goes.

    Raises:
        DeviceError: The device does not exist, or the pattern is no regular expression.
        AudioFileError: The recording can't be decoded.
        InputError: Nothing stands after "file:" or "jack:".
    """
    kind, _, rest = (text or "").partition(":")
    if kind in ("file", "jack") and not rest:
        raise InputError(text, "must name what to listen to", "give file:PATH[,loop] or jack:REGEX")
    if kind == "file":
        path = rest.removesuffix(",loop")
        return FileSource(Path(path).expanduser(), loop=path != rest, speed=speed)
    if kind == "jack":
        return JackSource(rest)
    source = DeviceSource(text or None)
    source.check()
    return source

"""Open one MIDI output, a virtual port or an existing one, and write program changes to it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Literal, Protocol

from bridge.quiet import quiet_native
from library.errors import CaptureError, DeviceError, MissingDependencyError
from realtime.jack_open import ANSWER_S, open_client

__all__ = ["MidiBackend", "MidiOutput", "MidiPort", "open_midi"]

MidiBackend = Literal["auto", "alsa", "jack"]

CLOSE_S = 0.5
"""Longest wait for a port to close: with its server gone, the native library may never return."""


class MidiOutput(Protocol):
    """Take MIDI messages."""

    @property
    def name(self) -> str:
        """Name as other programs see it."""
        ...

    def send(self, packets: Sequence[bytes]) -> str | None:
        """Write messages in their order; return why that failed, or None."""
        ...

    def close(self) -> None:
        """Close the port; may be called twice."""
        ...


class MidiPort:
    """Write to one port of RtMidi.

    Args:
        out: An open rtmidi.MidiOut.
        name: Name as other programs see it.
        system: MIDI system that it belongs to.
    """

    def __init__(self, out: Any, name: str, system: str) -> None:  # Any: rtmidi has no types
        self._out, self._system = out, system
        self.name = name

    def __enter__(self) -> MidiPort:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def send(self, packets: Sequence[bytes]) -> str | None:
        """Write messages in their order; return why that failed, or None."""
        import rtmidi

        if self._out is None:
            return "the port is closed"
        try:
            for packet in packets:
                self._out.send_message(packet)
        except (rtmidi.RtMidiError, ValueError) as error:
            return " ".join(str(error).split())
        return None

    def close(self) -> None:
        """Close the port, or leave that to the end of the process where JACK hangs; may be called twice."""
        if self._out is None:
            return
        if self._system == "jack":
            try:
                _require_answer(CLOSE_S)
            except CaptureError:
                return
        out, self._out = self._out, None
        closer = threading.Thread(target=out.delete, name="midi-close", daemon=True)
        closer.start()
        closer.join(CLOSE_S)


def open_midi(name: str, backend: MidiBackend = "auto", *, prefer_jack: bool = False) -> MidiPort:
    """Open an existing destination whose name begins with `name`, else a virtual port of that name.

    Args:
        name: Name of a destination (any case), or of the port to make.
        backend: Which MIDI system; "auto" tries those that this machine has.
        prefer_jack: With "auto", try JACK before ALSA: the bus is on JACK, so the synth is likely there too.

    Raises:
        MissingDependencyError: python-rtmidi is not installed.
        DeviceError: No MIDI system runs, or it has no port for us.
    """
    try:
        import rtmidi
    except ImportError as error:
        raise MissingDependencyError(
            "python-rtmidi", "is needed for a MIDI port", "pip install 'timbrel[midi]', or use /timbrel/midi over OSC"
        ) from error
    tried: list[str] = []
    last: Exception | None = None
    for system, api in _systems(rtmidi, backend, prefer_jack):
        try:
            if system == "jack":
                _require_answer(ANSWER_S)
            with quiet_native():
                return _open(rtmidi, api, name, system)
        except (rtmidi.RtMidiError, ValueError) as error:
            last = error
            tried.append(system)
        except CaptureError as error:
            last = error
            tried.append(f"{system}, which {error.rule}")
    raise DeviceError(
        f"MIDI port {name}",
        f"no MIDI system runs (tried {' and '.join(tried) or backend})",
        "start JACK or load snd-seq; program changes still go out over OSC",
    ) from last


def _require_answer(within_s: float) -> None:
    """Look whether JACK answers: RtMidi keeps Python's lock while it waits for it, and would hang with all that we are.

    Raises:
        CaptureError: It does not.
    """
    try:
        import jack
    except (ImportError, OSError):
        return
    with suppress(jack.JackOpenError):  # no server: RtMidi says so itself
        open_client("timbrel-look", None, answer_s=within_s).close()


def _systems(rtmidi: Any, backend: MidiBackend, prefer_jack: bool) -> list[tuple[str, int]]:
    compiled = set(rtmidi.get_compiled_api())
    known = {"alsa": rtmidi.API_LINUX_ALSA, "jack": rtmidi.API_UNIX_JACK}
    if backend != "auto":
        return [(backend, known[backend])] if known[backend] in compiled else []
    order = ("jack", "alsa") if prefer_jack else ("alsa", "jack")
    found = [(system, known[system]) for system in order if known[system] in compiled]
    return found or [("default", rtmidi.API_UNSPECIFIED)]


def _open(rtmidi: Any, api: int, name: str, system: str) -> MidiPort:
    out = rtmidi.MidiOut(api, name=name)
    try:
        ports = out.get_ports()
        for number, port in enumerate(ports):
            if port.lower().startswith(name.lower()):
                # A short name of our own: RtMidi would take the destination's, whose colon JACK refuses silently.
                out.open_port(number, name="out")
                return MidiPort(out, port, system)
        out.open_virtual_port("out")
    except (rtmidi.RtMidiError, ValueError, NotImplementedError):
        out.delete()
        raise
    return MidiPort(out, f"{name}:out", system)

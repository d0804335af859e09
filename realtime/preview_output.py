"""Say where previews may be played: what the user's text means, and which outputs would be heard on the bus."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from library.errors import DeviceError

__all__ = ["Graph", "Output", "Port", "device_refusal", "jack_refusal", "parse_output", "pick_device"]

CAPTURE_CLIENTS = {"jack": "timbrel_in", "device": "PortAudio"}
"""What names of JACK clients begin with through which the daemon captures; -01 and so on follows on a name in use."""

_SERVERS = ("default", "pulse", "pipewire", "sysdefault")
"""Devices that lead to a sound server, which decides where they end."""

_CABLE = re.compile(r"blackhole|soundflower|loopback|cable|virtual|null|vb-audio", re.IGNORECASE)
"""What names of devices hold whose inputs bring what is played to their outputs."""

_MONITOR = re.compile(r"^monitor of\s+|\.monitor$|\s*[\[(]loopback[\])]$", re.IGNORECASE)
_SIDES = re.compile(r"\b(in|out|input|output)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Output:
    """Name an audio output.

    Attributes:
        kind: "jack" or "device".
        name: Regular expression for the whole `client:port` of JACK inputs; a device's name, "" for the default.
    """

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Port:
    """Describe a JACK audio port.

    Attributes:
        name: `client:port`.
        is_input: Takes audio.
        is_physical: Stands for a connector of the sound card.
    """

    name: str
    is_input: bool
    is_physical: bool = False

    @property
    def client(self) -> str:
        """Name of its client."""
        return self.name.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Graph:
    """Hold the JACK ports, and by the name of an output port the names of the inputs that it is connected to."""

    ports: tuple[Port, ...]
    connections: Mapping[str, Sequence[str]]

    def inputs(self, pattern: str) -> tuple[Port, ...]:
        """Return the inputs whose full name matches, in JACK's order."""
        wanted = re.compile(pattern)
        return tuple(port for port in self.ports if port.is_input and wanted.fullmatch(port.name))


def parse_output(text: str) -> Output:
    """Read `NAME`, `jack:REGEX` or `default`.

    Raises:
        DeviceError: Nothing is named, or the pattern is no regular expression.
    """
    kind, _, rest = text.partition(":")
    if not text.strip() or "\0" in text or (kind in ("file", "jack") and (kind == "file" or not rest)):
        raise DeviceError(text or "preview output", "must name an audio output", _NEXT_STEP)
    if kind == "jack":
        try:
            re.compile(rest)
        except re.error as error:
            raise DeviceError(text, f"must be a regular expression ({error})", _NEXT_STEP) from error
        return Output("jack", rest)
    return Output("device", "" if text.strip().lower() == "default" else text.strip())


def pick_device(wanted: str, names: Mapping[int, str], default: int | None) -> int:
    """Find an output by its number, its name or a part of its name (any case); "" takes the default.

    Raises:
        DeviceError: There is none, or the part of a name fits several.
    """
    if not names:
        raise DeviceError(wanted or "default output", "no audio output was found", _NEXT_STEP)
    if not wanted:
        return default if default is not None and default in names else next(iter(names))
    text = wanted.lower()
    exact = [number for number, name in names.items() if text in (name.lower(), str(number))]
    part = [number for number, name in names.items() if text in name.lower()]
    if exact or len(part) == 1:
        return (exact or part)[0]
    if part:
        several = ", ".join(f"{number} {names[number]}" for number in part)
        raise DeviceError(wanted, f"must name one output, fits {several}", "give its number")
    lower = {name.lower(): name for name in names.values()}
    near = difflib.get_close_matches(text, lower, n=1, cutoff=0.0)
    raise DeviceError(wanted, f"is no audio output; the closest is {lower[near[0]]}", _NEXT_STEP)


def device_refusal(output: str, bus: str, environment: Mapping[str, str]) -> str | None:
    """Say why what is played on a device would be heard on the bus; None where it would not.

    Args:
        output: Full name of the device.
        bus: Input of the daemon, a device by its full name.
        environment: PULSE_SINK and PULSE_SOURCE lead devices of a sound server.
    """
    if bus.startswith(("jack:", "file:")):
        return None
    heard, played = _MONITOR.sub("", bus).strip().lower(), output.strip().lower()
    if _MONITOR.search(bus) and heard == played:
        return f"{output} is what is listened to ({bus}); name another output for previews"
    if _CABLE.search(bus) and _SIDES.sub("", heard).split() == _SIDES.sub("", played).split():
        return f"{output} is a cable whose other end is listened to; name another output for previews"
    source = environment.get("PULSE_SOURCE", "")
    if heard in _SERVERS and played in _SERVERS and _MONITOR.search(source):
        sink = _MONITOR.sub("", source)
        if environment.get("PULSE_SINK", sink) == sink:
            return f"{output} may end in {sink}, which is listened to; set PULSE_SINK to another sink"
    return None


def jack_refusal(targets: Sequence[Port], graph: Graph, bus: str, own: Sequence[str]) -> str | None:
    """Say why what is played into JACK inputs would be heard on the bus; None where it would not.

    Whatever goes into a client may come out at any of its outputs; what goes into a connector of the sound card has
    left, but for ports that monitor it.

    Args:
        targets: Inputs that are to be played to.
        graph: All ports, and how they are connected.
        bus: Input of the daemon: jack:REGEX, the name of a device (in PortAudio's list a JACK client) or file:PATH.
        own: Full names of the ports that previews come from.
    """
    listener = CAPTURE_CLIENTS.get(_kind(bus))
    captured = _captured(graph, bus, listener)
    if mine := next((name for name in own if name in captured), None):
        return f"{bus} also listens to {mine}, which is the preview; name the ports to listen to more narrowly"
    outputs: dict[str, list[Port]] = {}
    for port in graph.ports:
        if not port.is_input:
            outputs.setdefault(port.client, []).append(port)
    inputs = {port.name: port for port in graph.ports if port.is_input}
    for target in targets:
        waiting, seen = [target], {target.name}
        while waiting:
            port = waiting.pop()
            if listener is not None and port.client.startswith(listener):
                return _refused(target, port.name)
            for onward in outputs.get(port.client, ()):
                if port.is_physical and not _monitors(onward):
                    continue
                if onward.name in captured:
                    return _refused(target, onward.name)
                names = [name for name in graph.connections.get(onward.name, ()) if name in inputs and name not in seen]
                seen.update(names)
                waiting += [inputs[name] for name in names]
    return None


def _kind(bus: str) -> str:
    kind = bus.partition(":")[0]
    return kind if kind in ("jack", "file") else "device"


def _captured(graph: Graph, bus: str, listener: str | None) -> frozenset[str]:
    """Return the names of the output ports that the bus is made of."""
    outputs = [port for port in graph.ports if not port.is_input]
    named: set[str] = set()
    if _kind(bus) == "jack":
        with suppress(re.error):  # such a bus is refused where it is opened
            wanted = re.compile(bus.partition(":")[2])
            named = {port.name for port in outputs if wanted.fullmatch(port.name)}
    elif _kind(bus) == "device":
        named = {port.name for port in outputs if port.client.lower() == bus.lower()}
    if listener is not None:
        named |= {
            port.name
            for port in outputs
            if any(name.startswith(listener) for name in graph.connections.get(port.name, ()))
        }
    return frozenset(named)


def _monitors(port: Port) -> bool:
    return not port.is_physical or "monitor" in port.name.partition(":")[2].lower()


def _refused(target: Port, heard: str) -> str:
    return f"{target.name} ends in {heard}, which is listened to; name another output for previews"


_NEXT_STEP = "give the name of an output, jack:REGEX (such as jack:system:playback_.*) or default"

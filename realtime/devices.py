"""Find what a bus can be captured from."""

from __future__ import annotations

import difflib
import json
import re
import subprocess
from dataclasses import dataclass

from library.errors import CaptureError, DeviceError
from realtime.supervisor import capture_command, capture_environment

__all__ = ["InputChoice", "Inputs", "find_inputs", "list_inputs", "resolve_device"]

LIST_TIMEOUT_S = 20.0
"""Longest look at all devices; ALSA alone can take seconds on a busy machine."""


@dataclass(frozen=True, slots=True)
class InputChoice:
    """Describe one thing to listen to.

    Attributes:
        argument: What to give to `--input`.
        name: Name of the device, or of the JACK client.
        host: "ALSA", "JACK Audio Connection Kit", "Core Audio" ...; "JACK ports" for a client's outputs.
        channels: Channels it has.
        sample_rate: Rate in Hz.
        index: PortAudio's number, None for JACK ports.
        is_default: PortAudio takes it when none is named.
    """

    argument: str
    name: str
    host: str
    channels: int
    sample_rate: int
    index: int | None
    is_default: bool


@dataclass(frozen=True, slots=True)
class Inputs:
    """Hold what there is to listen to.

    Attributes:
        choices: PortAudio's inputs, then JACK's clients with audio outputs.
        has_portaudio: PortAudio could be loaded.
        jack_ports: Audio outputs in JACK, None where no server runs.
    """

    choices: tuple[InputChoice, ...]
    has_portaudio: bool
    jack_ports: int | None


def list_inputs() -> tuple[InputChoice, ...]:
    """List PortAudio's inputs and JACK's clients with audio outputs, as find_inputs() does."""
    return find_inputs().choices


def find_inputs() -> Inputs:
    """Look for inputs, in a process of its own (about a second).

    Raises:
        CaptureError: JACK or the process did not answer.
    """
    try:
        done = subprocess.run(
            capture_command("list"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=capture_environment(),
            text=True,
            timeout=LIST_TIMEOUT_S,
            check=True,
        )
        found = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise CaptureError("list of inputs", f"could not be read ({error})", "run `timbrel doctor`") from error
    if found["problem"] is not None:
        raise CaptureError(*found["problem"])
    devices = [
        InputChoice(d["name"], d["name"], d["host"], d["channels"], d["rate"], d["index"], d["default"])
        for d in found["devices"] or ()
    ]
    clients = [
        InputChoice(f"jack:{re.escape(c['name'])}:.*", c["name"], "JACK ports", c["channels"], c["rate"], None, False)
        for c in found["jack"] or ()
    ]
    ports = None if found["jack"] is None else sum(client["channels"] for client in found["jack"])
    return Inputs((*devices, *clients), found["devices"] is not None, ports)


def resolve_device(name: str | None, inputs: tuple[InputChoice, ...]) -> InputChoice:
    """Find a PortAudio input by its number, its name or a part of its name (any case); None takes the default.

    Raises:
        DeviceError: There is none, or the part of a name fits several.
    """
    devices = [choice for choice in inputs if choice.index is not None]
    if not devices:
        raise DeviceError(name or "default input", "no audio input was found", _NEXT_STEP)
    if name is None:
        return next((choice for choice in devices if choice.is_default), devices[0])
    wanted = name.strip().lower()
    exact = [choice for choice in devices if wanted in (choice.name.lower(), str(choice.index))]
    part = [choice for choice in devices if wanted and wanted in choice.name.lower()]
    if exact or len(part) == 1:
        return (exact or part)[0]
    if part:
        names = ", ".join(f"{choice.index} {choice.name}" for choice in part)
        raise DeviceError(name, f"must name one input, fits {names}", "give its number")
    by_name = {choice.name.lower(): choice.name for choice in devices}
    near = difflib.get_close_matches(wanted, by_name, n=1, cutoff=0.0)
    raise DeviceError(name, f"is no audio input; the closest is {by_name[near[0]]}", "see `timbrel devices` for all")


_NEXT_STEP = "see `timbrel devices`, or listen to JACK ports (jack:REGEX) or to a recording (file:PATH)"

"""List what can be captured, in the capture process: the daemon itself never opens PortAudio."""

from __future__ import annotations

from typing import Any

from library.errors import CaptureError
from realtime.jack_open import open_client, opening

__all__ = ["list_everything"]


def list_everything() -> dict[str, Any]:  # JSON
    """Return PortAudio's inputs, JACK's clients with audio outputs, None where either is not there, and a problem.

    JACK comes first: one that does not answer would hold up PortAudio, which opens it as well, for ever.
    """
    try:
        clients = _jack_clients()
    except CaptureError as error:
        return {"devices": None, "jack": None, "problem": [error.value, error.rule, error.next_step]}
    with opening():
        return {"devices": _devices(), "jack": clients, "problem": None}


def _devices() -> list[dict[str, Any]] | None:  # JSON
    try:
        import sounddevice
    except (ImportError, OSError):  # OSError: PortAudio itself is not installed
        return None

    hosts = [host["name"] for host in sounddevice.query_hostapis()]
    default = sounddevice.default.device[0]
    return [
        {
            "index": index,
            "name": device["name"],
            "host": hosts[device["hostapi"]],
            "channels": int(device["max_input_channels"]),
            "rate": round(device["default_samplerate"]),
            "default": index == default,
        }
        for index, device in enumerate(sounddevice.query_devices())
        if device["max_input_channels"] > 0
    ]


def _jack_clients() -> list[dict[str, Any]] | None:  # JSON
    try:
        import jack
    except (ImportError, OSError):  # OSError: libjack itself is not installed
        return None
    try:
        client = open_client("timbrel_list", None)
    except jack.JackOpenError:
        return None
    ports = [port.name for port in client.get_ports(is_audio=True, is_output=True)]
    names = dict.fromkeys(name.split(":")[0] for name in ports)  # in JACK's order
    return [
        {"name": name, "channels": sum(port.startswith(f"{name}:") for port in ports), "rate": client.samplerate}
        for name in names
    ]

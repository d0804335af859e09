"""List what can be captured, in the capture process: the daemon itself never opens PortAudio."""

from __future__ import annotations

from typing import Any

__all__ = ["list_everything"]


def list_everything() -> dict[str, list[dict[str, Any]]]:  # JSON
    """Return the PortAudio inputs and the JACK clients with audio outputs."""
    return {"devices": _devices(), "jack": _jack_clients()}


def _devices() -> list[dict[str, Any]]:  # JSON
    import sounddevice

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


def _jack_clients() -> list[dict[str, Any]]:  # JSON
    try:
        import jack

        jack.set_error_function(lambda _message: None)
        jack.set_info_function(lambda _message: None)
        client = jack.Client("timbrel_list", no_start_server=True)
    except (ImportError, OSError):  # OSError: libjack itself is not installed
        return []
    except jack.JackOpenError:
        return []
    ports = [port.name for port in client.get_ports(is_audio=True, is_output=True)]
    names = dict.fromkeys(name.split(":")[0] for name in ports)  # in JACK's order
    return [
        {"name": name, "channels": sum(port.startswith(f"{name}:") for port in ports), "rate": client.samplerate}
        for name in names
    ]

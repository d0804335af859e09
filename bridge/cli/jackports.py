"""Look at a running JACK server without starting one."""

from __future__ import annotations

from bridge.quiet import quiet_native

__all__ = ["jack_output_ports"]


def jack_output_ports() -> tuple[str, ...] | None:
    """Return the full names of all audio output ports, None where no JACK server runs or its client is missing."""
    with quiet_native():
        try:
            import jack
        except (ImportError, OSError):
            return None
        try:
            client = jack.Client("timbrel-look", no_start_server=True)
        except jack.JackError:
            return None
        try:
            return tuple(port.name for port in client.get_ports(is_audio=True, is_output=True))
        finally:
            client.close()

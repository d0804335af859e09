"""Say at the start where a daemon listens and what it sends to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bridge.config import Config
from bridge.inputs import inputs_text
from bridge.lan import lan_text
from bridge.osc.clients import Endpoint
from bridge.state import write_state

__all__ = ["announce"]


def announce(config: Config, endpoint: Endpoint, midi_name: str | None, say: Callable[[str], None]) -> Path | None:
    """Write the state file, and tell people what other programs have to know.

    Args:
        config: Settings.
        endpoint: Where OSC is listened for.
        midi_name: Name of the MIDI port, None without one.
        say: Takes lines for people.

    Returns:
        The state file, None where it can't be written.
    """
    host, port = endpoint
    taken = f" (port {config.osc.port} is taken)" if port != config.osc.port else ""
    path = None
    try:
        path = write_state(endpoint)
        noted = f", noted in {path}"
    except OSError as error:
        noted = f" (no state file: {error.strerror})"
    say(f"listens to {inputs_text(config.inputs)}, library {config.library.path}")
    say(f"OSC at {host}:{port}{taken}{noted}")
    if config.osc.lan:
        say(lan_text(config.osc))
    say(f"sends to {', '.join([*config.osc.send, 'clients that /timbrel/register'])}")
    if midi_name is not None:
        say(f"MIDI port {midi_name}, channel {config.midi.channel}")
    return path

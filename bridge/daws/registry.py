"""Make adapters by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bridge.daws.ableton import AbletonAdapter
from bridge.daws.ardour import ArdourAdapter
from bridge.daws.base import DawAdapter, Reach
from bridge.daws.bitwig import BitwigAdapter
from bridge.daws.carla import CarlaAdapter
from bridge.daws.fluidsynth import FluidSynthAdapter
from bridge.daws.generic import GenericAdapter
from bridge.daws.hydrogen import HydrogenAdapter
from bridge.daws.reaper import ReaperOscAdapter
from bridge.daws.reaper_http import ReaperHttpAdapter
from bridge.daws.renoise import RenoiseAdapter
from bridge.daws.scsynth import ScsynthAdapter
from bridge.daws.surge import SurgeAdapter
from bridge.daws.zynaddsubfx import ZynAdapter
from bridge.osc.clients import parse_endpoint
from library.errors import InputError

__all__ = ["adapter_names", "make_adapter"]

_HOSTS: dict[str, Callable[[Reach | None, Path | None], DawAdapter]] = {
    "ableton": lambda reach, _: AbletonAdapter(reach),
    "ardour": lambda reach, _: ArdourAdapter(reach),
    "bitwig": lambda reach, _: BitwigAdapter(reach),
    "carla": lambda reach, _: CarlaAdapter(reach),
    "fluidsynth": lambda reach, _: FluidSynthAdapter(reach),
    "hydrogen": lambda reach, _: HydrogenAdapter(reach),
    "reaper": lambda reach, _: ReaperOscAdapter(reach),
    "reaper-http": lambda reach, _: ReaperHttpAdapter(reach),
    "renoise": lambda reach, _: RenoiseAdapter(reach),
    "scsynth": lambda reach, _: ScsynthAdapter(reach),
    "surge": lambda reach, _: SurgeAdapter(reach),
    "zynaddsubfx": ZynAdapter,
}


def adapter_names() -> tuple[str, ...]:
    """Return all names that `--adapter` takes."""
    return (GenericAdapter.name, *_HOSTS)


def make_adapter(text: str, scratch: Path | None = None) -> DawAdapter:
    """Make the adapter that `--adapter NAME[:HOST:PORT]` names.

    Args:
        text: A name, and where the host listens if not at its usual port.
        scratch: Folder for what an adapter must have a host save, so that a choice can be undone.

    Raises:
        InputError: There is no such adapter, or it takes no address, or that is none.
    """
    name, _, address = text.partition(":")
    if name == GenericAdapter.name:
        if address:
            raise InputError(f"--adapter {text}", f"{name} takes no address", f"use --adapter {name} --send {address}")
        return GenericAdapter()
    make = _HOSTS.get(name)
    if make is None:
        raise InputError(f"--adapter {text}", f"is none of {', '.join(adapter_names())}", "leave it out for generic")
    adapter = make(None, scratch)
    if not address or adapter.reach is None:
        return adapter
    host, port = parse_endpoint(address)
    return make(replace(adapter.reach, host=host, port=port), scratch)

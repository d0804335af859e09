"""Adapters: how one kind of host is asked to load a sound."""

from __future__ import annotations

from bridge.daws.base import DawAdapter, Delivery, program_packets
from bridge.daws.generic import GenericAdapter
from library.errors import InputError

__all__ = ["DawAdapter", "Delivery", "GenericAdapter", "make_adapter", "program_packets"]

_KINDS: dict[str, type[GenericAdapter]] = {"generic": GenericAdapter}


def make_adapter(text: str) -> DawAdapter:
    """Make the adapter that `--adapter NAME[:HOST:PORT]` names.

    Raises:
        InputError: There is no such adapter, or it takes no address.
    """
    name, _, address = text.partition(":")
    kind = _KINDS.get(name)
    if kind is None:
        raise InputError(f"--adapter {text}", f"is none of {', '.join(_KINDS)}", "leave it out for generic")
    if address:
        raise InputError(f"--adapter {text}", f"{name} takes no address", f"use --adapter {name} --send {address}")
    return kind()

"""Write layouts of control surfaces, made from the table of OSC addresses."""

from __future__ import annotations

from importlib import import_module

__all__ = ["SURFACES", "surface_files"]

SURFACES: tuple[tuple[str, str, str], ...] = (
    ("timbrel-openstagecontrol.json", "bridge.surfaces.openstage", "openstage_session"),
    ("timbrel-touchosc.tosc", "bridge.surfaces.touchosc", "touchosc_document"),
    ("timbrel.pd", "bridge.surfaces.pd", "pd_patch"),
)
"""File name, module, and the function without arguments that returns the content as text or bytes."""


def surface_files() -> dict[str, bytes]:
    """Make every layout; the same bytes each time, on every machine.

    Returns:
        Content by file name.
    """
    return {name: _bytes(getattr(import_module(module), function)()) for name, module, function in SURFACES}


def _bytes(content: str | bytes) -> bytes:
    return content.encode("utf-8") if isinstance(content, str) else content

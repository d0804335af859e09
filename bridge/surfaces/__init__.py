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


def surface_files(token: str = "") -> dict[str, bytes]:
    """Make every layout; the same bytes each time, on every machine.

    Args:
        token: What surfaces on other machines register with (see bridge.lan); Pure Data has no layout with one.

    Returns:
        Content by file name.
    """
    if not token:
        return {name: _bytes(getattr(import_module(module), function)()) for name, module, function in SURFACES}
    named = (surface for surface in SURFACES if surface[1] != "bridge.surfaces.pd")
    return {name: _bytes(getattr(import_module(module), function)(token)) for name, module, function in named}


def _bytes(content: str | bytes) -> bytes:
    return content.encode("utf-8") if isinstance(content, str) else content

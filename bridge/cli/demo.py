"""Play the bundled song through Timbrel and show what it hears beside what really plays (`timbrel demo`)."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["demo_command"]


def demo_command() -> int:
    """Watch Timbrel name the instruments of a song while it plays: no DAW, no sound card, no download."""
    return 0

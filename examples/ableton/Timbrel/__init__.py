"""Let Timbrel load samples and presets in Ableton Live 11 and 12; Live calls create_instance."""  # noqa: N999 Live shows this name

from __future__ import annotations

from typing import Any


def create_instance(c_instance: Any) -> Any:
    """Return the control surface; Live's own modules are imported here, so that the others run without Live."""
    from .surface import TimbrelSurface

    return TimbrelSurface(c_instance)

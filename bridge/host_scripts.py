"""Find the scripts that run inside hosts: in the installed package, or among the examples of a checkout."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["script_files"]

_INSTALLED = Path(__file__).parent / "scripts"
"""Where the wheel puts them; see pyproject.toml."""

_CHECKOUT = Path(__file__).parents[1] / "examples"

_SCRIPTS = {
    "ableton": ("Timbrel/*.py",),
    "ardour": ("timbrel.lua",),
    "reaper": ("timbrel.lua",),
}


def script_files() -> Mapping[str, bytes]:
    """Return the content of each script by its path below the folder that they are written to: HOST/..."""
    root = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
    found = (
        path
        for host, patterns in _SCRIPTS.items()
        for pattern in patterns
        for path in sorted((root / host).glob(pattern))
    )
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}

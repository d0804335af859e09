"""Write the scripts that run inside hosts (`timbrel scripts`)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli._write import write_folder

__all__ = ["scripts_command"]


def scripts_command(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder to write to; made if missing.", show_default=False)
    ],
) -> None:
    """Write Timbrel's scripts for Ableton Live, Ardour and REAPER; `timbrel doctor --daw NAME` says where each goes."""
    from bridge.host_scripts import script_files

    write_folder(out, script_files())

"""Write layouts for control surfaces (`timbrel surfaces`)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli._write import write_folder

__all__ = ["surfaces_command"]


def surfaces_command(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder to write to; made if missing.", show_default=False)
    ],
    token: Annotated[
        str, typer.Option("--token", help="For another machine: the token of the config file, or that of the run.")
    ] = "",
) -> None:
    """Write ready layouts for control surfaces: labels, choose and preview buttons, undo, lock, status."""
    from bridge.osc.door import check_token
    from bridge.surfaces import surface_files

    write_folder(out, surface_files(check_token(token)))

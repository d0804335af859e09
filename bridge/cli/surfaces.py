"""Write layouts for control surfaces (`timbrel surfaces`)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.console import say
from library.errors import InputError

__all__ = ["surfaces_command"]


def surfaces_command(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder to write to; made if missing.", show_default=False)
    ],
) -> None:
    """Write ready layouts for control surfaces: labels, choose and preview buttons, undo, lock, status."""
    from bridge.surfaces import surface_files

    files = surface_files()
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (out / name).write_bytes(content)
            say(str(out / name))
    except (FileExistsError, NotADirectoryError):
        raise InputError(out, "is a file or lies in one", "name a folder to write to") from None
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise InputError(out, f"can't be written to ({reason})", "name a folder that you may write to") from error

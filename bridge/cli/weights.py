"""Bring in weights that others trained: `timbrel weights import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.console import say

__all__ = ["weights_app"]

weights_app = typer.Typer(help="Bring in weights that others trained.", no_args_is_help=True)


@weights_app.callback()
def _weights() -> None:
    """Bring in weights that others trained."""


@weights_app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="Checkpoint that the authors of arXiv 2211.07951 released.")],
    out: Annotated[Path | None, typer.Option("--out", help="File to write; usually FILE.safetensors.")] = None,
) -> None:
    """Check a released checkpoint and write it for `timbrel eval --paper`."""
    from library.encoders.released import import_released

    target = out or file.with_suffix(".safetensors")
    kind = import_released(file, target)
    say(f"{target}: the paper's {kind} network")

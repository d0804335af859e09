"""Embed files with the Single-Instrument Encoder (`timbrel embed`)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.console import out_console, write_json
from bridge.cli.files import for_each_file

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["embed_command"]


def embed_command(
    files: Annotated[list[Path], typer.Argument(help="Audio files, each of one instrument.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON line a file.")] = False,
    device: Annotated[str, typer.Option(help="Where to compute: cpu, cuda or auto.")] = "auto",
) -> int:
    """Turn each file into the point in sound space by which Timbrel compares sounds."""
    from library.audio import read_audio
    from library.encoders import load_encoder

    encoder = load_encoder(device=device)

    def embed_one(path: Path) -> None:
        audio = read_audio(path)
        vector = encoder.embed(audio[None, :])[0]
        _show(path, vector, as_json=as_json)

    return for_each_file(files, embed_one)


def _show(path: Path, vector: NDArray[np.float32], *, as_json: bool) -> None:
    if as_json:
        write_json({"file": str(path), "embedding": [round(float(x), 6) for x in vector]})
        return
    head = " ".join(f"{x:+.3f}" for x in vector[:6])
    out_console().print(f"{path}: {len(vector)} numbers, {head} ... (--json for all)", markup=False)

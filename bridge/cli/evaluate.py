"""Evaluate the encoders on instruments that they never heard: `timbrel eval`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["eval_command"]

_COLUMNS = {
    "eer": "EER",
    "top1": "single top-1",
    "top1_noise_40dB": "40 dB",
    "top1_noise_20dB": "20 dB",
    "f1_macro": "F1 macro",
    "f1_weighted": "F1 w.",
    "map_macro": "mAP macro",
    "map_weighted": "mAP w.",
    "map_presence": "mAP x presence",
    "count_error": "count err.",
    "three_top1": "3: top-1",
    "three_top5": "3: top-5",
}


def eval_command(
    data: Annotated[Path, typer.Option("--data", help="Folder that `timbrel data render` filled.")],
    weights: Annotated[Path | None, typer.Option("--weights", help="Weights file; default: those that ship.")] = None,
    paper: Annotated[
        tuple[Path, Path] | None,
        typer.Option("--paper", help="Single and multi run of `timbrel train ... --network paper`, to compare with."),
    ] = None,
    mixtures: Annotated[int, typer.Option("--mixtures", min=10, help="Mixtures of 2-9 instruments.")] = 600,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda or auto.")] = "auto",
) -> None:
    """Report EER, F1, mAP, top-1/top-5 and count error on the test instruments (protocol of arXiv 2211.07951)."""
    import json

    from rich.console import Console
    from rich.table import Table

    from library.encoders import load_encoder
    from library.evaluation.evaluate import evaluate
    from library.evaluation.systems import ChanceSystem, OurSystem, PaperSystem, SingleOnMixture, System

    encoder = load_encoder(weights, device)
    systems: list[System] = [ChanceSystem(), OurSystem(encoder), SingleOnMixture(encoder)]
    if paper is not None:
        systems.append(PaperSystem(*paper))
    console = Console(stderr=True)
    with console.status("evaluating") as status:
        results = evaluate(data, systems, status.update, mixtures=mixtures)
    if as_json:
        typer.echo(json.dumps({name: {k: round(v, 4) for k, v in row.items()} for name, row in results.items()}))
        return
    table = Table("system", *_COLUMNS.values(), title="Unseen instruments (test split)")
    for name, row in results.items():
        table.add_row(name, *(f"{row[key]:.3f}" for key in _COLUMNS))
    Console(width=None if console.is_terminal else 160).print(table)

"""Evaluate the encoders on instruments that they never heard: `timbrel eval`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli._page import OpenPageOption, PageOption
from bridge.cli.console import safe_console, say
from library.errors import InputError

__all__ = ["eval_command"]

_TABLES = {
    "Single instruments": {
        "eer": "EER",
        "top1": "top-1",
        "top1_enrol5": "top-1, 5 enrolled",
        "top1_noise_40dB": "40 dB",
        "top1_noise_20dB": "20 dB",
        "note_to_phrase": "note to phrase",
        "phrase_to_note": "phrase to note",
        "gm_program_top5": "GM program top-5",
        "gm_family_top1": "GM family top-1",
    },
    "Mixtures of 2-9": {
        "f1_macro": "F1 macro",
        "f1_weighted": "F1 w.",
        "map_macro": "mAP macro",
        "map_weighted": "mAP w.",
        "names": "names",
        "f1_slots": "F1 of slots",
        "map_cosine": "mAP of cosines",
        "count_error": "count error",
        "f1_2_3": "F1 of 2-3",
        "f1_4_6": "of 4-6",
        "f1_7_9": "of 7-9",
    },
    "Three instruments, and one": {
        "three_top1": "top-1",
        "three_top5": "top-5",
        "open_top1": "open top-1",
        "open_top5": "open top-5",
        "open_one_clip_top1": "one clip top-1",
        "open_one_clip_top5": "one clip top-5",
        "cir_top1": "CIR top-1",
        "cir_top5": "CIR top-5",
        "alone_multi_top1": "one, multi path",
        "alone_single_top1": "one, single path",
        "alone_count": "named for one",
    },
    "F1 macro of spoiled mixtures, names where there is nothing": {
        "f1_clean": "clean",
        "f1_soft": "-30 dB",
        "f1_reverb": "reverb",
        "f1_mp3": "MP3",
        "f1_drums": "drums",
        "named_in_noise": "named in noise",
        "named_in_drums": "named in drums",
    },
}
_INTERVALS = {"eer": ("eer_low", "eer_high"), "f1_macro": ("f1_low", "f1_high"), "map_macro": ("map_low", "map_high")}


def eval_command(
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder that `timbrel data render` filled; needed without --show.")
    ] = None,
    weights: Annotated[Path | None, typer.Option("--weights", help="Weights file; default: those that ship.")] = None,
    paper: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            "--paper",
            help="Single and multi run of `timbrel train ... --network paper`, or imported weights, to compare with.",
        ),
    ] = None,
    mixtures: Annotated[int, typer.Option("--mixtures", min=10, help="Mixtures of 2-9 instruments.")] = 600,
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a page with tables, plots and cases to listen to.")
    ] = None,
    show: Annotated[
        Path | None,
        typer.Option("--show", metavar="DIR", help="Evaluate nothing: serve the page that --report DIR wrote."),
    ] = None,
    page: PageOption = None,
    open_page: OpenPageOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda or auto.")] = "auto",
) -> None:
    """Report EER, F1, mAP, top-1/top-5 and count error on the test instruments (protocol of arXiv 2211.07951)."""
    if show is not None:
        from bridge.cli._report import show_report

        show_report(show, page, open_page)
        return
    if data is None:
        raise InputError("--data", "is needed to evaluate", "name the folder that `timbrel data render` filled")
    import json

    from rich.table import Table

    from library.encoders import load_encoder
    from library.evaluation.evaluate import evaluate
    from library.evaluation.systems import ChanceSystem, OurSystem, PaperSystem, SingleOnMixture, System
    from library.index import open_library

    encoder = load_encoder(weights, device)
    # The built-in library is made with the weights that ship; other weights have none.
    index = open_library("gm", encoder.spec.fingerprint, cohort=encoder.spec.cohort) if weights is None else None
    systems: list[System] = [ChanceSystem(), OurSystem(encoder, index), SingleOnMixture(encoder, index)]
    if paper is not None:
        systems.append(PaperSystem(*paper))
    console = safe_console(stderr=True)
    with console.status("evaluating") as status:
        results = evaluate(data, systems, status.update, mixtures=mixtures)
    if as_json:
        say(json.dumps({name: {k: round(v, 4) for k, v in row.items()} for name, row in results.items()}))
        return
    tables = {
        title: (
            list(columns.values()),
            [[name, *(_cell(row, key) for key in columns)] for name, row in results.items()],
        )
        for title, columns in _TABLES.items()
    }
    out = safe_console(width=None if console.is_terminal else 160)
    for title, (names, rows) in tables.items():
        table = Table("system", *names, title=f"Unseen instruments (test split): {title}")
        for cells in rows:
            table.add_row(*cells)
        out.print(table)
    if report is not None:
        from library.evaluation.report import write_report

        with console.status("writing the report"):
            path = write_report(data, encoder, tables, report)
        out.print(f"report: {path} (`timbrel eval --show {report} --open` shows it)")


def _cell(row: dict[str, float], key: str) -> str:
    """Show a figure with its 95 % interval over instruments where there is one."""
    if key not in row:
        return "-"
    bounds = _INTERVALS.get(key)
    return f"{row[key]:.3f}" + (f" ({row[bounds[0]]:.3f}-{row[bounds[1]]:.3f})" if bounds else "")

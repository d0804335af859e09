"""Make data to train and evaluate on: `timbrel data render`, `timbrel data demo-song`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.console import safe_console, say

if TYPE_CHECKING:
    from library.data.nlakh import NlakhPlan

__all__ = ["data_app"]

data_app = typer.Typer(
    help="Render the instruments and phrases that the encoders are trained on.", no_args_is_help=True
)


@data_app.command("render")
def render_command(
    out: Annotated[Path, typer.Option("--out", help="Folder to fill (about 8 GB of instruments).")],
    kind: Annotated[
        str,
        typer.Option(help="instruments: what the encoders are trained on; nlakh-single, nlakh-multi: the paper's set."),
    ] = "instruments",
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="For Nlakh: folder of instruments rendered before.")
    ] = None,
    nsynth: Annotated[
        Path | None, typer.Option(metavar="DIR", help="For Nlakh: NSynth as published, instead of --data.")
    ] = None,
    lakh: Annotated[
        Path | None, typer.Option(metavar="DIR", help="For Nlakh: MIDI files, instead of the installed scores.")
    ] = None,
    count: Annotated[
        tuple[int, int] | None,
        typer.Option(help="For Nlakh: clips an instrument, or mixtures, of train and of valid; usually the paper's."),
    ] = None,
    more: Annotated[
        bool, typer.Option("--more", help="Add train instruments to those rendered before; the unseen stay.")
    ] = False,
    known: Annotated[
        bool, typer.Option("--known", help="Also clips of all training presets of known kinds, for `train kinds`.")
    ] = False,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes.")] = 2,
    seed: Annotated[int, typer.Option("--seed", help="Seed of what is chosen and played.")] = 0,
) -> None:
    """Render note banks, phrases and their spectrograms, or the paper's data set; a stopped run goes on."""
    from library.data.clips import build_clips
    from library.data.known import build_known
    from library.data.nlakh import write_nlakh
    from library.data.render import render_all

    plan = None if kind == "instruments" else _plan(kind, out, data, nsynth, lakh, count, seed)
    with _bars() as show:
        if plan is not None:
            write_nlakh(plan, workers, show)
            return
        render_all(out, workers, show, seed, more=more)
        for split in ("train", "valid", "test"):
            build_clips(out, split, workers, show, seed)
        if known:
            build_known(out, workers, show, seed)


def _plan(
    kind: str,
    out: Path,
    data: Path | None,
    nsynth: Path | None,
    lakh: Path | None,
    count: tuple[int, int] | None,
    seed: int,
) -> NlakhPlan:
    from library.data.nlakh import PAPER_COUNTS, NlakhPlan, nsynth_banks, our_banks
    from library.errors import InputError

    if kind not in ("nlakh-single", "nlakh-multi"):
        raise InputError(f"--kind {kind}", "must be instruments, nlakh-single or nlakh-multi", "name one of them")
    if (data is None) == (nsynth is None):
        raise InputError(f"--kind {kind}", "needs notes to play: --data or --nsynth", "name one of them")
    banks = nsynth_banks(nsynth) if nsynth is not None else our_banks(data or out)
    train, valid = count or PAPER_COUNTS[kind]
    return NlakhPlan(
        "nlakh-single" if kind == "nlakh-single" else "nlakh-multi",
        out,
        banks,
        None if lakh is None else (("lakh", (str(lakh), "**/*.mid")),),
        {"train": train, "valid": valid},
        seed,
        (
            "NSynth: CC BY 4.0" if nsynth is not None else "note bank: licences of its sources, see the model card",
            "Lakh MIDI: CC BY 4.0" if lakh is not None else "scores: licences of their packages, see the model card",
        ),
    )


@contextmanager
def _bars() -> Iterator[Callable[[str, int, int], None]]:
    """Show one progress bar for each thing that is worked through."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=safe_console(stderr=True)) as bar:
        tasks: dict[str, int] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = int(bar.add_task(what, total=total))
            bar.update(bar.task_ids[list(tasks).index(what)], completed=done, total=total)

        yield show


@data_app.command("demo-song")
def demo_song_command(
    out: Annotated[Path, typer.Option("--out", help="Folder for song.ogg and song.json.")],
) -> None:
    """Render the song of `timbrel demo` and the list of what plays in it."""
    from library.data.demo_song import make_demo_song

    for path in make_demo_song(out):
        say(str(path))

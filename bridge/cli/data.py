"""Make data to train and evaluate on: `timbrel data render`, `timbrel data demo-song`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["data_app"]

data_app = typer.Typer(
    help="Render the instruments and phrases that the encoders are trained on.", no_args_is_help=True
)


@data_app.command("render")
def render_command(
    out: Annotated[Path, typer.Option("--out", help="Folder for note banks, phrases and clips (about 4 GB).")],
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes.")] = 2,
    seed: Annotated[int, typer.Option("--seed", help="Seed of what is chosen and played.")] = 0,
) -> None:
    """Choose instruments, render note banks and phrases, and keep their spectrograms; a stopped run goes on."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from library.data.clips import build_clips
    from library.data.render import render_all

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, int] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = int(bar.add_task(what, total=total))
            bar.update(bar.task_ids[list(tasks).index(what)], completed=done, total=total)

        render_all(out, workers, show, seed)
        for split in ("train", "valid", "test"):
            build_clips(out, split, workers, show, seed)


@data_app.command("demo-song")
def demo_song_command(
    out: Annotated[Path, typer.Option("--out", help="Folder for song.ogg and song.json.")],
) -> None:
    """Render the song of `timbrel demo` and the list of what plays in it."""
    from library.data.demo_song import make_demo_song

    for path in make_demo_song(out):
        typer.echo(path)

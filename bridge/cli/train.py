"""Train the encoders: `timbrel train single`, `timbrel train multi` and `timbrel train kinds`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bridge.cli.console import safe_console, say

if TYPE_CHECKING:
    from library.training.config import TrainConfig

__all__ = ["train_app"]

Network = Literal["timbrel", "paper", "paper-large"]

train_app = typer.Typer(
    help="Train the encoders on rendered instruments (see `timbrel data render`). A stopped run goes on when repeated.",
    no_args_is_help=True,
)

_Data = Annotated[Path, typer.Option("--data", help="Folder that `timbrel data render` filled.")]
_Out = Annotated[Path, typer.Option("--out", help="Folder of the run: state to go on from, log, weights.")]
_Config = Annotated[Path | None, typer.Option("--config", help="TOML file; default: that of the shipped weights.")]
_Minutes = Annotated[float | None, typer.Option("--minutes", help="Time to train instead of the config's.")]
_Cores = Annotated[float | None, typer.Option("--core-minutes", help="Processor time to train, over all processes.")]
_Threads = Annotated[int | None, typer.Option("--threads", help="CPU threads instead of the config's.")]
_Network = Annotated[
    str, typer.Option("--network", help="timbrel, or paper, paper-large for the networks of arXiv 2211.07951.")
]
_Device = Annotated[str, typer.Option("--device", help="cpu, cuda or auto.")]


@train_app.command("single")
def single_command(
    data: _Data,
    out: _Out,
    config: _Config = None,
    minutes: _Minutes = None,
    core_minutes: _Cores = None,
    threads: _Threads = None,
    network: _Network = "timbrel",
    device: _Device = "cpu",
) -> None:
    """Train a Single-Instrument Encoder."""
    from library.encoders.runtime import choose_device
    from library.training.entry import train_single

    settings = _settings("single", config, minutes, core_minutes, threads)
    with _progress() as show:
        result = train_single(data, out, settings, _network(network), choose_device(device), show)
    _report(result)


@train_app.command("multi")
def multi_command(
    data: _Data,
    single: Annotated[
        Path, typer.Option("--single", help="Folder of the `timbrel train single` run, or weights to begin with.")
    ],
    out: _Out,
    config: _Config = None,
    minutes: _Minutes = None,
    core_minutes: _Cores = None,
    threads: _Threads = None,
    network: _Network = "timbrel",
    device: _Device = "cpu",
) -> None:
    """Train a Multi-Instrument Encoder; ours goes on training both on one trunk and writes OUT/timbrel.safetensors."""
    from library.encoders.runtime import choose_device
    from library.training.entry import train_multi

    settings = _settings("multi", config, minutes, core_minutes, threads)
    with _progress() as show:
        result = train_multi(data, single, out, settings, _network(network), choose_device(device), show)
    _report(result)


@train_app.command("kinds")
def kinds_command(
    data: _Data,
    weights: Annotated[Path, typer.Option("--weights", help="Weights whose kinds are to be told better.")],
    out: _Out,
    config: _Config = None,
    minutes: _Minutes = None,
    core_minutes: _Cores = None,
    threads: _Threads = None,
    device: _Device = "cpu",
) -> None:
    """Train what tells families and General MIDI programs; writes OUT/timbrel.safetensors, the rest as in WEIGHTS."""
    from library.encoders.runtime import choose_device
    from library.training.entry import train_kinds

    settings = _settings("kinds", config, minutes, core_minutes, threads)
    with _progress() as show:
        result = train_kinds(data, weights, out, settings, choose_device(device), show)
    _report(result)


@train_app.command("export")
def export_command(
    data: _Data,
    run: Annotated[Path, typer.Option("--run", help="Folder of a `timbrel train multi` run, finished or not.")],
    average: Annotated[
        Path | None, typer.Option(metavar="WEIGHTS", help="Average its weights with these, which it began from.")
    ] = None,
    share: Annotated[float, typer.Option(help="Part of WEIGHTS in the average, 0..1.")] = 0.3,
) -> None:
    """Calibrate a run as it stands now and write RUN/timbrel.safetensors."""
    from library.training.config import CONFIGS, load_config
    from library.training.entry import export_run

    say(export_run(data, run, load_config(CONFIGS / "multi.toml"), average, share))


def _settings(
    name: str, config: Path | None, minutes: float | None, core_minutes: float | None, threads: int | None
) -> TrainConfig:
    from dataclasses import replace

    from library.training.config import CONFIGS, load_config

    settings = load_config(config or CONFIGS / f"{name}.toml")
    return replace(
        settings,
        minutes=settings.minutes if minutes is None else minutes,
        core_minutes=settings.core_minutes if core_minutes is None else core_minutes,
        threads=settings.threads if threads is None else threads,
    )


def _network(name: str) -> Network:
    from library.errors import InputError

    networks: tuple[Network, ...] = ("timbrel", "paper", "paper-large")
    for network in networks:
        if name == network:
            return network
    raise InputError(f"--network {name}", f"must be one of {', '.join(networks)}", "leave it out for ours")


@contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=safe_console(stderr=True)) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda text, done: bar.update(task, description=text, completed=done)


def _report(result: dict[str, float]) -> None:
    import json

    say(json.dumps({key: round(value, 4) for key, value in result.items()}))

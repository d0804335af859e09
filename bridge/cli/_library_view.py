"""Show libraries, matches and the progress of a build in the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Column, Table
from rich.text import Text

from bridge.cli.console import safe_console
from library.build import BuildProgress, BuildReport, Progress
from library.catalog import FileError
from library.index import Match

__all__ = ["build_progress", "match_json", "show_info", "show_matches", "show_report"]

_ERRORS_SHOWN = 5
_NAME_WIDTH = 28
_NOTED = "in the library with something left out"
_FAST = 10.0
"""Above this many files a second the bar shows whole numbers."""


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.2g} files/s" if speed < _FAST else f"{speed:.0f} files/s")


@contextmanager
def build_progress() -> Iterator[Progress]:
    """Show a progress bar on stderr while the context lasts; yields what to call with each step."""
    columns = (
        TextColumn("{task.description}"), BarColumn(None), MofNCompleteColumn(), _Rate(Column(no_wrap=True)),
        TimeRemainingColumn(compact=True),
    )  # fmt: skip
    bar = Bar(*columns, console=safe_console(stderr=True))
    task: TaskID | None = None

    def show(step: BuildProgress) -> None:
        nonlocal task
        if task is None:  # an error before the first sound leaves no empty bar
            task = bar.add_task("")
            bar.start()
        name = escape(step.current[-_NAME_WIDTH:]).ljust(_NAME_WIDTH)
        bar.update(task, completed=step.files_done + step.part, total=step.files, description=name)

    try:
        yield show
    finally:
        if task is not None:
            bar.stop()


def match_json(match: Match) -> dict[str, Any]:  # Any: what JSON can hold
    """Return a match as `timbrel listen` and `timbrel library search` print it."""
    program = match.sound.program
    return {
        "name": match.sound.name,
        "score": round(match.score, 6),
        "sound_id": match.sound.id,
        "program": None
        if program is None
        else {"bank_msb": program.bank_msb, "bank_lsb": program.bank_lsb, "program": program.program},
    }


def show_report(out: Path, report: BuildReport) -> None:
    """Sum up a build; errors by kind, on stderr."""
    manifest = report.manifest
    safe_console().print(
        f"{escape(str(out))}: {manifest.sounds} sounds, {manifest.vectors} vectors"
        f" ({report.embedded} new, {report.unchanged} files unchanged)",
        highlight=False,
        soft_wrap=True,
    )
    for line in report.mended:
        safe_console(stderr=True, highlight=False).print(escape(line), soft_wrap=True)
    _show_errors(report.errors)
    _show_errors(report.notes, _NOTED)


def show_info(found: Mapping[str, Any]) -> None:
    """Show what `SoundIndex.info` says, and what of it is liked and skipped."""
    table = Table(title=escape(str(found["path"])), show_header=False)
    for key in ("sounds", "vectors", "dim", "generation", "search", "encoder"):
        table.add_row(key, str(found[key]))
    for key in ("kinds", "families"):
        table.add_row(key, ", ".join(f"{name} {count}" for name, count in found[key].items()))
    for source in found["sources"]:
        table.add_row("source", escape(f"{source['name']}  ({source['path']})"))
    for key in ("liked", "skipped"):
        table.add_row(key, str(len(found[key])))
    by_kind = ", ".join(f"{kind} {count}" for kind, count in found["errors_by_kind"].items())
    table.add_row("errors", by_kind or "0")
    safe_console().print(table)
    _show_errors([FileError(error["path"], error["error"]) for error in found["errors"]])
    _show_errors([FileError(note["path"], note["note"]) for note in found["notes"]], _NOTED)


def show_matches(file: str, matches: Sequence[Match]) -> None:
    """Show the sounds that are closest to a file."""
    table = Table("", "sound", "kind", "family", "score", "program", "sound id", title=escape(file))
    for rank, match in enumerate(matches, 1):
        program = match.sound.program
        shown = "" if program is None else f"bank {program.bank_msb or 0} program {program.program + 1}"
        table.add_row(
            str(rank),
            escape(match.sound.name),
            match.sound.kind,
            match.sound.family,
            f"{match.score:.3f}" + (f" {match.taste:+.2f}" if match.taste else ""),
            shown,
            escape(match.sound.id),
        )
    safe_console().print(table)


def _show_errors(errors: Sequence[FileError], title: str = "could not be read") -> None:
    console = safe_console(stderr=True, highlight=False)
    if not errors:
        return
    console.print(f"{len(errors)} {title}:", soft_wrap=True)
    for kind, count in Counter(error.kind for error in errors).most_common():
        of_kind = [error for error in errors if error.kind == kind]
        _, _, step = of_kind[0].error.rpartition("; ")
        console.print(f"  {count} x {escape(kind if step == of_kind[0].error else f'{kind}; {step}')}", soft_wrap=True)
        for error in of_kind[:_ERRORS_SHOWN]:
            console.print(f"      {escape(error.path)}", soft_wrap=True)
        if len(of_kind) > _ERRORS_SHOWN:
            console.print("      ... and more: `timbrel library info LIB --json` lists all", soft_wrap=True)

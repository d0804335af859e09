"""Check each part that Timbrel stands on and say what to do (`timbrel doctor`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import chain
from typing import Annotated

import typer

from bridge.cli.checks import Check, all_checks
from bridge.cli.console import out_console, write_json
from bridge.cli.hosts_check import check_hosts, how_to_connect
from bridge.daws.registry import make_adapter

__all__ = ["doctor_command", "exit_code"]

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def doctor_command(
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON line a check.")] = False,
    daw: Annotated[str, typer.Option("--daw", metavar="NAME", help="Only say how a DAW or synth is connected.")] = "",
) -> int:
    """Check each part of Timbrel, look for running DAWs and synths, and say what to do about what is missing."""
    console = out_console()
    if daw:
        console.print(how_to_connect(make_adapter(daw)), markup=False, soft_wrap=True)
        return 0
    results = []
    for check in chain(all_checks(), check_hosts()):
        results.append(check)
        if as_json:
            write_json(asdict(check))
            continue
        from rich.text import Text

        line = Text.assemble(
            (f"{check.status:<4}", f"bold {_COLOURS[check.status]}"), f"  {check.part:<12} {check.text}"
        )
        if check.todo:
            line.append(f"\n      {'':<12} -> {check.todo}", style="dim")
        console.print(line, soft_wrap=True)
    code = exit_code(results)
    if not as_json:
        console.print("\nEverything that Timbrel needs is there." if code == 0 else "\nTimbrel can't work like this.")
    return code


def exit_code(checks: Sequence[Check]) -> int:
    """Return 1 when something without which nothing works has failed."""
    return int(any(check.status == "fail" for check in checks))

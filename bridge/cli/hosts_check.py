"""Look for running DAWs and synths, and say how each is connected."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from bridge.cli.checks import Check
from bridge.daws import DawAdapter
from bridge.daws.registry import adapter_names, make_adapter

__all__ = ["check_hosts", "how_to_connect"]

LOOK_S = 1.5
"""How long hosts are listened for: AbletonOSC answers a tenth of a second late, a busy host later."""


def how_to_connect(adapter: DawAdapter) -> str:
    """Return the steps that connect a host, one a line."""
    return "\n".join(f"{number}. {step}" for number, step in enumerate(adapter.connect, 1))


def check_hosts(adapters: Sequence[DawAdapter] = ()) -> list[Check]:
    """Return a check for each host that answers, and one for the rest.

    Args:
        adapters: Those to ask; empty = all that Timbrel can speak to, at their usual ports.
    """
    adapters = adapters or [adapter for name in adapter_names() if (adapter := make_adapter(name)).reach is not None]
    found = asyncio.run(_look(adapters))
    checks = []
    for adapter in adapters:
        if adapter.name in found:
            version = found[adapter.name]
            text = f"answers{f', version {version}' if version else ''}: {adapter.doc}"
            checks.append(Check(adapter.name, "ok", text, "; ".join(adapter.connect)))
    missing = [adapter.name for adapter in adapters if adapter.name not in found]
    if missing:
        step = "timbrel doctor --daw NAME says how one of them is connected"
        checks.append(Check("other hosts", "ok", f"not found at their usual ports: {', '.join(missing)}", step))
    return checks


async def _look(adapters: Sequence[DawAdapter]) -> dict[str, str]:
    """Return the version of each host that answers, by name of the adapter."""
    from bridge.hosts import HostSession, HostState

    found: dict[str, str] = {}

    def note(name: str, state: HostState, version: str) -> None:
        if state == "online":
            found[name] = version

    def session(adapter: DawAdapter) -> HostSession:
        return HostSession(adapter, lambda state, version: note(adapter.name, state, version), lambda _: None)

    tasks = [asyncio.create_task(session(adapter).run()) for adapter in adapters]
    await asyncio.sleep(LOOK_S)
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
    return found

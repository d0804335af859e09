"""Tell other programs on this machine where a daemon listens: one small file per process."""

from __future__ import annotations

import json
import os
import warnings
from importlib.metadata import version
from pathlib import Path

from bridge.osc.addresses import API
from bridge.osc.binding import WILDCARD
from bridge.osc.clients import Endpoint

__all__ = ["remove_state", "state_dir", "write_state"]


def state_dir() -> Path:
    """Return the folder of the state files (`$XDG_RUNTIME_DIR/timbrel` on Linux)."""
    import platformdirs

    with warnings.catch_warnings():
        # Without XDG_RUNTIME_DIR (a container, ssh) platformdirs warns and falls back to the temporary folder.
        warnings.simplefilter("ignore")
        return Path(platformdirs.user_runtime_dir("timbrel"))


def write_state(endpoint: Endpoint) -> Path:
    """Write `PID.json` with the address in use, and remove files of processes that are gone.

    Raises:
        OSError: The folder can't be written to.
    """
    import psutil

    folder = state_dir()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        if old.stem.isdigit() and not psutil.pid_exists(int(old.stem)):
            old.unlink(missing_ok=True)
    host, port = endpoint
    if host == WILDCARD:  # who reads this is on this machine
        host = "127.0.0.1"
    state = {"address": f"{host}:{port}", "host": host, "port": port, "pid": os.getpid(), "api": API}
    path = folder / f"{os.getpid()}.json"
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(state | {"version": version("timbrel")}) + "\n", "utf-8")
    temporary.replace(path)
    return path


def remove_state(path: Path | None) -> None:
    """Remove a state file; a missing one is fine."""
    if path is not None:
        path.unlink(missing_ok=True)

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bridge.state import remove_state, state_dir, write_state


def test_the_state_file_tells_address_and_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    path = write_state(("127.0.0.1", 17371))
    state = json.loads(path.read_text())
    assert path.parent == tmp_path / "timbrel"
    assert (state["address"], state["port"], state["pid"], state["api"]) == ("127.0.0.1:17371", 17371, os.getpid(), 1)
    remove_state(path)
    remove_state(path)
    remove_state(None)
    assert not path.exists()


def test_files_of_processes_that_are_gone_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "timbrel").mkdir()
    stale = tmp_path / "timbrel" / "4194305.json"  # above the largest process number of Linux
    other = tmp_path / "timbrel" / "notes.json"
    stale.write_text("{}")
    other.write_text("{}")
    write_state(("127.0.0.1", 1))
    assert not stale.exists()
    assert other.exists()


def test_without_a_runtime_folder_there_is_no_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    assert state_dir().name == "timbrel"

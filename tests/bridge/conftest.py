"""Offer the command line with an encoder that is there at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bridge.shell import Shell
from tests.fakes import SpectrumEncoder


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    """Type commands at an encoder that needs no weights."""
    monkeypatch.setattr("library.encoders.load_encoder", lambda path=None, device="auto": SpectrumEncoder())
    monkeypatch.setenv("COLUMNS", "200")
    return Shell(capsys, tmp_path)


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep the settings and opinions of whoever runs the tests out of them, and theirs from being written."""
    own = tmp_path_factory.mktemp("own")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(own))
    monkeypatch.setenv("XDG_DATA_HOME", str(own))
    return own

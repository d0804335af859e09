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

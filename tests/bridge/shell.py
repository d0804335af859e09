"""Run the command line in this process and take what it prints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.cli.app import run_cli
from library.build import build_library
from tests.fakes import SpectrumEncoder
from tests.library.sound_files import write_tone

__all__ = ["Ended", "Shell"]


@dataclass(frozen=True, slots=True)
class Ended:
    """Hold how a command ended."""

    code: int
    out: str
    err: str


class Shell:
    """Type commands.

    Args:
        capsys: Takes what the commands print.
        folder: Where the library and the sound files lie.
    """

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self._capsys = capsys
        self.folder = folder
        self.library = folder / "lib"

    def build(self) -> None:
        """Make a library of three tones."""
        for number, name in enumerate(("low flute", "bass", "organ")):
            write_tone(self.folder / "src" / f"{name}.wav", 110.0 * (number + 1), 0.5, 1 + number)
        build_library([self.folder / "src"], self.library, SpectrumEncoder())

    def __call__(self, *words: object) -> Ended:
        code = run_cli([str(word) for word in words])
        out, err = self._capsys.readouterr()
        return Ended(code, out, err)

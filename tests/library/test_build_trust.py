"""Check that builds survive kills, full disks and damage, and know moved files."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from library.build import build_library
from library.errors import LibraryError
from library.manifest import read_manifest
from library.verify import verify_library
from tests.fakes import SpectrumEncoder
from tests.library.libraries import CountingEncoder
from tests.library.sound_files import write_tone
from tests.library.test_build import SLOW_BUILD, content

KILLS = 25
LONGEST_S = 0.2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(60):
        write_tone(tmp_path / "src" / f"tone {number:02d}.wav", 100.0 + 37 * number, 0.3, 1 + number % 4)
    return tmp_path / "src"


@pytest.mark.slow
def test_25_kills_at_random_moments_change_nothing_of_the_result(folder: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    rng = random.Random(7)
    command = [sys.executable, "-c", SLOW_BUILD.replace("0.05", "0.1"), str(folder), str(lib)]
    for _ in range(KILLS):
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        )
        assert process.stdout is not None
        with process.stdout as lines:
            lines.readline()  # it has begun, or found nothing left to embed and publishes
            time.sleep(rng.uniform(0.0, LONGEST_S))
            process.send_signal(signal.SIGKILL)
        assert process.wait(60) == -signal.SIGKILL  # it hit a build that was not done
    build_library([folder], lib, SpectrumEncoder())
    build_library([folder], tmp_path / "undisturbed", SpectrumEncoder())
    assert content(lib) == content(tmp_path / "undisturbed")
    assert verify_library(lib) == ()


def test_moved_and_renamed_files_are_not_embedded_again(folder: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    build_library([folder], lib, SpectrumEncoder())
    (folder / "sub").mkdir()
    (folder / "tone 03.wav").rename(folder / "sub" / "moved bass.wav")
    (folder / "tone 04.wav").rename(folder / "renamed.wav")
    encoder = CountingEncoder()
    build_library([folder], lib, encoder)
    assert encoder.clips == 0
    build_library([folder], tmp_path / "undisturbed", SpectrumEncoder())
    assert content(lib) == content(tmp_path / "undisturbed")


def test_a_full_disk_is_one_line_that_says_how_to_go_on(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("library.publish._write_vectors", full)
        with pytest.raises(LibraryError, match=r"No space left.*run the same build again"):
            build_library([folder], tmp_path / "lib", SpectrumEncoder())
    encoder = CountingEncoder()
    build_library([folder], tmp_path / "lib", encoder)
    assert encoder.clips == 0
    assert read_manifest(tmp_path / "lib").sounds == 60

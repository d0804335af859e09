"""Check that a file that crashes a decoder costs its own sounds, never the build, and that nothing else changes."""

from __future__ import annotations

import os
import pickle
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from library.build import BuildProgress, build_library
from library.errors import AudioFileError, InputError
from library.sources import FoundFile, open_file, scan_source
from library.sources.apart import MOST_DEATHS, ReadersApart
from tests.fakes import SpectrumEncoder
from tests.library.libraries import CountingEncoder
from tests.library.sound_files import write_soundfont, write_tone
from tests.library.test_build import content

# The real process, but for what it does when it is asked for the clips of a sound with "crash" in its name.
CRASHES = """
import os, sys
from library.sources import host, open_file

class Crashing:
    def __init__(self, reader):
        self.reader = reader
    def __enter__(self):
        self.reader.__enter__()
        return self
    def __exit__(self, *why):
        self.reader.__exit__(*why)
    def sounds(self):
        return self.reader.sounds()
    def notes(self):
        return self.reader.notes()
    def clips(self, sound):
        if "crash" in sound.name:
            os.abort()
        return self.reader.clips(sound)

host.open_file = lambda found: Crashing(open_file(found))
host.main()
"""


@pytest.fixture
def src(tmp_path: Path) -> Path:
    for name in ("one", "three", "two"):
        write_tone(tmp_path / "src" / f"{name}.wav", 220.0 * len(name), 0.5)
    return tmp_path / "src"


def test_a_library_is_the_same_read_here_or_apart(src: Path, tmp_path: Path) -> None:
    write_soundfont(src / "font.sf2", {(0, 0): "Piano", (0, 40): "Violin", (128, 0): "Kit"})
    (src / "text.wav").write_text("this is no audio")
    here = build_library([src], tmp_path / "here", SpectrumEncoder())
    with ReadersApart() as readers:
        apart = build_library([src], tmp_path / "apart", SpectrumEncoder(), open_with=readers.open)
        assert readers.pid != 0
    assert content(tmp_path / "here") == content(tmp_path / "apart")
    assert (here.errors, here.embedded) == (apart.errors, apart.embedded)


def test_a_file_that_crashes_its_reader_has_its_line_and_the_others_are_built(src: Path, tmp_path: Path) -> None:
    write_tone(src / "a crash.wav", 500.0, 0.5)
    write_tone(src / "crash.wav", 600.0, 0.5)
    with ReadersApart((sys.executable, "-c", CRASHES)) as readers:
        report = build_library([src], tmp_path / "lib", SpectrumEncoder(), open_with=readers.open)
    assert report.manifest.sounds == 3
    assert [error.path for error in report.errors] == [str(src / "a crash.wav"), str(src / "crash.wav")]
    assert {error.kind for error in report.errors} == {"crashed what reads it"}
    assert "SIGABRT" in report.errors[0].error
    encoder = CountingEncoder()
    mended = build_library([src], tmp_path / "lib", encoder)  # a reader that does not crash
    assert (mended.manifest.sounds, mended.errors, encoder.clips) == (5, (), 2)


def test_of_a_soundfont_the_presets_that_do_not_crash_are_taken(src: Path, tmp_path: Path) -> None:
    names = {0: "Piano", 10: "crash", 20: "Organ", 30: "crash too", 40: "Violin"}
    write_soundfont(src / "font.sf2", {(0, program): name for program, name in names.items()})
    with ReadersApart((sys.executable, "-c", CRASHES)) as readers:
        report = build_library([src / "font.sf2"], tmp_path / "lib", SpectrumEncoder(), open_with=readers.open)
    assert report.manifest.sounds == 3
    assert [error.path for error in report.errors] == [
        f"{src / 'font.sf2'} (crash too)",
        f"{src / 'font.sf2'} (crash)",
    ]


def test_a_file_that_crashes_again_and_again_is_given_up(src: Path, tmp_path: Path) -> None:
    write_soundfont(src / "font.sf2", {(0, program): f"crash {program}" for program in range(MOST_DEATHS + 3)})
    with ReadersApart((sys.executable, "-c", CRASHES)) as readers:
        report = build_library([src], tmp_path / "lib", SpectrumEncoder(), open_with=readers.open)
    assert len(report.errors) == MOST_DEATHS + 3
    assert report.manifest.sounds == 3


class KillingEncoder(SpectrumEncoder):
    """Kill the process that reads after each clip, as a system short of memory does."""

    readers: ReadersApart

    def embed(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        os.kill(self.readers.pid, signal.SIGKILL)
        os.waitid(os.P_PID, self.readers.pid, os.WEXITED | os.WNOWAIT)
        return super().embed(audio)


def test_a_reader_killed_between_two_files_costs_nothing(src: Path, tmp_path: Path) -> None:
    encoder = KillingEncoder()
    with ReadersApart() as encoder.readers:
        report = build_library([src], tmp_path / "lib", encoder, open_with=encoder.readers.open)
    assert (report.manifest.sounds, report.errors) == (3, ())


def test_a_build_with_nothing_to_read_starts_no_process(src: Path, tmp_path: Path) -> None:
    build_library([src], tmp_path / "lib", SpectrumEncoder())
    steps: list[BuildProgress] = []
    with ReadersApart() as readers:
        build_library([src], tmp_path / "lib", SpectrumEncoder(), steps.append, open_with=readers.open)
        assert readers.pid == 0
    assert steps


def test_what_a_reader_raises_arrives_as_it_was(src: Path) -> None:
    (src / "text.wav").write_text("this is no audio")
    (found,) = [file for file in scan_source(src, "src", set()).files if file.path.name == "text.wav"]
    with ReadersApart() as readers:
        with pytest.raises(AudioFileError, match="not audio") as apart, readers.open(found) as reader:
            reader.clips(reader.sounds()[0])
        with pytest.raises(AudioFileError) as here, open_file(found) as near:
            near.clips(near.sounds()[0])
        gone = FoundFile(src / "gone.nksf", "src/gone.nksf", "src", "preset")
        with pytest.raises(FileNotFoundError, match="No such file"), readers.open(gone) as reader:
            reader.sounds()
    assert (str(apart.value), apart.value.exit_code) == (str(here.value), here.value.exit_code)


def test_errors_survive_being_sent() -> None:
    error = InputError("a", "must be b", "do c")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.value, again.next_step) == (InputError, str(error), "a", "do c")

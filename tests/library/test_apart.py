"""Check that a file that crashes a decoder costs its own sounds, never the build, and that nothing else changes."""

from __future__ import annotations

import copy
import io
import os
import signal
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from library.build import BuildProgress, build_library
from library.errors import AudioFileError, FingerprintError, InputError, MissingDependencyError, TimbrelError
from library.sounds import MidiProgram, Sound
from library.sources import FoundFile, open_file, scan_source
from library.sources.apart import MOST_DEATHS, ReaderDiedError, ReadersApart
from library.sources.frames import (
    MOST_SAMPLE_BYTES,
    MOST_TEXT_BYTES,
    BadFrameError,
    problem_from,
    problem_of,
    read_frame,
    sound_from,
    sound_of,
    write_frame,
)
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
    again = copy.copy(error)
    assert (type(again), str(again), again.value, again.next_step) == (InputError, str(error), "a", "do c")


def framed(head: dict[str, object], *clips: NDArray[np.float32]) -> bytes:
    out = io.BytesIO()
    write_frame(out, head, clips)
    return out.getvalue()


def test_a_frame_brings_its_head_and_its_clips_and_they_can_be_written_to() -> None:
    clips = (np.arange(5, dtype=np.float32), np.zeros(0, np.float32), np.array([0.5, -0.25], np.float32))
    head, again = read_frame(io.BytesIO(framed({"name": "\udcff \x1b"}, *clips)))
    assert head == {"name": "\udcff \x1b"}
    assert [clip.tolist() for clip in again] == [clip.tolist() for clip in clips]
    again[0][0] = 7.0
    assert framed({}, np.ones(1, np.float32)) == struct.pack("<II", 14, 4) + b'{"clips": [1]}' + struct.pack("<f", 1.0)


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<II", MOST_TEXT_BYTES + 1, 0),
        struct.pack("<II", 2, MOST_SAMPLE_BYTES + 4),
        struct.pack("<II", 4, 0) + b"[[[[",
        struct.pack("<II", 200_000, 0) + b"[" * 200_000,
        struct.pack("<II", 2, 0) + b"{}",
        struct.pack("<II", 13, 0) + b'{"clips": 12}',
        struct.pack("<II", 15, 0) + b'{"clips": [-1]}',
        struct.pack("<II", 14, 8) + b'{"clips": [1]}' + bytes(8),
        struct.pack("<II", 16, 8) + b'{"clips": [2.0]}' + bytes(8),
        struct.pack("<II", 12, 0) + b'"clips: []\xff"',
    ],
    ids=lambda data: repr(data[:24]),
)
def test_bytes_that_are_no_frame_are_refused_before_they_are_read(data: bytes) -> None:
    with pytest.raises(BadFrameError):
        read_frame(io.BytesIO(data))


def test_a_frame_that_ends_early_is_an_end() -> None:
    whole = framed({"a": 1}, np.zeros(8, np.float32))
    for length in range(len(whole)):
        with pytest.raises(EOFError):
            read_frame(io.BytesIO(whole[:length]))


def test_a_sound_comes_back_as_it_was_and_nothing_else_is_taken_for_one() -> None:
    sound = Sound("a/b.wav", "b", "sample", "/x/\udce9.wav", MidiProgram(None, 1, 0, 5), "bass", "a", "")
    assert sound_from(sound_of(sound)) == sound
    good = sound_of(sound)
    bads: list[object] = [None, [], {}, good | {"x": 1}, good | {"name": 3}, good | {"program": [1]}]
    for bad in (*bads, good | {"program": {}}):
        with pytest.raises(BadFrameError):
            sound_from(bad)
    for program in (128, -1, 1.5, True, "1", None):
        with pytest.raises(BadFrameError):
            sound_from(good | {"program": {"channel": None, "bank_msb": None, "bank_lsb": None, "program": program}})


@pytest.mark.parametrize(
    "error",
    [
        AudioFileError("a", "is b", "do c"),
        FingerprintError("a", "is b", "do c"),
        MissingDependencyError("a", "is b", "do c"),
        FileNotFoundError(2, "No such file or directory", "/x"),
        MemoryError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_a_build_can_be_told_comes_back_as_it_was(error: Exception) -> None:
    again = problem_from(problem_of(error))
    assert (type(again), str(again)) == (type(error), str(error))
    if isinstance(error, TimbrelError):
        assert isinstance(again, TimbrelError)
        assert (again.rule, again.next_step) == (error.rule, error.next_step)


def test_what_nobody_expected_keeps_its_name_and_text_and_a_kin_its_next_of_kin() -> None:
    assert str(problem_from(problem_of(ValueError("odd")))) == "ValueError: odd"
    assert type(problem_from(problem_of(ReaderDiedError("a", "is b", "do c")))) is InputError
    for bad in (None, {}, {"error": "SystemExit", "value": "", "rule": "", "next_step": ""}, {"error": "x"}):
        with pytest.raises(BadFrameError):
            problem_from(bad)


# A process that a file has taken over: it answers every request with what it was told.
TAKEN_OVER = """
import sys
from library.sources.frames import read_frame, write_frame
answer = eval(sys.argv[1])
while True:
    request, _ = read_frame(sys.stdin.buffer)
    if isinstance(answer, bytes):
        sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()
    else:
        write_frame(sys.stdout.buffer, {"number": request["number"]} | answer)
"""


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("b'x' * 64", "are too many"),
        ("b'\\xff' * 64", "are too many"),
        ("{'number': 99, 'result': []}", "another question"),
        ("{'result': 3}", "no list"),
        ("{'result': [{'name': 'x'}]}", "other fields"),
        ("{'problem': {'error': 'os.system', 'value': '', 'rule': '', 'next_step': ''}}", "no known kind"),
    ],
)
def test_a_process_that_was_taken_over_is_ended_and_costs_its_file(src: Path, answer: str, told: str) -> None:
    (found, *_) = scan_source(src, "src", set()).files
    with ReadersApart((sys.executable, "-c", TAKEN_OVER, answer)) as readers:
        with pytest.raises(ReaderDiedError, match=told) as caught:
            readers.sounds(found)
        assert readers.pid == 0
    assert "\n" not in str(caught.value)


def test_nothing_here_speaks_pickle() -> None:
    root = Path(__file__).parents[2]
    files = [path for name in ("library", "realtime", "bridge") for path in (root / name).rglob("*.py")]
    assert [path.name for path in files if "import pickle" in path.read_text("utf-8")] == []

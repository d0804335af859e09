"""Check that a build ends with the same library however often it is killed, and reports what it can't read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from library.build import BuildProgress, build_library, name_sources
from library.catalog import read_published
from library.errors import InputError, LibraryError
from library.index import SoundIndex
from library.lock import build_lock
from library.manifest import read_manifest
from library.verify import verify_library
from tests.fakes import SpectrumEncoder
from tests.library.libraries import CountingEncoder
from tests.library.sound_files import tone, write_soundfont, write_tone

WAIT_S = 60.0

# Says how many sounds it embedded, and takes its time so that the kill comes in the middle.
SLOW_BUILD = """
import sys, time
from pathlib import Path
from library.build import build_library
from tests.fakes import SpectrumEncoder

class Slow(SpectrumEncoder):
    def embed(self, audio):
        print("embed", flush=True)
        time.sleep(0.05)
        return super().embed(audio)

build_library([Path(sys.argv[1])], Path(sys.argv[2]), Slow())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    src = tmp_path / "src"
    for number in range(8):
        write_tone(src / f"tone {number}.wav", 110.0 * (number + 1), 0.5, 1 + number % 4)
    write_soundfont(src / "font.sf2", {(0, 0): "Piano", (0, 40): "Violin", (128, 0): "Kit"})
    return src


def content(lib: Path) -> tuple[object, ...]:
    """Return all that a reader sees of a library."""
    manifest = read_manifest(lib)
    published = read_published(lib, manifest.generation, immutable=False)
    return (
        published.sounds,
        published.table.row_count.tolist(),
        (lib / manifest.vectors_name).read_bytes(),
        manifest.content_sha256,
    )


def test_every_sound_is_found_by_its_own_audio(folder: Path, tmp_path: Path) -> None:
    encoder = SpectrumEncoder()
    report = build_library([folder], tmp_path / "lib", encoder)
    assert (report.embedded, report.unchanged, report.errors) == (11, 0, ())
    index = SoundIndex.open(tmp_path / "lib", encoder.spec.fingerprint)
    queries = encoder.embed(np.stack([tone(110.0 * (n + 1), 0.5, 1 + n % 4) for n in range(8)]))
    found = [matches[0].sound.name for matches in index.query(queries, 3)]
    assert found == [f"tone {n}" for n in range(8)]
    assert verify_library(tmp_path / "lib") == ()


def test_progress_counts_up_to_the_number_of_files(folder: Path, tmp_path: Path) -> None:
    steps: list[BuildProgress] = []
    build_library([folder], tmp_path / "lib", SpectrumEncoder(), steps.append)
    assert [step.files_done + step.part for step in steps] == pytest.approx([0, 1 / 3, 2 / 3, *range(1, 10)])
    assert {step.files for step in steps} == {9}
    assert steps[-1].sounds == 11


@pytest.mark.parametrize("kill_after", [1, 4, 9])
def test_a_killed_build_goes_on_and_ends_like_an_undisturbed_one(folder: Path, tmp_path: Path, kill_after: int) -> None:
    lib = tmp_path / "lib"
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW_BUILD, str(folder), str(lib)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert process.stdout is not None
    with process.stdout as lines:
        for _ in range(kill_after):
            assert lines.readline() == "embed\n"
        process.send_signal(signal.SIGKILL)
    process.wait(WAIT_S)
    with pytest.raises(LibraryError, match="has not ended yet"):
        read_manifest(lib)
    resumed, fresh = CountingEncoder(), CountingEncoder()
    build_library([folder], lib, resumed)
    build_library([folder], tmp_path / "undisturbed", fresh)
    assert content(lib) == content(tmp_path / "undisturbed")
    assert verify_library(lib) == ()
    if kill_after > 2:  # what was committed before is not embedded again
        assert resumed.clips < fresh.clips


def test_a_build_killed_while_it_publishes_goes_on(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lib = tmp_path / "lib"
    build_library([folder], lib, SpectrumEncoder())
    write_tone(folder / "new.wav", 1000.0)

    def power_cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("library.publish.write_manifest", power_cut)
        with pytest.raises(KeyboardInterrupt):
            build_library([folder], lib, SpectrumEncoder())
    assert verify_library(lib) == ()
    assert read_manifest(lib).sounds == 11
    build_library([folder], lib, SpectrumEncoder())
    assert verify_library(lib) == ()
    assert read_manifest(lib).sounds == 12
    assert len(list(lib.glob("vectors-*"))) == 1


def test_what_did_not_change_is_not_embedded_again(folder: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    build_library([folder], lib, SpectrumEncoder())
    before = read_manifest(lib)
    encoder = CountingEncoder()
    report = build_library([folder], lib, encoder)
    assert (encoder.clips, report.unchanged, report.manifest) == (0, 9, before)


def test_a_file_only_touched_is_not_embedded_again(folder: Path, tmp_path: Path) -> None:
    build_library([folder], tmp_path / "lib", SpectrumEncoder())
    os.utime(folder / "tone 3.wav", (1, 1))
    encoder = CountingEncoder()
    build_library([folder], tmp_path / "lib", encoder)
    assert encoder.clips == 0


def test_changed_new_and_deleted_files_bring_a_new_generation(folder: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    build_library([folder], lib, SpectrumEncoder())
    write_tone(folder / "tone 0.wav", 1234.0)
    write_tone(folder / "added.wav", 99.0)
    (folder / "tone 7.wav").unlink()
    encoder = CountingEncoder()
    report = build_library([folder], lib, encoder)
    assert encoder.clips == 2
    assert report.manifest.generation == 2
    build_library([folder], tmp_path / "undisturbed", SpectrumEncoder())
    assert content(lib) == content(tmp_path / "undisturbed")
    assert sorted(p.name for p in lib.glob("*-*") if "sqlite" not in p.name) == [
        "index-2.ann",
        "sounds-2.jsonl",
        "sounds-2.spans",
        "vectors-2.f16",
    ]


def test_other_weights_embed_everything_again(folder: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    build_library([folder], lib, SpectrumEncoder())
    encoder = CountingEncoder(fingerprint="e" * 64)
    build_library([folder], lib, encoder)
    assert encoder.clips == 8 + 2 * 8
    assert read_manifest(lib).fingerprint == "e" * 64


def test_a_source_left_out_leaves_the_library(folder: Path, tmp_path: Path) -> None:
    other = write_tone(tmp_path / "other" / "x.wav", 700.0).parent
    lib = tmp_path / "lib"
    assert build_library([folder, other], lib, SpectrumEncoder()).manifest.sounds == 12
    report = build_library([other], lib, SpectrumEncoder())
    assert (report.manifest.sounds, report.embedded) == (1, 0)


def test_sources_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for parent in ("a", "b"):
        write_tone(tmp_path / parent / "drums" / "x.wav", 220.0)
    entries = name_sources([tmp_path / "a/drums", tmp_path / "b/drums", tmp_path / "a/drums"])
    assert [entry.name for entry in entries] == ["drums", "drums-2"]
    lib = tmp_path / "lib"
    build_library([tmp_path / "a/drums", tmp_path / "b/drums"], lib, SpectrumEncoder())
    assert [s.id for s in SoundIndex.open(lib, None).sounds] == ["drums/x.wav", "drums-2/x.wav"]
    # The second now has the first one's name: its ids must follow.
    build_library([tmp_path / "b/drums"], lib, SpectrumEncoder())
    assert [s.id for s in SoundIndex.open(lib, None).sounds] == ["drums/x.wav"]


def test_files_that_can_not_be_read_are_reported_and_the_others_done(folder: Path, tmp_path: Path) -> None:
    (folder / "text.wav").write_text("this is no audio")
    (folder / "cut.sf2").write_bytes((folder / "font.sf2").read_bytes()[:900])
    lib = tmp_path / "lib"
    report = build_library([folder], lib, SpectrumEncoder())
    assert report.manifest.sounds == 11
    assert [Path(error.path).name for error in report.errors] == ["cut.sf2", "text.wav"]
    assert SoundIndex.open(lib, None).info()["errors"] == [
        {"path": error.path, "error": error.error} for error in report.errors
    ]
    assert build_library([folder], lib, SpectrumEncoder()).errors == report.errors
    (folder / "text.wav").unlink()
    write_tone(folder / "text.wav", 300.0)
    assert len(build_library([folder], lib, SpectrumEncoder()).errors) == 1


def test_an_encoder_that_gives_nan_leaves_no_bad_vector(folder: Path, tmp_path: Path) -> None:
    class Broken(SpectrumEncoder):
        def embed(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
            out = super().embed(audio)
            out[:1] = np.nan
            return out

    report = build_library([folder], tmp_path / "lib", Broken())
    assert report.manifest.vectors == 2 * 6  # of three notes and five phrases the first of each batch is lost
    assert verify_library(tmp_path / "lib") == ()


@pytest.mark.parametrize("what", ["empty", "missing", "only damaged", "nothing"])
def test_sources_without_a_sound_are_wrong_input(tmp_path: Path, what: str) -> None:
    src = tmp_path / "src"
    src.mkdir()
    if what == "missing":
        src.rmdir()
    if what == "only damaged":
        (src / "x.wav").write_text("this is no audio")
    with pytest.raises(InputError) as caught:
        build_library([] if what == "nothing" else [src], tmp_path / "lib", SpectrumEncoder())
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "lib" / "manifest.json").exists()


def test_a_file_as_library_is_wrong_input(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "lib").write_text("a file")
    with pytest.raises(InputError, match="is a file"):
        build_library([folder], tmp_path / "lib", SpectrumEncoder())


def test_a_place_that_can_not_be_written_is_wrong_input(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    with pytest.raises(InputError, match="can't be made"):
        build_library([folder], tmp_path / "file" / "lib", SpectrumEncoder())


def test_a_source_whose_name_is_not_text_is_wrong_input(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    path.mkdir()
    with pytest.raises(InputError, match="UTF-8") as caught:
        name_sources([path])
    str(caught.value).encode("utf-8")


def test_two_builds_of_one_library_exclude_each_other(folder: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW_BUILD, str(folder), str(lib)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert process.stdout is not None
    with process.stdout as lines:
        assert lines.readline() == "embed\n"
        process.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(LibraryError, match=rf"another process \({process.pid}\)"):
                build_library([folder], lib, SpectrumEncoder())
        finally:
            process.kill()
    process.wait(WAIT_S)
    deadline = time.monotonic() + WAIT_S
    while True:  # the system frees the lock when it has buried the process
        try:
            with build_lock(lib):
                return
        except LibraryError:
            assert time.monotonic() < deadline


def test_a_library_can_be_read_as_json_by_others(folder: Path, tmp_path: Path) -> None:
    build_library([folder], tmp_path / "lib", SpectrumEncoder())
    assert json.loads(json.dumps(SoundIndex.open(tmp_path / "lib", None).info()))["sounds"] == 11

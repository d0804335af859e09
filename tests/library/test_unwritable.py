"""Check that a library that can't be written, or not to the end, is one clear line and loses nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from library.build import build_library
from library.lock import LOCK_NAME
from library.manifest import read_manifest
from library.verify import verify_library
from tests.fakes import SpectrumEncoder
from tests.library.sound_files import write_tone
from tests.library.test_build import content

WAIT_S = 120.0

# Builds once for each limit on the size of a file that it may write; tells what it said each time.
BUILD = """
import json, resource, sys
from pathlib import Path
from library.build import build_library
from library.errors import TimbrelError
from library.index import SoundIndex
from tests.fakes import SpectrumEncoder

src, lib, *limits = sys.argv[1:]
told = []
for limit in limits:
    most = resource.RLIM_INFINITY if limit == "none" else int(limit)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
    try:
        build_library([Path(src)], Path(lib), SpectrumEncoder())
        told.append(["LIMIT NOT REACHED", ""])
    except TimbrelError as error:
        told.append([type(error).__name__, str(error)])
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    if limit == "none":
        told[-1].append(len(SoundIndex.open(Path(lib), None).info()["sources"]))
print(json.dumps(told))
"""


def build_in_a_process(*prefix: str, src: Path, lib: Path, limits: tuple[str, ...] = ("none",)) -> Any:  # Any: JSON
    done = subprocess.run(
        [*prefix, sys.executable, "-c", BUILD, str(src), str(lib), *limits],
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def src(tmp_path: Path) -> Path:
    for number in range(6):
        write_tone(tmp_path / "src" / f"tone {number}.wav", 110.0 * (number + 1), 0.3, 1 + number % 4)
    build_library([tmp_path / "src"], tmp_path / "lib", SpectrumEncoder())
    write_tone(tmp_path / "src" / "new.wav", 3000.0, 0.3)
    return tmp_path / "src"


@pytest.fixture
def bound() -> tuple[str, ...]:
    """Return what makes a command keep to permissions, which root otherwise does not."""
    if os.geteuid() != 0:
        return ()
    words = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--")
    if shutil.which("setpriv") is None or subprocess.run([*words, "true"], check=False).returncode:
        pytest.skip("root keeps to no permissions, and setpriv (util-linux) can't make it")
    return words


def files_of(lib: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in lib.iterdir() if path.name != LOCK_NAME}


@pytest.mark.parametrize("files", [0o644, 0o444])
def test_a_read_only_library_is_read_and_a_build_says_one_line(
    src: Path, tmp_path: Path, bound: tuple[str, ...], files: int
) -> None:
    lib = tmp_path / "lib"
    before = files_of(lib)
    for path in lib.iterdir():
        path.chmod(files)
    lib.chmod(0o555)
    try:
        ((kind, told, sources),) = build_in_a_process(*bound, src=src, lib=lib)
    finally:
        lib.chmod(0o755)
    assert (kind, sources) == ("LibraryError", 1)
    assert told.startswith(f"{lib}: can't be written (")
    assert "\n" not in told
    assert files_of(lib) == before
    for path in lib.iterdir():
        path.chmod(0o644)
    build_library([src], lib, SpectrumEncoder())
    assert read_manifest(lib).sounds == 7


def test_a_library_in_a_read_only_place_is_one_line(src: Path, tmp_path: Path, bound: tuple[str, ...]) -> None:
    place = tmp_path / "place"
    place.mkdir()
    code = f"""
import sys
from pathlib import Path
from bridge.cli.app import run_cli
sys.exit(run_cli(["library", "build", {str(src)!r}, "--out", {str(place / "lib")!r}, "--device", "cpu"]))
"""
    place.chmod(0o555)
    done = subprocess.run(
        [*bound, sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    place.chmod(0o755)
    assert done.returncode == 2, done.stderr
    assert (
        done.stderr == f"timbrel: {place / 'lib'}: can't be made (Permission denied); choose another place with --out\n"
    )


def test_wherever_room_ends_the_library_stays_whole_and_the_same_build_goes_on(src: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    before = content(lib)
    largest = max(path.stat().st_size for path in lib.iterdir())
    limits = tuple(str(limit) for limit in (1, 100, 300, 1_000, 5_000, 20_000, largest // 2))
    told = build_in_a_process(src=src, lib=lib, limits=limits)
    for kind, line in told:
        assert kind == "LibraryError", told
        assert "can't be written (" in line
        assert "run the same build again" in line or "build again" in line
    assert content(lib)[1:] == before[1:]
    assert verify_library(lib) == ()
    build_library([src], lib, SpectrumEncoder())
    build_library([src], tmp_path / "other", SpectrumEncoder())
    assert content(lib) == content(tmp_path / "other")

"""Check that a library from a stranger does no harm: one line or the truth, never a traceback, a crash or a hang."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from library.annoy_file import annoy_problem
from library.build import build_library
from library.candidates import annoy_available, write_annoy
from library.errors import InputError
from library.index import SoundIndex
from library.taste import Taste
from library.verify import verify_library
from tests.fakes import SpectrumEncoder
from tests.library.libraries import build_tones, clustered, make_library
from tests.library.strangers import STRANGE, fit, one, spoil_sound

HARMLESS = {"errors that are numbers"}
"""What is shown as text, and does no harm."""

NOT_OF_A_SOUND = {"a text of megabytes"}
"""What `info` alone reads, not `verify`."""


@pytest.fixture
def lib(tmp_path: Path) -> Path:
    return make_library(tmp_path / "lib", list(clustered(40, 2, 16)))


def use(lib: Path) -> None:
    """Do all that a program does with a library."""
    index = SoundIndex.open(lib, None, exact=False, taste=Taste(lib.parent / "own"))
    index.query(clustered(3, 1, 16)[:, 0].astype(np.float32), 10)
    index.query(np.asarray(index.vectors[:3], np.float32), 40)
    for sound in index.sounds:
        index.preview_path(sound)
    json.dumps(index.info(), allow_nan=False)


@pytest.mark.parametrize("name", sorted(STRANGE))
def test_a_library_of_a_stranger_ends_in_one_line(lib: Path, name: str) -> None:
    if "index" in name and not annoy_available():
        pytest.skip("annoy is not installed")
    STRANGE[name](lib)
    if name in HARMLESS:
        use(lib)
    else:
        with pytest.raises(InputError) as caught:
            use(lib)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 1000
    try:
        problems = verify_library(lib)
    except InputError:
        return
    assert name in HARMLESS | NOT_OF_A_SOUND or problems


@pytest.mark.parametrize("name", sorted(name for name in STRANGE if "index" not in name))
def test_a_build_over_it_makes_it_whole_or_says_why_not(tmp_path: Path, name: str) -> None:
    src = build_tones(tmp_path, 8)
    lib = make_library(tmp_path / "theirs", list(clustered(40, 2, 16)))
    STRANGE[name](lib)
    build_library([src], lib, SpectrumEncoder())
    assert verify_library(lib) == ()
    assert len(SoundIndex.open(lib, None).sounds) == 8


def test_vectors_that_are_not_finite_are_never_offered(lib: Path) -> None:
    path = one(lib, "vectors-*.f16")
    vectors = np.fromfile(path, np.float16).reshape(-1, 16)
    vectors[3], vectors[8:10, 2] = np.nan, np.inf
    vectors.tofile(path)
    fit(lib)
    for exact in (True, False):
        (matches,) = SoundIndex.open(lib, None, exact=exact).query(clustered(1, 1, 16)[:, 0].astype(np.float32), 40)
        assert {match.sound.id for match in matches} >= {"s00000", "s00039"}
        assert not {match.sound.id for match in matches} & {"s00001", "s00004"}
        assert all(-1.0 <= match.score <= 1.0 for match in matches)
    assert verify_library(lib) == (f"{path.name}: 3 vectors are not unit vectors",)


@pytest.mark.parametrize("preview", ["../../etc/passwd", "/etc/passwd", "previews/../../x.ogg", "catalog.sqlite.bak"])
def test_a_preview_is_a_file_that_the_manifest_lists_or_none(lib: Path, preview: str) -> None:
    spoil_sound(lib, 11, preview)
    index = SoundIndex.open(lib, None)
    assert index.preview_path(index.sounds[0]) == Path("/nowhere/s00000")  # the sound itself: it is a sample


@pytest.mark.skipif(not annoy_available(), reason="annoy is not installed")
@pytest.mark.parametrize(("rows", "dim"), [(1, 2), (3, 2), (60, 2), (60, 16), (900, 3)])
def test_what_annoy_writes_passes_and_no_changed_number_of_it_leads_out(tmp_path: Path, rows: int, dim: int) -> None:
    path = tmp_path / "index-1.ann"
    write_annoy(path, clustered(rows, 1, dim)[:, 0])
    assert annoy_problem(path, rows, dim) == ""
    assert rows == 1 or annoy_problem(path, rows + 1, dim) != ""
    assert annoy_problem(path, rows, dim + 1) != ""
    nodes = np.fromfile(path, "<i4").reshape(-1, 3 + dim)
    rng = np.random.default_rng(rows)
    for _ in range(40):
        changed = nodes.copy()
        node = int(rng.integers(len(nodes)))
        changed[node, 0 if node < rows else rng.integers(2)] = rng.choice([-(2**31), -1, len(nodes), 2**31 - 1])
        changed.tofile(path)
        assert annoy_problem(path, rows, dim) != ""

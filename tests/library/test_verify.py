"""Check that verify finds what changed since a library was built."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from library.errors import LibraryError
from library.index import SoundIndex
from library.manifest import file_entry, read_manifest
from library.verify import verify_library
from tests.library.libraries import clustered, make_library


@pytest.fixture
def lib(tmp_path: Path) -> Path:
    return make_library(tmp_path / "lib", list(clustered(6, 2, 16)))


def test_a_library_just_built_is_whole(lib: Path) -> None:
    assert verify_library(lib) == ()


def test_vectors_that_are_not_unit_are_found_even_with_the_right_hash(lib: Path) -> None:
    manifest = read_manifest(lib)
    path = lib / manifest.vectors_name
    vectors = np.fromfile(path, np.float16).reshape(-1, 16)
    vectors[3], vectors[5] = 0.0, np.nan
    vectors.tofile(path)
    data = json.loads((lib / "manifest.json").read_text())
    data["files"][path.name]["sha256"] = file_entry(path).sha256
    del data["sha256"]
    (lib / "manifest.json").write_text(json.dumps(data))
    assert verify_library(lib) == (f"{path.name}: 2 vectors are not unit vectors",)


def test_a_file_of_another_size_is_named(lib: Path) -> None:
    (path,) = lib.glob("index-*")
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:100])
    assert verify_library(lib) == (f"{path.name}: has 100 bytes, the manifest says {size}",)
    with pytest.raises(LibraryError, match="100 bytes"):
        SoundIndex.open(lib, None)


@pytest.mark.parametrize("target", ["vectors", "index", "catalog"])
def test_verify_names_a_file_whose_content_changed(lib: Path, target: str) -> None:
    if target == "catalog":
        with closing(sqlite3.connect(lib / "catalog.sqlite")) as db, db:
            db.execute("UPDATE sounds SET name = 'other' WHERE position = 0")
    else:
        (path,) = lib.glob(f"{target}-*")
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0x40
        path.write_bytes(data)
    problems = verify_library(lib)
    assert problems
    assert problems[0].startswith(target)

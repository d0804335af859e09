"""Check that nothing but a sound manifest is taken for one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from library.errors import LibraryError
from library.manifest import FORMAT, read_manifest, rebuild_command, write_manifest
from tests.library.libraries import clustered, make_library


@pytest.fixture
def lib(tmp_path: Path) -> Path:
    return make_library(tmp_path / "my lib", list(clustered(3, 2, 8)))


def test_what_is_written_is_read(lib: Path) -> None:
    manifest = read_manifest(lib)
    write_manifest(lib, manifest)
    assert read_manifest(lib) == manifest
    assert not list(lib.glob("*.tmp"))


@pytest.mark.parametrize("keep", range(0, 1000, 97))
def test_a_truncated_manifest_is_one_clear_error(lib: Path, keep: int) -> None:
    path = lib / "manifest.json"
    text = path.read_text()
    path.write_text(text[: min(keep, len(text) - 2)])
    with pytest.raises(LibraryError, match="is damaged") as caught:
        read_manifest(lib)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "1"},
        {"format": 0},
        {"metric": "euclidean"},
        {"dim": 0},
        {"dim": 9},
        {"dim": True},
        {"vectors": -1},
        {"vectors": 5},
        {"vectors": 6.0},
        {"generation": 0},
        {"generation": 2},
        {"fingerprint": None},
        {"sources": [{}]},
        {"sources": 3},
        {"files": []},
        {"files": {}},
    ],
    ids=str,
)
def test_a_value_that_can_not_be_is_one_clear_error(lib: Path, change: dict[str, Any]) -> None:
    path = lib / "manifest.json"
    data = json.loads(path.read_text())
    del data["sha256"]
    path.write_text(json.dumps(data | change))
    with pytest.raises(LibraryError, match="is damaged"):
        read_manifest(lib)


@pytest.mark.parametrize("name", ["../vectors-1.f16", "/etc/passwd", "previews/../../x.ogg", "vectors-1.f16/"])
def test_files_outside_the_library_are_refused(lib: Path, name: str) -> None:
    path = lib / "manifest.json"
    data = json.loads(path.read_text())
    data["files"][name] = {"bytes": 0, "sha256": ""}
    del data["sha256"]
    path.write_text(json.dumps(data))
    with pytest.raises(LibraryError, match="is damaged"):
        read_manifest(lib)


def test_any_changed_value_is_noticed(lib: Path) -> None:
    path = lib / "manifest.json"
    path.write_text(path.read_text().replace('"/nowhere"', '"/nowhare"'))
    with pytest.raises(LibraryError, match=r"is damaged .*not what it was"):
        read_manifest(lib)


def test_a_newer_format_asks_for_an_update(lib: Path) -> None:
    path = lib / "manifest.json"
    path.write_text(json.dumps({"format": FORMAT + 1}))
    with pytest.raises(LibraryError, match="update timbrel"):
        read_manifest(lib)


def test_an_unfinished_build_is_told_from_no_library(lib: Path) -> None:
    (lib / "manifest.json").unlink()
    with pytest.raises(LibraryError, match="has not ended yet"):
        read_manifest(lib)


def test_the_rebuild_command_can_be_pasted_into_a_shell(lib: Path) -> None:
    assert rebuild_command(lib, read_manifest(lib)) == f"timbrel library build /nowhere --out '{lib}'"

"""Read, write and check the manifest of a library: what its files must be before anything opens them."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from library.errors import FingerprintError, LibraryError

__all__ = [
    "CATALOG_NAME",
    "FORMAT",
    "MANIFEST_NAME",
    "Base",
    "FileEntry",
    "Manifest",
    "SourceEntry",
    "check_fingerprint",
    "file_entry",
    "read_manifest",
    "rebuild_command",
    "write_manifest",
]

FORMAT = 2
"""Newest format that this program writes; it reads every format from 1 up to this one.

1: vectors, index, and the sounds in the catalogue. 2: the sounds in a file of their own, and generations that are an
older base with a delta: vectors that came later, and sounds that left."""

MANIFEST_NAME = "manifest.json"
CATALOG_NAME = "catalog.sqlite"
METRIC = "angular"

_MAX_MANIFEST_BYTES = 16 * 2**20
_PLAIN_NAME = re.compile(
    r"(vectors-\d+\.f16|index-\d+\.ann|sounds-\d+\.(jsonl|spans)|delta-\d+\.(f16|jsonl|spans|gone)"
    r"|cells-\d+\.(centres|f16|rows)"
    r"|catalog\.sqlite|previews/[\w-]+\.ogg)",
    re.ASCII,
)
_SHA256 = re.compile(r"[0-9a-f]{64}")

_MOST = {"generation": 2**53, "dim": 2**16, "sounds": 2**31 - 1, "vectors": 2**31 - 1}
"""Numbers beyond these are no library's: what is made by them would not fit."""

_ROW_BYTES = {".spans": 24, ".gone": 8}
"""Bytes of one entry in the files beside the sounds; see library.table and library.delta."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """State what one file of the library must be."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """Name one source that the library was built from; `kind` is "folder", "file" or "gm"."""

    name: str
    path: str
    kind: str


@dataclass(frozen=True, slots=True)
class Base:
    """Name the whole generation under a delta: its number, sounds and vectors, those that left included."""

    generation: int
    sounds: int
    vectors: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """Describe one generation of a library.

    Attributes:
        generation: Number of the generation, from 1.
        fingerprint: Fingerprint of the encoder that made the vectors.
        encoder: Name of that encoder.
        dim: Length D of a vector.
        sounds: Number of sounds.
        vectors: Number N of vectors, several for one sound.
        content_sha256: Hash of the sounds of this generation.
        sealed: The library never changes (it may lie in a read-only place).
        sources: What it was built from, in order.
        files: Every file of this generation by its name inside the library.
        base: None for a generation that is whole; else the older one whose vectors and index it goes on using.
    """

    generation: int
    fingerprint: str
    encoder: str
    dim: int
    sounds: int
    vectors: int
    content_sha256: str
    sealed: bool
    sources: tuple[SourceEntry, ...]
    files: Mapping[str, FileEntry]
    base: Base | None = None

    @property
    def base_generation(self) -> int:
        """Generation that the vectors and the index belong to."""
        return self.base.generation if self.base else self.generation

    @property
    def base_vectors(self) -> int:
        """Number of vectors in the file of vectors and in the index."""
        return self.base.vectors if self.base else self.vectors

    @property
    def vectors_name(self) -> str:
        """Name of the file of vectors."""
        return f"vectors-{self.base_generation}.f16"

    @property
    def index_name(self) -> str:
        """Name of the Annoy file, which need not exist."""
        return f"index-{self.base_generation}.ann"

    @property
    def table_name(self) -> str:
        """Name of the file of sounds, without its suffix; libraries of format 1 have none."""
        return f"sounds-{self.base_generation}"

    @property
    def delta_name(self) -> str:
        """Name of the files of what changed since the base, without their suffix."""
        return f"delta-{self.generation}"


def read_manifest(lib_dir: Path) -> Manifest:
    """Read and check the manifest of a library.

    Raises:
        LibraryError: There is no library, or its manifest is damaged or of a newer format.
    """
    path = lib_dir / MANIFEST_NAME
    if not path.is_file():
        raise _no_manifest(lib_dir)
    try:
        if path.stat().st_size > _MAX_MANIFEST_BYTES:
            raise ValueError("too large")
        data = json.loads(path.read_text(encoding="utf-8"))
        version = data["format"]
        if not isinstance(version, int) or version < 1:
            raise ValueError("no format")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(path, error) from error
    if version > FORMAT:
        raise LibraryError(path, f"has format {version}, this program reads up to {FORMAT}", "update timbrel")
    try:
        if data.get("sha256") not in (None, _own_hash(data)):  # older ones have none
            raise ValueError("its content is not what it was when it was written")
        return _parse(data)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(path, error) from error


def write_manifest(lib_dir: Path, manifest: Manifest) -> None:
    """Replace the manifest at once: a reader sees the old or the new generation, never a part."""
    data = {"format": FORMAT, "metric": METRIC, **asdict(manifest)}
    data["sha256"] = _own_hash(data)
    target = lib_dir / MANIFEST_NAME
    part = target.with_suffix(".tmp")
    with part.open("w", encoding="utf-8") as file:
        json.dump(data, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    part.replace(target)


def file_entry(path: Path) -> FileEntry:
    """Measure a file that is complete."""
    with path.open("rb") as file:
        return FileEntry(path.stat().st_size, file_digest(file, "sha256").hexdigest())


def check_fingerprint(lib_dir: Path, manifest: Manifest, fingerprint: str | None) -> None:
    """Refuse a library whose vectors were made by other weights; None accepts any.

    Raises:
        FingerprintError: The fingerprints differ; the message names the command that rebuilds the library.
    """
    if fingerprint is not None and manifest.fingerprint != fingerprint:
        raise FingerprintError(
            lib_dir,
            f"was built with encoder {manifest.fingerprint[:12]}, this one is {fingerprint[:12]}",
            _rebuild_step(lib_dir, manifest),
        )


def rebuild_command(lib_dir: Path, manifest: Manifest) -> str:
    """Return the command line that builds this library again from its sources."""
    out = shlex.quote(str(lib_dir))
    paths = [shlex.quote(source.path) for source in manifest.sources]
    if any(source.kind == "gm" for source in manifest.sources):
        return f"timbrel library make-gm --out {out}"
    return f"timbrel library build {' '.join(paths) or 'SRC...'} --out {out}"


def _rebuild_step(lib_dir: Path, manifest: Manifest) -> str:
    return f"run `{rebuild_command(lib_dir, manifest)}`"


def _parse(data: Any) -> Manifest:  # Any: what a JSON file may hold
    if data["metric"] != METRIC:
        raise ValueError(f"metric {data['metric']!r}")
    counts = {key: data[key] for key in ("generation", "dim", "sounds", "vectors")}
    least = {"generation": 1, "dim": 1, "sounds": 0, "vectors": 0}
    for key, value in counts.items():
        if type(value) is not int or not least[key] <= value <= _MOST[key]:
            raise ValueError(f"{key} {value!r}")
    texts = {key: data[key] for key in ("fingerprint", "encoder", "content_sha256")}
    for key, value in texts.items():
        if not isinstance(value, str):
            raise ValueError(f"{key} {value!r}")
    sources = tuple(SourceEntry(str(s["name"]), str(s["path"]), str(s["kind"])) for s in data["sources"])
    files = {name: FileEntry(f["bytes"], f["sha256"]) for name, f in data["files"].items()}
    for name, entry in files.items():
        if not _PLAIN_NAME.fullmatch(name):
            raise ValueError(f"file name {name!r}")
        if type(entry.bytes) is not int or entry.bytes < 0 or not _SHA256.fullmatch(entry.sha256):
            raise ValueError(f"{name} {entry}")
    base = data.get("base")
    if base is not None:
        base = Base(base["generation"], base["sounds"], base["vectors"])
        if any(type(number) is not int for number in (base.generation, base.sounds, base.vectors)):
            raise ValueError(f"base {base}")
        if not 1 <= base.generation < counts["generation"]:
            raise ValueError(f"base {base}")
        if not (0 <= base.sounds <= _MOST["sounds"] and 0 <= base.vectors <= _MOST["vectors"]):
            raise ValueError(f"base {base}")
    manifest = Manifest(**counts, **texts, sealed=data["sealed"] is True, sources=sources, files=files, base=base)
    expected = manifest.base_vectors * manifest.dim * 2  # float16
    if files[manifest.vectors_name].bytes != expected:
        raise ValueError(f"{manifest.vectors_name} should have {expected} bytes")
    _check_rows(manifest)
    return manifest


def _check_rows(manifest: Manifest) -> None:
    """Check that the files that are read by rows have whole ones, and that those that belong together are there."""
    row_bytes = _ROW_BYTES | {".f16": 2 * manifest.dim}
    for name, entry in manifest.files.items():
        if entry.bytes % row_bytes.get(Path(name).suffix, 1):
            raise ValueError(f"{name} has {entry.bytes} bytes")
    tables = [manifest.table_name] if f"{manifest.table_name}.jsonl" in manifest.files or manifest.base else []
    needed = [f"{table}{end}" for table in tables for end in (".jsonl", ".spans")]
    needed += [f"{manifest.delta_name}{end}" for end in (".jsonl", ".spans", ".f16", ".gone") if manifest.base]
    if missing := [name for name in needed if name not in manifest.files]:
        raise ValueError(f"{missing[0]} is not listed")


def _own_hash(data: Mapping[str, object]) -> str:
    """Return the hash of all that a manifest says but this hash."""
    rest = {key: value for key, value in data.items() if key != "sha256"}
    return sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _no_manifest(lib_dir: Path) -> LibraryError:
    if not lib_dir.exists():
        return LibraryError(lib_dir, "no such library", "make it with `timbrel library build SRC... --out LIB`")
    if (lib_dir / CATALOG_NAME).is_file():
        return LibraryError(lib_dir, "its build has not ended yet", "run the same `timbrel library build` again")
    return LibraryError(lib_dir, f"is not a library (no {MANIFEST_NAME})", "name one that `timbrel library build` made")


def _damaged(path: Path, error: Exception) -> LibraryError:
    reason = str(error) if isinstance(error, ValueError) else f"{type(error).__name__} {error}"
    step = f"run `timbrel library build SRC... --out {shlex.quote(str(path.parent))}` again"
    return LibraryError(path, f"is damaged ({reason[:120]})", step)

"""Build a library from sources: scan, embed what is new, publish; killed at any moment, it goes on where it was."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from hashlib import file_digest
from pathlib import Path

from library.catalog import Catalog, FileError, FileRecord
from library.cores import one_core
from library.embed import fill_file
from library.encoders.spec import SingleEncoder
from library.errors import InputError, LibraryError
from library.lock import build_lock
from library.manifest import Manifest, SourceEntry
from library.mend import mend_catalog
from library.moves import adopt_moved
from library.publish import publish
from library.sources import FoundFile, OpenFile, Scan, open_file, scan_source

__all__ = [
    "BuildProgress",
    "BuildReport",
    "Progress",
    "build_library",
    "fill",
    "name_sources",
    "scan_entries",
    "told",
]

RECIPE = 3
"""Raise it when clips are cut or rendered in another way: vectors of an older recipe are made again."""


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """Tell how far a build is.

    Attributes:
        files_done: Files that are done.
        files: Files in all.
        sounds: Sounds in the library so far.
        current: What comes next.
        part: How much of the current file is done, 0..1; a soundfont can hold hundreds of sounds.
        errors: How much could not be read so far.
        file: The current file, from the name of its source on.
    """

    files_done: int
    files: int
    sounds: int
    current: str
    part: float = 0.0
    errors: int = 0
    file: str = ""


@dataclass(frozen=True, slots=True)
class BuildReport:
    """Sum up a build.

    Attributes:
        manifest: Manifest of the generation in force.
        embedded: Sounds that were embedded in this run.
        unchanged: Files that were taken over from earlier runs.
        errors: What could not be read.
        notes: What was left out of files that are in the library; no failure.
        mended: What was done about a damaged catalogue, a sentence each.
    """

    manifest: Manifest
    embedded: int
    unchanged: int
    errors: tuple[FileError, ...]
    notes: tuple[FileError, ...] = ()
    mended: tuple[str, ...] = ()


_GO_ON = "make room or change its permissions, then run the same build again: what was done is kept"

Progress = Callable[[BuildProgress], None]


def build_library(
    sources: Sequence[Path],
    out: Path,
    encoder: SingleEncoder,
    progress: Progress | None = None,
    *,
    open_with: OpenFile = open_file,
    locked: bool = False,
    exclude: Sequence[str] = (),
) -> BuildReport:
    """Make the library `out` hold the sounds of these sources, no more and no less.

    Args:
        sources: Folders and single files.
        out: Folder of the library; made if it is not there, brought up to date if it is.
        encoder: Embeds each sound.
        progress: Called before each sound and at the end.
        open_with: Makes the reader of a file; ReadersApart().open keeps a crash of a decoder away from this process.
        locked: The caller holds the lock of the library.
        exclude: Folders of the sources to leave out; see library.exclude.

    Raises:
        InputError: A source is missing or holds nothing that could be a sound, or no sound at all could be read.
        LibraryError: Another build writes `out`, or it can't be written.
    """
    entries = name_sources(sources)
    scan = scan_entries(entries, exclude)
    if out.exists() and not out.is_dir():
        raise InputError(out, "is a file, a library is a folder", "give another name with --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(out, f"can't be made ({error.strerror})", "choose another place with --out") from error
    with ExitStack() as stack:
        stack.enter_context(nullcontext() if locked else build_lock(out))
        stack.enter_context(told(out))
        mended = mend_catalog(out)
        catalog = stack.enter_context(Catalog(out))
        catalog.begin(f"{encoder.spec.fingerprint}:{encoder.spec.dim}:{RECIPE}", entries, scan.errors)
        adopt_moved(catalog, scan, open_with)
        catalog.keep_files(str(found.path) for found in scan.files)
        embedded, unchanged = fill(catalog, scan, encoder, progress or (lambda _: None), open_with)
        errors = catalog.errors()
        if not catalog.count():
            first = errors[0].error if errors else "all of it is silent"
            raise InputError(out, f"no sound could be read ({first})", "give a source with audio that can be read")
        manifest = publish(out, catalog, encoder.spec, entries)
        return BuildReport(manifest, embedded, unchanged, errors, catalog.notes(), mended)


@contextmanager
def told(out: Path) -> Iterator[None]:
    """Turn a full disk, a read-only one, or a catalogue that breaks under way into one line.

    Raises:
        LibraryError: What it is turned into.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise LibraryError(out, f"can't be written ({error})", _GO_ON) from error
        step = "run the same build again: it mends it"
        raise LibraryError(out, f"its catalogue is damaged ({error})", step) from error
    except OSError as error:
        raise LibraryError(out, f"can't be written ({error.strerror})", _GO_ON) from error


def name_sources(paths: Iterable[Path]) -> tuple[SourceEntry, ...]:
    """Give each source a name of its own: that of its folder or file, with a number where it is taken.

    Raises:
        InputError: A source does not exist, or its name is not text.
    """
    entries: list[SourceEntry] = []
    taken: set[str] = set()
    for path in dict.fromkeys(Path(path).expanduser().absolute() for path in paths):
        if not path.exists():
            raise InputError(path, "no such file or folder", "check the name")
        try:
            str(path).encode("utf-8")
        except UnicodeEncodeError:
            raise InputError(ascii(str(path)), "is not a UTF-8 name", "rename it") from None
        plain = (path.name if path.is_dir() else path.stem) or "root"
        name = plain
        number = 1
        while name in taken:
            number += 1
            name = f"{plain}-{number}"
        taken.add(name)
        entries.append(SourceEntry(name, str(path), "folder" if path.is_dir() else "file"))
    if not entries:
        raise InputError("no source", "at least one is needed", "name a folder with audio files, or a .sf2 file")
    return tuple(entries)


def scan_entries(entries: Sequence[SourceEntry], exclude: Sequence[str] = (), *, may_be_empty: bool = False) -> Scan:
    """Find the files of all sources but those in excluded folders.

    Raises:
        InputError: A source holds nothing that could be a sound.
    """
    visited: set[str] = set()
    scans = []
    for entry in entries:
        scan = scan_source(Path(entry.path), entry.name, visited, exclude)
        if not scan.files and not scan.errors and not may_be_empty:
            raise InputError(
                entry.path,
                "holds no audio file, SoundFont, SFZ, patch or preset with a preview",
                "name a folder with WAV, FLAC, MP3, SF2, SFZ or XIZ files"
                + (f", or exclude less than {', '.join(exclude)}" if exclude else ""),
            )
        scans.append(scan)
    return Scan(tuple(f for s in scans for f in s.files), tuple(e for s in scans for e in s.errors))


@one_core()
def fill(
    catalog: Catalog, scan: Scan, encoder: SingleEncoder, progress: Progress, open_with: OpenFile
) -> tuple[int, int]:
    """Embed what is new or changed, on one core; returns the sounds embedded, and the files that were taken over."""
    embedded = unchanged = 0

    def tell(number: int, name: str, part: float = 0.0) -> None:
        file = scan.files[number].name if number < len(scan.files) else ""
        progress(BuildProgress(number, len(scan.files), catalog.count(), name, part, catalog.count_errors(), file))

    for number, found in enumerate(scan.files):
        path = str(found.path)
        try:
            record = _up_to_date(catalog, found)
        except OSError as error:
            catalog.add_error(path, path, f"{path}: can't be read ({error.strerror}); check its permissions")
            continue
        if record.done:
            tell(number, found.name)
            unchanged += 1
            continue

        def step(part: float, name: str, number: int = number) -> None:
            tell(number, name, part)

        count, complete = fill_file(catalog, path, open_with(found), encoder, step)
        embedded += count
        if complete:  # a file with errors is tried again by the next build
            catalog.put_file(replace(record, done=True), keep_sounds=True)
    tell(len(scan.files), "")
    return embedded, unchanged


def _up_to_date(catalog: Catalog, found: FoundFile) -> FileRecord:
    """Return the record of a file as it is now; `done` where nothing has to be embedded."""
    path = str(found.path)
    stats = [Path(name).stat() for name in (path, *found.parts) if name == path or Path(name).exists()]
    now = (found.name, sum(s.st_size for s in stats), max(s.st_mtime_ns for s in stats))
    known = catalog.file(path)
    if known is not None and known.done and (known.name, known.size, known.mtime_ns) == now:
        return known
    with found.path.open("rb") as file:
        digest = file_digest(file, "sha256")
    digest.update(repr([(s.st_size, s.st_mtime_ns) for s in stats[1:]]).encode() if stats[1:] else b"")
    same = known is not None and (known.name, known.sha256) == (found.name, digest.hexdigest())
    done = known is not None and same and known.done
    record = FileRecord(path, found.name, now[1], now[2], digest.hexdigest(), done)
    catalog.put_file(record, keep_sounds=same)
    return record

"""Know files that were moved or renamed by their content, so that they need not be embedded again."""

from __future__ import annotations

from collections import defaultdict
from hashlib import file_digest

from library.catalog import Catalog, FileRecord
from library.errors import TimbrelError
from library.sources import FoundFile, OpenFile, Scan

__all__ = ["adopt_moved"]

_BY_CONTENT = ("audio", "soundfont")
"""Kinds whose sounds depend on nothing but the file itself."""


def adopt_moved(catalog: Catalog, scan: Scan, open_with: OpenFile) -> int:
    """Give new files the vectors of those that are gone and had the same content; returns how many.

    Call it before the catalogue forgets the files that are gone. Only new files of a size that is missing are read.
    """
    here = {str(found.path) for found in scan.files}
    known = catalog.files()
    gone: defaultdict[int, list[FileRecord]] = defaultdict(list)
    for record in known.values():
        if record.done and record.path not in here:
            gone[record.size].append(record)
    adopted = 0
    for found in scan.files if gone else ():
        if str(found.path) in known or found.kind not in _BY_CONTENT:
            continue
        try:
            adopted += _adopt(catalog, found, gone, open_with)
        except (OSError, TimbrelError):  # the build itself tells what is wrong with the file
            continue
    return adopted


def _adopt(catalog: Catalog, found: FoundFile, gone: defaultdict[int, list[FileRecord]], open_with: OpenFile) -> bool:
    status = found.path.stat()
    if status.st_size not in gone:
        return False
    with found.path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    old = next((record for record in gone[status.st_size] if record.sha256 == digest), None)
    if old is None:
        return False
    path = str(found.path)
    with open_with(found) as reader:
        for sound in reader.sounds():
            vectors = catalog.drafted_vectors(old.name + sound.id.removeprefix(found.name))
            if vectors is not None:
                catalog.add_sound(sound, path, vectors)
    catalog.put_file(
        FileRecord(path, found.name, status.st_size, status.st_mtime_ns, digest, done=True), keep_sounds=True
    )
    return True

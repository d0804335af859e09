"""Check that the files of a library are what its manifest says, and that those in use stay so."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from library.errors import LibraryError
from library.manifest import CATALOG_NAME, Manifest, file_entry, rebuild_command

__all__ = ["READ_WHOLE_BYTES", "MappedFiles", "check_content", "check_files"]

READ_WHOLE_BYTES = 16 << 20
"""Files up to this size (libraries of some 20,000 sounds) are hashed as they are opened, and read into memory: whatever
happens to them later is no matter. Larger ones are mapped; only `timbrel library verify` hashes them."""

_PREVIEWS = "previews/"


def check_files(lib_dir: Path, manifest: Manifest) -> None:
    """Check that each file is there and has the size that the manifest says, and the content of those that are small.

    Raises:
        LibraryError: A file is missing, shorter or longer than it should be, or damaged.
    """
    if not (lib_dir / CATALOG_NAME).is_file():
        raise _wrong(lib_dir, manifest, CATALOG_NAME, "is missing from the library")
    for name, entry in manifest.files.items():
        path = lib_dir / name
        if not path.is_file():
            raise _wrong(lib_dir, manifest, name, "is missing from the library")
        size = path.stat().st_size
        if size != entry.bytes:
            raise _wrong(lib_dir, manifest, name, f"has {size} bytes, the manifest says {entry.bytes}")
        if size <= READ_WHOLE_BYTES and not name.startswith(_PREVIEWS):
            check_content(lib_dir, manifest, name)


def check_content(lib_dir: Path, manifest: Manifest, name: str) -> None:
    """Check the hash of one file; a file that did not change since the last time is not read again.

    Raises:
        LibraryError: It is not what the manifest says.
    """
    status = (lib_dir / name).stat()
    if _sha256(lib_dir / name, status.st_ino, status.st_mtime_ns, status.st_size) != manifest.files[name].sha256:
        raise _wrong(lib_dir, manifest, name, "its content is not what the manifest says")


class MappedFiles:
    """Notice files that were cut short while they are mapped: to touch what they lack would kill the process.

    Args:
        lib_dir: Folder of the library.
        manifest: Its manifest.
        names: The files.
    """

    def __init__(self, lib_dir: Path, manifest: Manifest, names: Iterable[str]) -> None:
        self._files = [(lib_dir / name, (lib_dir / name).stat().st_ino, manifest.files[name].bytes) for name in names]

    def check(self) -> None:
        """Look at each file again; one that was deleted or replaced stays whole for those who have it mapped.

        Raises:
            LibraryError: A file is shorter than it was.
        """
        for path, inode, size in self._files:
            try:
                status = path.stat()
            except OSError:
                continue
            if status.st_ino == inode and status.st_size < size:
                rule = f"was cut to {status.st_size} bytes while it was in use, it had {size}"
                raise LibraryError(path, rule, "build the library again")


@lru_cache(maxsize=64)
def _sha256(path: Path, inode: int, mtime_ns: int, size: int) -> str:  # noqa: ARG001 they make the key
    return file_entry(path).sha256


def _wrong(lib_dir: Path, manifest: Manifest, name: str, rule: str) -> LibraryError:
    return LibraryError(lib_dir / name, rule, f"run `{rebuild_command(lib_dir, manifest)}`")

"""Let one build at a time write a library."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from library.errors import LibraryError

__all__ = ["LOCK_NAME", "build_lock"]

LOCK_NAME = "build.lock"


@contextmanager
def build_lock(lib_dir: Path) -> Iterator[Callable[[], bool]]:
    """Hold the lock of a library; the system frees it when the process ends, however it ends.

    Yields:
        What tells whether the lock is still that of the library: one that was deleted and built anew has another.

    Raises:
        LibraryError: Another process builds this library, or its folder can't be written.
    """
    path = lib_dir / LOCK_NAME
    try:
        opened = path.open("a+", encoding="ascii")
    except OSError as error:
        raise LibraryError(lib_dir, f"can't be written ({error.strerror})", "choose a folder of your own") from error
    with opened as file:
        try:
            _lock(file.fileno())
        except OSError as error:
            file.seek(0)
            owner = file.read(32).strip() or "unknown"
            raise LibraryError(
                lib_dir,
                f"is being built or watched by another process ({owner})",
                "wait until it is done, or stop that process",
            ) from error
        with suppress(OSError):  # a full disk: the lock holds without saying whose it is
            file.truncate(0)
            os.write(file.fileno(), str(os.getpid()).encode())
        # The file stays: removing it would let two builds hold locks on two files of the same name.
        yield lambda: os.fstat(file.fileno()).st_nlink > 0


if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int) -> None:
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

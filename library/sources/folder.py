"""Find the files in a folder that can hold sounds."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from library.catalog import FileError
from library.exclude import is_excluded
from library.sources.audiofile import KIND as AUDIO_FILE
from library.sources.base import FoundFile, Scan
from library.sources.registry import KINDS, identify

__all__ = ["scan_source"]

_SUFFIXES = frozenset(suffix for kind in KINDS for suffix in kind.suffixes)


def scan_source(path: Path, name: str, visited: set[str], exclude: Sequence[str] = ()) -> Scan:
    """Find the files of a source that can hold sounds.

    Args:
        path: A folder, or one file.
        name: Name of the source.
        visited: Real paths seen already, here and in earlier sources; each is taken once, whatever links to it.
        exclude: Folders to leave out; see library.exclude.
    """
    if path.is_file():
        return _Walk(path.parent, name, visited, ()).files([path], whole_source=True)
    return _Walk(path, name, visited, exclude).folder(path)


class _Walk:
    """Walk a folder: what really lies in it first, then links, so that files go by their real names."""

    def __init__(self, root: Path, source: str, visited: set[str], exclude: Sequence[str]) -> None:
        self._root = root
        self._source = source
        self._visited = visited
        self._exclude = exclude
        self._found: list[FoundFile] = []
        self._errors: list[FileError] = []

    def folder(self, top: Path) -> Scan:
        pending = [top]
        while pending:
            links: list[Path] = []
            for folder in pending:
                for path in self._real_files(folder, links):
                    self._take(path)
            pending = []
            for link in sorted(links):
                if link.is_dir():
                    pending += [] if self._is_left_out(link) else [link]
                elif link.is_file():
                    self._take(link)
                elif link.suffix.lower() in _SUFFIXES:
                    what = "something that is no file" if link.exists() else "nothing"
                    self._failed(link, f"is a link to {what}; mend or remove it")
        return self._scan()

    def files(self, paths: list[Path], *, whole_source: bool) -> Scan:
        for path in paths:
            self._take(path, name=self._source if whole_source else None)
        return self._scan()

    def _scan(self) -> Scan:
        """Return what was found but the audio files that are parts of another file."""
        parts = {part for found in self._found for part in found.parts}
        files = (f for f in self._found if f.kind != AUDIO_FILE.name or os.path.realpath(f.path) not in parts)
        return Scan(tuple(files), tuple(self._errors))

    def _real_files(self, top: Path, links: list[Path]) -> Iterator[Path]:
        """Yield the files below a folder, sorted; links are put aside."""

        def failed(error: OSError) -> None:
            self._failed(Path(str(error.filename)), f"can't be listed ({error.strerror}); check its permissions")

        for parent, folders, files in os.walk(top, onerror=failed):
            real = os.path.realpath(parent)
            if real in self._visited:
                folders.clear()
                continue
            self._visited.add(real)
            links += [Path(parent, name) for name in (*folders, *files) if Path(parent, name).is_symlink()]
            here = (name for name in sorted(folders) if not Path(parent, name).is_symlink())
            folders[:] = [name for name in here if not self._is_left_out(Path(parent, name))]
            for name in sorted(files):
                if not Path(parent, name).is_symlink():
                    yield Path(parent, name)

    def _is_left_out(self, folder: Path) -> bool:
        return bool(self._exclude) and is_excluded(folder.relative_to(self._root).as_posix(), self._exclude)

    def _take(self, path: Path, name: str | None = None) -> None:
        if path.name.startswith("._"):  # what macOS leaves beside each file on foreign disks
            return
        if not path.is_file():  # to open a socket or pipe would block
            if path.suffix.lower() in _SUFFIXES:
                self._failed(path, "is a pipe, socket or device; remove it")
            return
        try:
            kind = identify(path)
        except OSError as error:
            self._failed(path, f"can't be read ({error.strerror}); check its permissions")
            return
        if kind is None:
            return
        if _text(path) != str(path):
            self._failed(path, "its name is not UTF-8; rename it")
            return
        real = os.path.realpath(path)
        if real in self._visited:
            return
        self._visited.add(real)
        inside = name or f"{self._source}/{path.relative_to(self._root).as_posix()}"
        self._found.append(FoundFile(path, inside, self._source, kind.name, kind.parts(path)))

    def _failed(self, path: Path, reason: str) -> None:
        self._errors.append(FileError(_text(path), f"{_text(path)}: {reason}"))


def _text(path: Path) -> str:
    """Return a path as text that can be stored and printed, whatever bytes its name holds."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")

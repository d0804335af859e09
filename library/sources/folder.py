"""Find the audio files and soundfonts in a folder, and read audio files as sounds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from library.audio import read_audio
from library.catalog import FileError
from library.errors import AudioFileError
from library.sounds import Sound
from library.sources.base import FoundFile, Scan, clips_of
from library.sources.families import guess

__all__ = ["AudioFileReader", "scan_source"]

_AUDIO_SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in (
        "wav",
        "wave",
        "aif",
        "aiff",
        "aifc",
        "flac",
        "ogg",
        "oga",
        "opus",
        "mp3",
        "caf",
        "au",
        "w64",
        "rf64",
    )
)
_SOUNDFONT_SUFFIXES = frozenset({".sf2", ".sf3"})
_HEAD_BYTES = 12


class AudioFileReader:
    """Read one audio file as one sound, named after it."""

    def __init__(self, found: FoundFile) -> None:
        self._found = found

    def __enter__(self) -> AudioFileReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        return None

    def sounds(self) -> tuple[Sound, ...]:
        """Return the file as a sound; its family is guessed from its name, else from its folder's."""
        found = self._found
        family = guess(found.path.stem).family or guess(found.path.parent.name).family
        path = str(found.path)
        return (Sound(found.name, found.path.stem, "sample", path, None, family, found.source, ""),)

    def clips(self, sound: Sound) -> tuple[NDArray[np.float32], ...]:  # noqa: ARG002 the file is the sound
        """Decode the file; see `clips_of`."""
        clips = clips_of(read_audio(self._found.path))
        if not clips:
            raise AudioFileError(self._found.path, "is silent", "remove it from the folder, or record it again")
        return clips


def scan_source(path: Path, name: str, visited: set[str]) -> Scan:
    """Find the files of a source that can hold sounds.

    Args:
        path: A folder, or one audio file or soundfont.
        name: Name of the source.
        visited: Real paths seen already, here and in earlier sources; each is taken once, whatever links to it.
    """
    if path.is_file():
        return _Walk(path.parent, name, visited).files([path], whole_source=True)
    return _Walk(path, name, visited).folder(path)


class _Walk:
    """Walk a folder: what really lies in it first, then links, so that files go by their real names."""

    def __init__(self, root: Path, source: str, visited: set[str]) -> None:
        self._root = root
        self._source = source
        self._visited = visited
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
                    pending.append(link)
                elif link.is_file():
                    self._take(link)
                elif link.suffix.lower() in _AUDIO_SUFFIXES | _SOUNDFONT_SUFFIXES:
                    self._failed(link, "is a link to nothing; mend or remove it")
        return Scan(tuple(self._found), tuple(self._errors))

    def files(self, paths: list[Path], *, whole_source: bool) -> Scan:
        for path in paths:
            self._take(path, name=self._source if whole_source else None)
        return Scan(tuple(self._found), tuple(self._errors))

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
            folders[:] = sorted(name for name in folders if not Path(parent, name).is_symlink())
            for name in sorted(files):
                if not Path(parent, name).is_symlink():
                    yield Path(parent, name)

    def _take(self, path: Path, name: str | None = None) -> None:
        if path.name.startswith("._"):  # what macOS leaves beside each file on foreign disks
            return
        try:
            kind = _kind(path)
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
        self._found.append(FoundFile(path, inside, self._source, kind))

    def _failed(self, path: Path, reason: str) -> None:
        self._errors.append(FileError(_text(path), f"{_text(path)}: {reason}"))


def _kind(path: Path) -> Literal["audio", "soundfont"] | None:
    """Tell by content what a file is; by suffix only where the content says nothing, so that damage is reported."""
    if not path.is_file():  # a socket or pipe would block
        return None
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    form = head[8:12]
    if head[:4] == b"RIFF" and form == b"sfbk":
        return "soundfont"
    riff = head[:4] in (b"RIFF", b"RF64", b"RIFX") and form == b"WAVE"
    aiff = head[:4] == b"FORM" and form in (b"AIFF", b"AIFC")
    if riff or aiff or head[:4] in (b"fLaC", b"OggS", b"caff") or head[:3] == b"ID3":
        return "audio"
    if path.suffix.lower() in _SOUNDFONT_SUFFIXES:
        return "soundfont"
    return "audio" if path.suffix.lower() in _AUDIO_SUFFIXES else None


def _text(path: Path) -> str:
    """Return a path as text that can be stored and printed, whatever bytes its name holds."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")

"""Look sounds up by their position in a generation without loading those that nobody asks for."""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from library.errors import LibraryError
from library.integrity import READ_WHOLE_BYTES
from library.sounds import MidiProgram, Sound

__all__ = ["SoundTable", "read_table", "sound_line", "write_table"]

SPAN = np.dtype([("end", "<i8"), ("first_row", "<i8"), ("row_count", "<i8")])
"""One entry a sound beside the lines: where its line ends, where its vectors begin, how many it has."""


_TEXTS = (0, 1, 2, 3, 8, 9, 10, 11)
_NUMBERS = (4, 5, 6, 7)
_COLUMNS = 14
"""Columns of a line: those of library.catalog_reader.SOUND_COLUMNS, then the first row and the number of rows."""

_AGAIN = "run `timbrel library build` again"

MOST_KEPT = 4096
"""Sounds that are kept once they were asked for: look-ups of a song come back to the same ones."""


class SoundTable(Sequence[Sound]):
    """Hold the sounds of a generation as JSON lines; one is parsed when it is asked for.

    A million Sounds take seconds to make and most of a gigabyte; a query needs a few dozen of them.

    Args:
        lines: All lines, one a sound in the order of the vectors.
        spans: [S] of SPAN.
    """

    def __init__(self, lines: bytes | mmap.mmap, spans: NDArray[np.void]) -> None:
        self._lines = lines
        self._ends = spans["end"]
        self._rows = _Rows(lines, self._ends)
        self.first_row: NDArray[np.int64] = np.ascontiguousarray(spans["first_row"])
        self.row_count: NDArray[np.int64] = np.ascontiguousarray(spans["row_count"])
        # It must not hold the table itself: each generation of a library would be left to the garbage collector.
        self._sound = lru_cache(maxsize=MOST_KEPT)(self._rows.sound)

    @classmethod
    def of_lines(cls, lines: Iterable[bytes]) -> SoundTable:
        """Hold lines in memory."""
        whole = list(lines)
        spans = np.zeros(len(whole), SPAN)
        end = 0
        for position, line in enumerate(whole):
            end += len(line)
            spans[position] = (end, *json.loads(line)[-2:])
        return cls(b"".join(whole), spans)

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, position: int) -> Sound: ...
    @overload
    def __getitem__(self, position: slice) -> tuple[Sound, ...]: ...
    def __getitem__(self, position: int | slice) -> Sound | tuple[Sound, ...]:
        if isinstance(position, slice):
            return tuple(self[i] for i in range(*position.indices(len(self))))
        return self._sound(position)

    def __iter__(self) -> Iterator[Sound]:
        return (self._rows.sound(position) for position in range(len(self)))

    def preview(self, position: int) -> str:
        """Return the name of a sound's preview inside the library, or ""."""
        return str(self._rows.row(position)[11])

    def find(self, sound_id: str) -> int | None:
        """Return the position of a sound by its id."""
        head = f"[{json.dumps(sound_id)}, ".encode()
        place = 0 if self._lines[: len(head)] == head else self._lines.find(b"\n" + head) + 1
        if place == 0 and self._lines[: len(head)] != head:
            return None
        return int(np.searchsorted(self._ends, place, side="right"))


class _Rows:
    """Parse single lines."""

    def __init__(self, lines: bytes | mmap.mmap, ends: NDArray[np.int64]) -> None:
        self._lines, self._ends = lines, ends

    def sound(self, position: int) -> Sound:
        """Return the sound of a line."""
        row = self.row(position)
        program = None if row[7] is None else MidiProgram(*row[4:8])
        return Sound(row[0], row[1], row[2], row[3], program, row[8], row[9], row[10])

    def row(self, position: int) -> list[Any]:  # Any: what a column holds
        """Return the columns of a line.

        Raises:
            LibraryError: They are not what a library holds.
        """
        position = range(len(self._ends))[position]
        start = int(self._ends[position - 1]) if position else 0
        line = self._lines[start : int(self._ends[position])]
        try:
            row: list[Any] = json.loads(line)
            _check(row)
        except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
            shown = line[:60].decode("utf-8", "replace").strip()
            raise LibraryError(f"sound {position}", f"is not what a library holds ({shown})", _AGAIN) from error
        return row


def _check(row: list[Any]) -> None:  # Any: what JSON can hold
    """Check the types of a sound's columns: a library may come from anyone.

    Raises:
        ValueError, TypeError, IndexError: They are others.
    """
    "".join(row[column] for column in _TEXTS).encode()  # text, without halves of characters
    if type(row) is not list or len(row) != _COLUMNS:
        raise ValueError(row)
    if any(row[column] is not None and type(row[column]) is not int for column in _NUMBERS):
        raise ValueError(row)


def sound_line(row: Sequence[str | int | None]) -> bytes:
    """Write one sound, its first row and its number of rows as a line."""
    return json.dumps(row, ensure_ascii=True).encode() + b"\n"


def write_table(lines_path: Path, spans_path: Path, lines: Iterable[bytes]) -> None:
    """Write lines as they come, then where each ends."""
    spans: list[tuple[int, int, int]] = []
    end = 0
    with lines_path.open("wb") as file:
        for line in lines:
            end += file.write(line)
            *_, first, count = line[:-2].rsplit(b", ", 2)
            spans.append((end, int(first), int(count)))
    np.array(spans, SPAN).tofile(spans_path)


def read_table(lines_path: Path, spans_path: Path) -> SoundTable:
    """Open a table, without reading a large one; files of the right size are expected.

    Raises:
        LibraryError: The two files don't fit each other.
    """
    spans = np.fromfile(spans_path, SPAN)
    ends = spans["end"]
    size = lines_path.stat().st_size
    if (int(ends[-1]) if len(ends) else 0) != size or (np.diff(ends, prepend=0) <= 0).any():
        raise LibraryError(spans_path, f"does not fit {lines_path.name}", _AGAIN)
    if size <= READ_WHOLE_BYTES:
        return SoundTable(lines_path.read_bytes(), spans)
    with lines_path.open("rb") as file:
        return SoundTable(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), spans)

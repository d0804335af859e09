"""Walk the chunks of RIFF files, and read the loop of a WAV file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

__all__ = ["riff_chunks", "sample_loop"]

MOST_CHUNKS = 1_000
_SMPL_BYTES = 60


def riff_chunks(path: Path, form: bytes, most_bytes: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and data of each chunk, data cut after most_bytes; none where the file is not of this form.

    Raises:
        OSError: The file can't be read.
    """
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != form:
            return
        for _ in range(MOST_CHUNKS):
            name = file.read(8)
            if len(name) < 8:
                return
            length = int.from_bytes(name[4:], "little")
            after = file.tell() + length + length % 2
            yield name[:4], file.read(min(length, most_bytes))
            file.seek(after)


def sample_loop(path: Path) -> tuple[int, int] | None:
    """Return the first loop of a WAV file: its first frame and the frame after its last.

    Raises:
        OSError: The file can't be read.
    """
    for name, data in riff_chunks(path, b"WAVE", _SMPL_BYTES):
        if name == b"smpl" and len(data) == _SMPL_BYTES and int.from_bytes(data[28:32], "little"):
            return int.from_bytes(data[44:48], "little"), int.from_bytes(data[48:52], "little") + 1
    return None

"""Go through the files that a user named: what can't be read is reported, the others are done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from bridge.cli.console import complain
from library.errors import AudioFileError

__all__ = ["for_each_file"]


def for_each_file(files: Sequence[Path], work: Callable[[Path], None]) -> int:
    """Do the work on each file; report the files that can't be read, in their order.

    Returns:
        The exit code: 0, or 1 when some of many files failed.

    Raises:
        AudioFileError: The only file can't be read.
    """
    code = 0
    for path in files:
        try:
            work(path)
        except AudioFileError as error:
            if len(files) == 1:
                raise
            complain(error)
            code = 1
    return code

"""Write files into a folder that the user names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from bridge.cli.console import say
from library.errors import InputError

__all__ = ["write_folder"]


def write_folder(out: Path, files: Mapping[str, bytes]) -> None:
    """Write files by their paths below OUT, which is made if missing, and say where each lies.

    Raises:
        InputError: OUT is a file, or can't be written to.
    """
    try:
        for name, content in files.items():
            path = out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            say(str(path))
    except (FileExistsError, NotADirectoryError):
        raise InputError(out, "is a file or lies in one", "name a folder to write to") from None
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise InputError(out, f"can't be written to ({reason})", "name a folder that you may write to") from error

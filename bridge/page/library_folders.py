"""Decide which folders a page may add to the library: those below the folders that the config names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from bridge.commands import Refusal

__all__ = ["FOLDERS_KEY", "allowed_folder", "real_folders"]

FOLDERS_KEY = "[library] page_folders"
"""Key of the config file that names them."""

_MOST_SHOWN = 200


def real_folders(folders: Sequence[str]) -> tuple[Path, ...]:
    """Return the folders of the config without "~" and links."""
    return tuple(_real(folder) for folder in folders)


def allowed_folder(asked: str, folders: Sequence[str]) -> Path:
    """Return a folder or file that may be added, without "~" and links.

    Whether something outside exists is not told: what is refused is refused by its name alone.

    Args:
        asked: What was typed.
        folders: Folders of the config.

    Raises:
        Refusal: 403, it is outside of them, or there are none; 404, there is nothing of that name; 400, it is no path.
    """
    text = asked.strip()
    if not folders:
        raise Refusal(403, f'the page may add no folder: allow some in the config file, {FOLDERS_KEY} = ["~/Samples"]')
    if any(sign < " " or "\ud800" <= sign <= "\udfff" for sign in text) or not Path(_home(text)).is_absolute():
        raise Refusal(400, f"{_short(text)} is no whole path: begin with / or ~")
    path = _real(text)
    if not any(path.is_relative_to(folder) for folder in real_folders(folders)):
        raise Refusal(403, f"{_short(text)} is outside of {', '.join(folders)}: see {FOLDERS_KEY} in the config file")
    if not path.exists():
        raise Refusal(404, f"{_short(text)}: no such file or folder")
    return path


def _real(folder: str) -> Path:
    return Path(os.path.realpath(_home(folder)))


def _home(folder: str) -> str:
    return os.path.expanduser(folder)  # noqa: PTH111 - a home that is not known stays as it is, Path raises


def _short(text: str) -> str:
    return repr(text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}...")

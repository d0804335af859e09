"""Say which folders of a source are left out, by patterns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from library.errors import InputError

__all__ = ["check_pattern", "is_excluded"]

_ANY = "**"
_PLAIN = re.compile(r"[*?]*")


def check_pattern(pattern: str) -> str:
    """Return a pattern that can be used.

    Raises:
        InputError: It is no folder name and no path of names inside a source.
    """
    parts = _parts(pattern)
    if pattern.startswith(("/", "~")) or "\\" in pattern or re.match(r"[A-Za-z]:", pattern):
        raise InputError(pattern, "must be relative to a source, with / between names", "leave the beginning out")
    if not pattern.strip("/") or not all(parts) or {".", ".."} & set(parts):
        raise InputError(repr(pattern), "must be names with one / between them", 'write it like "**/Loops/old"')
    if any(_ANY in part and part != _ANY for part in parts):
        raise InputError(pattern, "** must stand alone between two /", "use * inside a name")
    if all(_PLAIN.fullmatch(part) for part in parts):
        raise InputError(pattern, "would leave out every folder", "name at least one")
    return pattern


def is_excluded(folder: str, patterns: Iterable[str]) -> bool:
    """Say whether a folder is left out, and with it all that lies in it.

    Args:
        folder: Its path inside the source, with /; "" = the source itself, which is never left out.
        patterns: A name without / is that of a folder at any depth. Else a path from the source on, in which ** stands
            for any number of folders. In names *, ? and [abc] mean what they do in a shell; case counts.
    """
    names = folder.split("/") if folder else []
    return any(_fits(names, _parts(pattern)) for pattern in patterns)


def _parts(pattern: str) -> list[str]:
    parts = pattern.removesuffix("/").split("/")
    parts = [_ANY, *parts] if len(parts) == 1 else parts
    parts = [part for at, part in enumerate(parts) if part != _ANY or parts[at - 1 : at] != [_ANY]]
    return parts[:-1] if parts[-1] == _ANY else parts  # what lies in a folder goes with it


def _fits(names: list[str], parts: list[str]) -> bool:
    if not parts:
        return not names
    if parts[0] == _ANY:
        return any(_fits(names[skipped:], parts[1:]) for skipped in range(len(names) + 1))
    return bool(names) and fnmatchcase(names[0], parts[0]) and _fits(names[1:], parts[1:])

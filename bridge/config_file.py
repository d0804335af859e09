"""Write settings into a config file, and leave the rest of it as it is."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bridge.config import Config, load_config
from bridge.config_text import read_config
from library.errors import ConfigError

__all__ = ["write_settings"]


def write_settings(path: Path, settings: Mapping[str, object]) -> list[str]:
    """Write those settings that differ from what a config file says; comments, order and other keys stay.

    The new file is complete, and read back as it was meant, before it takes the place of the old one.

    Args:
        path: The file; made where there is none.
        settings: By dotted name; None = without a value of its own.

    Returns:
        The names of those that were written, in the order of `settings`.

    Raises:
        ConfigError: The file can't be read, holds what is no setting, or can't be written.
    """
    try:
        path = path.resolve()  # a link stays one
    except (OSError, RuntimeError):
        raise ConfigError(path, "is a link in a circle", "make it a file") from None
    is_there = path.exists()
    old, text = (load_config(path), _readable(path)) if is_there else (Config(), "")
    wanted = old.model_dump()
    changed = {name: value for name, value in settings.items() if _exchange(wanted, name, value) != value}
    if not changed:
        return []
    if is_there and not os.access(path, os.W_OK):
        raise ConfigError(path, "may not be written to", "change its permissions, or set it by hand")
    try:
        _replace(path, _edited(path, text, changed), wanted)
    except (FileExistsError, NotADirectoryError):
        raise ConfigError(path, "lies in what is no folder", "name another file with --config") from None
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise ConfigError(path, f"can't be written ({reason})", "make room for it, or set it by hand") from error
    return list(changed)


def _readable(path: Path) -> str:
    try:
        return read_config(path)
    except (OSError, ValueError) as error:  # it could be read a moment ago
        raise ConfigError(path, f"can't be read ({error})", "try again") from error


def _exchange(values: dict[str, Any], name: str, value: object) -> object:
    """Set one value by its dotted name; return the one before."""
    *sections, key = name.split(".")
    for section in sections:
        values = values[section]
    before: object = values[key]
    values[key] = value
    return before


def _edited(path: Path, text: str, changed: Mapping[str, object]) -> str:
    """Return the text of a config file with other values."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
        for name, value in changed.items():
            *sections, key = name.split(".")
            place: Any = document  # Any: tomlkit's containers are of several kinds that share no type
            for section in sections:
                if section not in place:
                    place[section] = tomlkit.table()
                place = place[section]
            if value is None:
                del place[key]
            else:
                place[key] = list(value) if isinstance(value, tuple) else value
        return tomlkit.dumps(document)
    except (TOMLKitError, RecursionError) as error:
        raise _not_by_us(path) from error


def _replace(path: Path, text: str, wanted: Mapping[str, object]) -> None:
    """Put a file in the place of the old one, if it is there says what is wanted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".timbrel-", suffix=".toml", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, name)
        if _read_back(Path(name)) != wanted:
            raise _not_by_us(path)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def _read_back(path: Path) -> dict[str, Any] | None:
    try:
        return load_config(path).model_dump()
    except ConfigError:
        return None


def _not_by_us(path: Path) -> ConfigError:
    return ConfigError(path, "is written in a way that can't be changed without losing something", "set it by hand")

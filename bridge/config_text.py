"""Read the text of a config file, and no more than one can be."""

from __future__ import annotations

import re
from pathlib import Path

from library.errors import ConfigError

__all__ = ["nested", "read_config"]

_MAX_BYTES = 256 << 10
"""Longest config file: a thousand excluded folders are a fifth of it."""

_CHAIN = re.compile(r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){32}""")
"""A key of that many parts: tomllib takes half a minute for one of 32,000, and all the memory for two."""


def read_config(path: Path) -> str:
    """Return the text of a config file, and read no more than one can be long.

    Raises:
        ConfigError: It is no file, or too long, or would not be parsed in time.
    """
    if path.exists() and not path.is_file():  # a pipe would never end
        raise ConfigError(path, "is no file", "name a config file")
    with path.open("rb") as file:
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise ConfigError(path, f"is longer than {_MAX_BYTES >> 10} KiB", "name a config file of Timbrel")
    text = data.decode("utf-8")
    if _CHAIN.search(text):
        raise nested(path)
    return text


def nested(path: Path) -> ConfigError:
    """Make the error of a file in which tables lie in tables without end."""
    return ConfigError(path, "is nested too deep", "name a config file of Timbrel")

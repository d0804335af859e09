"""Check names that come from the network before anything is opened under them."""

from __future__ import annotations

import re

from bridge.commands import Refusal

__all__ = ["check_bus_name"]

MAX_NAME = 128

MAX_REPEATS = 4
"""Most repeats in a pattern from the network: each multiplies the time to match by the length of a port's name."""

_NESTED_REPEAT = re.compile(r"\)\s*[*+{]")
_LOOKS_LIKE_PATH = re.compile(r"^([/\\~.]|[a-z]:[/\\])|\.(wav|aiff?|flac|ogg|opus|mp3|m4a|aac)$", re.IGNORECASE)


def check_bus_name(name: str) -> str:
    """Return the name of an input as it may be used, stripped.

    Nothing from the network is ever a file path: `file:` and names that look like files are refused. A pattern with a
    repeated group is refused as well, since matching one can take for ever.

    Raises:
        Refusal: 400, with what is wrong.
    """
    name = name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise Refusal(400, f"an input is a device name or jack:REGEX of 1 to {MAX_NAME} characters")
    kind, colon, pattern = name.partition(":")
    if kind.strip().lower() == "jack" and colon:
        if _NESTED_REPEAT.search(pattern) or sum(pattern.count(sign) for sign in "*+?{") > MAX_REPEATS:
            raise Refusal(400, f"a pattern with a repeated group or more than {MAX_REPEATS} repeats is not taken")
        try:
            re.compile(pattern)
        except re.error as error:
            raise Refusal(400, f"{pattern} is no regular expression: {error}") from None
        return name
    if kind.strip().lower() == "file" or _LOOKS_LIKE_PATH.search(name):
        raise Refusal(400, "a file can't be opened over the network; restart with --input file:PATH")
    return name

"""Keep native audio libraries from writing to the user's terminal while we only look."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quiet_native"]

_STDERR = 2


@contextmanager
def quiet_native() -> Iterator[None]:
    """Send what C code writes to standard error nowhere; ALSA alone prints twenty lines where there is no card."""
    sys.stderr.flush()
    saved = os.dup(_STDERR)
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123  # a device, not a path
            os.dup2(nowhere.fileno(), _STDERR)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(saved, _STDERR)
        os.close(saved)

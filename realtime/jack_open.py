"""Open JACK so that it is left whole for the programs after us, and so that one that does not answer is told.

Every JACK2 client first opens a metadata database in shared memory that all JACK programs of a user share, server or
not (common/JackMetadata.cpp). A process that ends amid that leaves it locked: every other client and jackd itself then
wait for ever, until the folder is deleted. Of a hundred processes that were killed within three milliseconds of the
beginning of their first opening, six did that; of a hundred that were ended as here, none.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from library.errors import CaptureError
from realtime.within import within

__all__ = ["ANSWER_S", "END_S", "end_process", "open_client", "opening"]

ANSWER_S = 5.0
"""Time that JACK may take to let us in: a hundredth of a second as a rule."""

END_S = 1.5
"""Time that a process may take to end in order: a client that is being opened is waited for."""

_WAIT_S = 1.0
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  where JACK2 keeps its metadata on Linux

_lock = threading.Lock()


@contextmanager
def opening() -> Iterator[None]:
    """Let this process not end before what is opened here is open; for PortAudio as well, which opens JACK too."""
    with _lock:
        yield


def end_process(code: int) -> NoReturn:
    """End at once, except that what is being opened is waited for, a second at most.

    PortAudio's and JACK's own ends hang for ever when the server is gone.
    """
    _lock.acquire(timeout=_WAIT_S)
    sys.stdout.flush()
    os._exit(code)


def open_client(
    name: str, server: str | None, meanwhile: Callable[[], None] = lambda: None, answer_s: float = ANSWER_S
) -> Any:
    """Open a JACK client; JACK-Client has no types.

    Args:
        name: Name of the client; JACK adds a number where it is taken.
        server: Name of the JACK server, None for JACK's own choice.
        meanwhile: Called some times a second while JACK is waited for.
        answer_s: Longest wait.

    Raises:
        jack.JackOpenError: No server runs.
        CaptureError: JACK does not answer.
    """
    import jack

    jack.set_error_function(lambda _message: None)
    jack.set_info_function(lambda _message: None)

    def work() -> Any:
        with opening():
            return jack.Client(name, no_start_server=True, servername=server)

    try:
        return within(answer_s, work, lambda client: client.close(), meanwhile)
    except TimeoutError as error:
        raise CaptureError("JACK", f"does not answer within {answer_s:g} s", _advice()) from error


def _advice() -> str:
    metadata = _SHARED_MEMORY / f"jack_db-{os.getuid()}" if hasattr(os, "getuid") else None
    if metadata is not None and metadata.exists():
        return f"end all JACK programs, delete {metadata} (a crash may have left it locked), start JACK again"
    return "start it again"

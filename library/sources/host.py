"""Read files for library.sources.apart: `python -m library.sources.host`, a process that a damaged file may crash."""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO

from library.sources.base import FoundFile, Reader
from library.sources.registry import open_file

__all__ = ["main", "serve"]


def main() -> None:
    """Answer requests from standard input on standard output until the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    with suppress(ImportError):  # Windows has no core dumps
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what native libraries print must not get among the answers
    serve(sys.stdin.buffer, answers, open_file)


def serve(requests: BinaryIO, answers: BinaryIO, open_with: Callable[[FoundFile], Reader]) -> None:
    """Answer each (file, method, arguments) with (True, result) or (False, exception); no file = drop the last."""
    reader: Reader | None = None
    at: FoundFile | None = None
    while True:
        try:
            found, method, arguments = pickle.load(requests)  # noqa: S301 from the parent
        except EOFError:
            return
        answer: tuple[bool, object]
        try:
            if found != at:
                if reader is not None:
                    reader.__exit__(None, None, None)
                reader = at = None
                if found is None:
                    continue
                reader, at = open_with(found).__enter__(), found
                if method != "sounds":  # a process before this one listed them, and died
                    reader.sounds()
            answer = True, getattr(reader, method)(*arguments)
        except Exception as error:  # noqa: BLE001 this is a main(): whatever went wrong, the parent has to be told
            answer = False, error
        try:
            pickle.dump(answer, answers)
            answers.flush()
        except BrokenPipeError:  # the parent has ended
            return


if __name__ == "__main__":
    main()

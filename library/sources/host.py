"""Read files for library.sources.apart: `python -m library.sources.host`, a process that a damaged file may crash."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO

from library.errors import InputError
from library.sources.base import FoundFile, Reader
from library.sources.frames import (
    BadFrameError,
    Clips,
    file_from,
    problem_of,
    read_frame,
    sound_from,
    sound_of,
    write_frame,
)
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
    """Answer each request for a method of the reader of a file with its result or problem; "drop" lets the last go."""
    reader: Reader | None = None
    at: FoundFile | None = None
    while True:
        try:
            request, _ = read_frame(requests)
        except EOFError:
            return
        method = request["method"]
        found = file_from(request["file"]) if method != "drop" else None
        answer: dict[str, object] = {"number": request.get("number")}
        clips: Clips = ()
        try:
            if found != at:
                if reader is not None:
                    reader.__exit__(None, None, None)
                reader = at = None
                if found is not None:
                    reader, at = open_with(found).__enter__(), found
                    if method != "sounds":  # a process before this one listed them, and died
                        reader.sounds()
            if reader is None:  # dropped
                continue
            if method == "sounds":
                answer["result"] = [sound_of(sound) for sound in reader.sounds()]
            elif method == "notes":
                answer["result"] = list(reader.notes())
            else:
                clips = reader.clips(sound_from(request["sound"]))
        except Exception as error:  # noqa: BLE001 this is a main(): whatever went wrong, the parent has to be told
            answer["problem"], clips = problem_of(error), ()
        if found is None:
            continue
        try:
            try:
                write_frame(answers, answer, clips)
            except BadFrameError as error:
                problem = problem_of(InputError(found.path, f"can't be read ({error})", "leave it out"))
                write_frame(answers, {"number": answer["number"], "problem": problem})
        except BrokenPipeError:  # the parent has ended
            return


if __name__ == "__main__":
    main()

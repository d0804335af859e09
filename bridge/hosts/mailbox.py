"""Hand requests to a script inside a host in files, where the host can call the script but tell it nothing."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Answer", "Mailbox", "mailbox_dir"]

POLL_S = 0.05
MAX_ANSWER_BYTES = 65_536
_REQUEST = "timbrel-request 1"
_ANSWER = "timbrel-answer 1"


def mailbox_dir(host: str) -> Path:
    r"""Return the folder of a host's files: `~/.local/state/timbrel/HOST`, or under `$XDG_STATE_HOME` where it is set.

    On macOS it is `~/Library/Application Support/timbrel/HOST`, on Windows `%LOCALAPPDATA%\timbrel\HOST`. It is not
    the folder of `bridge.state`, whose place a script can't work out where `$XDG_RUNTIME_DIR` is not set.
    """
    import platformdirs

    return Path(platformdirs.user_state_dir("timbrel", appauthor=False)) / host


@dataclass(frozen=True, slots=True)
class Answer:
    """Say what a script did.

    Attributes:
        ok: Whether it did what it was asked for.
        said: What it did, or why not, in one sentence.
        token: What undo needs; empty = nothing.
    """

    ok: bool
    said: str
    token: str = ""


class Mailbox:
    """Write requests, and read their answers: one at a time, later ones replace those that nobody took.

    Args:
        folder: Where the script looks; made with the first request.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Goes on from one daemon to the next, so that an old answer is never taken for a new one.
        self._numbers = itertools.count(time.time_ns() // 1_000_000)

    async def ask(
        self, fields: Sequence[str], call: Callable[[], None], taken_s: float, done_s: float
    ) -> Answer | None:
        """Leave a request, call the script, and return its answer; None when it does not come.

        Args:
            fields: Lines of the request.
            call: Makes the host run the script.
            taken_s: Longest wait in seconds until the script takes the request away.
            done_s: Longest wait in seconds for the answer after that.

        Raises:
            OSError: The folder can't be written to.
        """
        number = self._post(fields)
        call()
        loop = asyncio.get_running_loop()
        end = loop.time() + taken_s
        is_taken = False
        while (answer := self._read(number)) is None:
            await asyncio.sleep(POLL_S)
            if not is_taken and not self._request.exists():
                is_taken, end = True, loop.time() + done_s
            if loop.time() > end and (is_taken or self._withdraw()):
                return self._read(number)
        return answer

    @property
    def _request(self) -> Path:
        return self.folder / "request"

    def _post(self, fields: Sequence[str]) -> int:
        number = next(self._numbers)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.folder / "answer").unlink(missing_ok=True)
        temporary = self.folder / f"request.{os.getpid()}"
        temporary.unlink(missing_ok=True)
        text = "\n".join([_REQUEST, str(number), *fields, "end", ""])
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text.encode("utf-8", "surrogateescape"))
        temporary.replace(self._request)
        return number

    def _withdraw(self) -> bool:
        """Take a request back that nobody took, lest it is done when nobody wants it any more; False if just taken."""
        try:
            self._request.unlink()
        except FileNotFoundError:
            return False
        return True

    def _read(self, number: int) -> Answer | None:
        """Return the answer to a request; None where it is not there, or is to another one."""
        try:
            with (self.folder / "answer").open("rb") as file:
                text = file.read(MAX_ANSWER_BYTES).decode("utf-8", "replace")
        except OSError:
            return None
        wanted = [_ANSWER, str(number)]
        match text.split("\n"):
            case [kind, of, ("ok" | "failed") as result, said, token, "end", ""] if [kind, of] == wanted:
                return Answer(result == "ok", said, token)
        return None

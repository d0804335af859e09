"""Play previews of sounds on an output that the user named, without ever holding up who asks for it."""

from __future__ import annotations

import importlib.util
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from library.audio import audio_info, decoder
from library.errors import AudioFileError, CaptureError, MissingDependencyError, TimbrelError
from realtime.player_child import PlayerChild
from realtime.player_wire import Frame, Kind
from realtime.preview_level import shape_preview
from realtime.preview_output import parse_output

__all__ = ["Player", "PlayerEvent", "read_preview"]

ANSWER_S = 1.0
"""A child that has not answered for that long hangs: its output's server has died."""

START_S = 15.0
"""Time that a child may take to open its output: imports and PortAudio's look at all devices on a busy machine."""

CLOSE_S = 2.0
"""Longest wait for the end of the thread: it may be decoding from a drive that does not answer."""

READ_S = 20.0
"""What is read of a file: a preview, and silence before it."""

MOST_VALUES = 1 << 26
"""Values decoded at most; a file may have 1024 channels."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PlayerEvent:
    """Say what became of a preview.

    Attributes:
        number: What play() or play_file() returned.
        state: "playing", then "ended" (by itself or stopped), or "failed" at any time. One that was replaced ends
            without a word.
        detail: One sentence where it failed, else "".
    """

    number: int
    state: Literal["playing", "ended", "failed"]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Request:
    number: int
    load: Callable[[], tuple[NDArray[np.float32], int]] | None  # None = be silent


class Player:
    """Play one preview at a time, in a child process that is started at the first and replaced when it hangs.

    play(), play_file(), stop() and set_bus() return at once; use them from one thread. Overload policy: latest wins.

    Args:
        output: Where to play: a PortAudio output by name, `jack:REGEX` or `default`.
        bus: Input of the daemon; what would be heard there is refused.
        beside: Its other inputs, where it listens to several; the same holds for them.
        tell: Takes events, in threads of this object's own; must return soon and not call back.
        server: Name of the JACK server, None for JACK's own choice (JACK_DEFAULT_SERVER).
        answer_s: Time in seconds after which a child that does not answer is killed.

    Raises:
        DeviceError: The output is no name and no pattern.
        MissingDependencyError: JACK-Client is needed and not installed.
    """

    def __init__(
        self,
        output: str,
        bus: str,
        tell: Callable[[PlayerEvent], None],
        *,
        beside: Sequence[str] = (),
        server: str | None = None,
        answer_s: float = ANSWER_S,
    ) -> None:
        if parse_output(output).kind == "jack" and importlib.util.find_spec("jack") is None:
            raise MissingDependencyError(
                "JACK-Client", "is needed to play to JACK ports and is not installed", "install timbrel[jack]"
            )
        self.output = output
        self._buses = (bus, *beside)
        self._tell, self._server, self._answer_s = tell, server, answer_s
        self._changed = threading.Condition()  # around the four fields below
        self._number = 0
        self._request: _Request | None = None
        self._child: PlayerChild | None = None
        self._is_closed = False
        self._thread: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """Process number of the present child, None where there is none."""
        child = self._child
        return child.pid if child is not None else None

    def play(self, samples: NDArray[np.float32], rate: int) -> int:
        """Play samples[T] or samples[T, C]; return the number of the preview."""
        return self._ask(lambda: (samples, rate))

    def play_file(self, path: Path) -> int:
        """Play a file of the library; return the number of the preview."""
        return self._ask(lambda: read_preview(path))

    def stop(self) -> None:
        """Be silent at once; what is still being decoded is not played."""
        number = self._ask(None)
        child = self._child
        if child is not None:
            child.stop(number)

    def set_bus(self, bus: str, *beside: str) -> None:
        """Take over what is listened to now, one input or several; what plays is stopped."""
        self._buses = (bus, *beside)
        self.stop()

    def close(self) -> None:
        """End the child and the thread, within two seconds, as a rule at once; may be called twice."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        child = self._child
        if child is not None and child.rate == 0:
            child.abandon()  # it is still opening its output: nobody waits for that any more
        if self._thread is not None:
            self._thread.join(CLOSE_S)
            child = self._child
            if self._thread.is_alive() and child is not None:
                child.kill()

    def _ask(self, load: Callable[[], tuple[NDArray[np.float32], int]] | None) -> int:
        with self._changed:
            if self._is_closed and load is not None:
                raise CaptureError("preview", "is closed", "start the daemon again")
            self._number += 1
            if load is None and (self._thread is None or self._is_closed):
                return self._number
            self._request = _Request(self._number, load)
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="preview", daemon=True)
                self._thread.start()
            return self._number

    def _run(self) -> None:
        """Serve the newest request until closed."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._request is not None or self._is_closed)
                request, self._request = self._request, None
            if self._is_closed or request is None:
                break
            if request.load is None:
                if self._child is not None:
                    self._child.stop(request.number)
                continue
            try:
                why = self._serve(request.number, request.load)
            except TimbrelError as error:
                why = str(error)
            except Exception as error:  # noqa: BLE001  the one thread that has to survive any sound
                _log.warning("preview: %s", error, exc_info=error)
                why = f"{type(error).__name__}: {error}"
            if why:
                self._tell(PlayerEvent(request.number, "failed", why))
        self._drop()

    def _serve(self, number: int, load: Callable[[], tuple[NDArray[np.float32], int]]) -> str:
        """Play one preview; return why it failed, "" where it did not.

        Raises:
            TimbrelError: It can't be decoded.
        """
        child = self._running()  # opens its output while we decode
        samples, rate = load()
        if not np.isfinite(samples).all():
            return "the sound holds NaN or infinite samples; export it again"
        for _ in range(2):
            if not child.wait_ready(START_S):
                return self._give_up(child, f"could not be opened within {START_S:g} s")
            shaped = shape_preview(samples, rate, child.rate)
            if not shaped.any():
                return "the sound is silent; there is nothing to hear"
            frames = (
                *(Frame(Kind.BUS, place, bus.encode()) for place, bus in enumerate(self._buses)),
                Frame(Kind.PLAY, number, shaped.astype("<f4", copy=False).tobytes()),
            )
            if child.ask(frames, lambda: number == self._number, self._answer_s):
                return ""
            if not child.was_idle:
                break
            child = self._running()  # it went to rest in the moment in which it was asked
        return self._give_up(child, f"did not answer within {self._answer_s:g} s")

    def _running(self) -> PlayerChild:
        """Return the present child, or start one."""
        child = self._child
        if child is not None and child.has_ended:
            self._drop()
            child = None
        if child is None:
            self._child = child = PlayerChild(self.output, self._server, self._hear)
            if self._is_closed:
                child.abandon()
        return child

    def _give_up(self, child: PlayerChild, rule: str) -> str:
        """End a child that is of no use any more; return why."""
        has_ended = child.has_ended
        self._drop(is_hung=not has_ended)
        if child.why:
            return child.why
        return f"{self.output}: {'the preview process ended' if has_ended else rule}; try again"

    def _drop(self, *, is_hung: bool = False) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.close(is_hung=is_hung)

    def _hear(self, frame: Frame) -> None:
        """Pass on what a child reports; the child's listening thread."""
        if frame.kind is Kind.PLAYING:
            self._tell(PlayerEvent(frame.number, "playing"))
        elif frame.kind is Kind.ENDED:
            self._tell(PlayerEvent(frame.number, "ended"))
        else:
            self._tell(PlayerEvent(frame.number, "failed", frame.text))


def read_preview(path: Path) -> tuple[NDArray[np.float32], int]:
    """Decode the beginning of a file, at most READ_S of it.

    Returns:
        samples[T, C] float32 and the sample rate in Hz.

    Raises:
        AudioFileError: The file can't be decoded, or is empty.
    """
    info = audio_info(path)
    frames = min(info.frames, round(READ_S * info.sample_rate), MOST_VALUES // info.channels)
    with decoder(path) as file:
        samples: NDArray[np.float32] = file.read(frames, dtype="float32", always_2d=True)
    if not len(samples):
        raise AudioFileError(path, "holds no audio frames", "export it again")
    return samples, info.sample_rate

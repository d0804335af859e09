"""Read the bundled song's ground truth: which General MIDI programs really sound, half second by half second."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from library.errors import InputError

__all__ = ["DEMO_SCORE_SHA1", "DRUMS", "FORMAT", "DemoSong", "Playing", "load_demo_song"]

DEMO_SCORE_SHA1 = "23793b227232d65b911c5b552bde28f8afeceeb7"
"""sha1 of the score's bytes; training leaves this score out, so that the demo is music that was never heard."""

FORMAT = 1
"""Version of the JSON file."""

DRUMS = -1
"""Stands for the drum kit where a program number is expected: the drum channel has no melodic program."""

MIN_HEARD_S = 1.0
"""Shortest time, in seconds, that a program's notes sound inside a window for it to count as playing there."""

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Playing:
    """Name one instrument of the song.

    Attributes:
        program: General MIDI program, 0-based, DRUMS for the drum kit.
        name: Its General MIDI name.
        family: Its instrument family, as in `Sound.family`.
    """

    program: int
    name: str
    family: str


@dataclass(frozen=True, slots=True)
class DemoSong:
    """Hold the bundled song.

    Attributes:
        audio: The Ogg file.
        duration_s: Its length in seconds.
        step_s: Length of one entry of `steps` in seconds.
        instruments: All that play in it, by program.
        steps: For each step the programs whose notes sound in it.
        score: Where the notes came from, one sentence.
        sound: What rendered them, one sentence.
    """

    audio: Path
    duration_s: float
    step_s: float
    instruments: tuple[Playing, ...]
    steps: tuple[frozenset[int], ...]
    score: str
    sound: str

    def playing(self, start_s: float, end_s: float) -> tuple[Playing, ...]:
        """Return what plays in a window: all that sound in it for MIN_HEARD_S or longer."""
        first, last = round(start_s / self.step_s), round(end_s / self.step_s)
        steps = self.steps[max(0, first) : last]
        need = min(MIN_HEARD_S / self.step_s, len(steps))
        return tuple(i for i in self.instruments if steps and sum(i.program in step for step in steps) >= need)


def load_demo_song(folder: Path = _FOLDER) -> DemoSong:
    """Read the song's description.

    Raises:
        InputError: The files are missing or of another format.
    """
    path = folder / "song.json"
    try:
        data = json.loads(path.read_text("utf-8"))
        if data["format"] != FORMAT:
            raise InputError(path, f"has format {data['format']}, need {FORMAT}", "run `timbrel data demo-song`")
        return DemoSong(
            audio=folder / "song.ogg",
            duration_s=float(data["duration_s"]),
            step_s=float(data["step_s"]),
            instruments=tuple(
                Playing(int(i["program"]), str(i["name"]), str(i["family"])) for i in data["instruments"]
            ),
            steps=tuple(frozenset(int(p) for p in step) for step in data["steps"]),
            score=str(data["score"]["credit"]),
            sound=str(data["sound"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            path, f"can't be read ({error})", "install Timbrel again, or `timbrel data demo-song`"
        ) from error

"""Measure how long an instrument plays on a captured bus before the daemon names it."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.bench.jack_player import CLIENT_NAME
from bridge.bench.rig import BUS_RATE_HZ, Player, daemon_child, find_font, jack_server, player
from bridge.bench.visitors import TTL_S, Heard, OscVisitor
from library.audio import level_db
from library.encoders.checkpoint import load_checkpoint
from library.encoders.runtime import WEIGHTS
from library.errors import InputError, TimbrelError
from library.gm.names import GM_NAMES, gm_family
from library.index import open_library
from library.sources.families import guess
from library.sources.phrases import CLIP_S, phrases
from library.synths.fluid import FluidRenderer
from library.synths.notes import Note

__all__ = ["Entry", "LatencyBench", "Shown", "Wait", "bench_latency", "lists_of", "waits_of"]

VOICES = 4
"""Instruments of a round, of as many families: they enter one after another, then all stop within half a second."""

STAGGER_S = 8.0
SPREAD_S, SPREAD = 0.5, 0.618
"""Each voice enters up to half a second later than that, each by this part of it (modulo 1) more than the one before:
they would else all enter at the same place between two windows, and a whole run be lucky or not."""

REST_S = 7.0
"""Silence between two rounds: longer than a window, so that each begins from nothing."""

SOON_S = 5.0
VOICE_DB = -26.0
FLOOR_DB = -60.0
"""Level of each voice (RMS of its first phrases), and of the first sample that counts as its onset, in dBFS."""

LISTEN_S = 90.0
_POLL_S = 0.2

_PLAIN = ("keyboard", "mallet", "organ", "guitar", "bass", "string", "brass", "reed", "flute", "synth_lead")
"""Families that a musician would name by ear."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold one instrument that entered.

    Attributes:
        program: General MIDI program, from 0.
        family: Its family.
        place: How many it made, itself included: 1 = from silence.
        onset_s: time.monotonic() when the block with its first sound was handed to the bus.
    """

    program: int
    family: str
    place: int
    onset_s: float


@dataclass(frozen=True, slots=True)
class Shown:
    """Hold one list of suggestions.

    Attributes:
        at_s: time.monotonic() when its last datagram was read.
        sounds: Ids of all its sounds.
        best: Ids of the first sound of each instrument.
    """

    at_s: float
    sounds: frozenset[str]
    best: frozenset[str]


@dataclass(frozen=True, slots=True)
class Wait:
    """Hold how long one entry waited, in seconds; None = until the next entry nothing came.

    Attributes:
        entry: Of whom.
        any_s: Until a list with a sound that the list before the onset did not have.
        named_s: Until one that names another instrument: a new first sound.
        right_s: Until a new first sound is of the right family.
    """

    entry: Entry
    any_s: float | None
    named_s: float | None
    right_s: float | None


@dataclass(frozen=True, slots=True)
class LatencyBench:
    """Hold a whole run.

    Attributes:
        waits: One an entry.
        hop_s: Time between two windows.
        window_s: Length of a window.
        font: SoundFont that played.
    """

    waits: tuple[Wait, ...]
    hop_s: float
    window_s: float
    font: str

    def summary(self) -> dict[str, dict[str, float | None]]:
        """Return median, p90 and longest wait in seconds over all entries (None = none came), and the share in 5 s."""
        found = {}
        for name in ("any", "named", "right"):
            values = [getattr(wait, f"{name}_s") for wait in self.waits]
            found[name] = _spread([math.inf if value is None else value for value in values])
        return found


def bench_latency(
    entries: int, hop_s: float, font: Path | None, library: str, device: str, progress: Callable[[str], None]
) -> LatencyBench:
    """Play instruments that enter one after another into JACK, and wait for the daemon's lists as a client.

    Args:
        entries: Instruments that enter; rounded up to whole rounds of four.
        hop_s: Time between two windows.
        font: General MIDI SoundFont; None = one that is installed.
        library: What sounds are looked up in.
        device: Where the encoder runs.
        progress: Told what is done.

    Raises:
        InputError: There is no SoundFont.
        TimbrelError: A part is missing or did not start.
    """
    font = font or find_font()
    if font is None:
        raise InputError("--font", "no General MIDI SoundFont was found", "name one, or install timgm6mb-soundfont")
    sounds = {sound.id: sound.family for sound in open_library(library, None).sounds}
    progress("rendering")
    frames, marks, programs = _render(font, -(-entries // VOICES))
    words = ["--input", f"jack:{CLIENT_NAME}:.*", "--library", library, "--device", device, "--midi", "", "--no-page"]
    with tempfile.TemporaryDirectory() as name, jack_server() as server, player(server, frames, marks) as playing:
        config = Path(name) / "hop.toml"
        config.write_text(f"[suggest]\nhop_s = {hop_s}\n", "utf-8")
        progress("starting the daemon")
        environment = {"JACK_DEFAULT_SERVER": server, "JACK_NO_START_SERVER": "1"}
        with (
            daemon_child(Path(name), [*words, "--config", str(config)], environment) as daemon,
            OscVisitor(daemon.endpoint) as client,
        ):
            client.register("bench")
            _until_listening(client)
            _listen(client, playing, len(frames) / BUS_RATE_HZ, progress)
    met = [
        Entry(program, gm_family(program), number % VOICES + 1, playing.marks_ns[number] / 1e9)
        for number, program in enumerate(programs)
    ]
    return LatencyBench(
        waits_of(met, lists_of(client.heard), sounds), hop_s, load_checkpoint(WEIGHTS).spec.window_s, str(font)
    )


def lists_of(heard: Sequence[Heard]) -> tuple[Shown, ...]:
    """Put the datagrams of lists together; one with an item missing is left out."""
    lists: list[Shown] = []
    count, sounds, best = -1, set[str](), set[str]()
    for one in heard:
        if one.address == "/timbrel/suggest/begin":
            count, sounds, best, items = one.args[1], set(), set(), 0
        elif one.address == "/timbrel/suggest/item":
            items += 1
            sounds.add(one.args[4])
            if one.args[3] == 1:
                best.add(one.args[4])
        elif one.address == "/timbrel/suggest/end" and count == items:
            lists.append(Shown(one.at_s, frozenset(sounds), frozenset(best)))
    return tuple(lists)


def waits_of(entries: Sequence[Entry], lists: Sequence[Shown], families: Mapping[str, str]) -> tuple[Wait, ...]:
    """Find for each entry the first list that has something new.

    Args:
        entries: In the order of time.
        lists: In the order of time.
        families: Of the sounds of the library, by id.
    """
    nothing = Shown(0.0, frozenset(), frozenset())
    found = []
    for number, entry in enumerate(entries):
        end_s = entries[number + 1].onset_s if number + 1 < len(entries) else math.inf
        before = next((one for one in reversed(lists) if one.at_s < entry.onset_s), nothing)
        after = [one for one in lists if entry.onset_s <= one.at_s < min(end_s, entry.onset_s + STAGGER_S)]
        found.append(_wait(entry, before, after, families))
    return tuple(found)


def _wait(entry: Entry, before: Shown, after: Sequence[Shown], families: Mapping[str, str]) -> Wait:
    any_s = named_s = right_s = None
    for one in after:
        wait_s = one.at_s - entry.onset_s
        named = one.best - before.best
        if any_s is None and one.sounds - before.sounds:
            any_s = wait_s
        if named_s is None and named:
            named_s = wait_s
        if right_s is None and any(families.get(sound) == entry.family for sound in named):
            right_s = wait_s
    return Wait(entry, any_s, named_s, right_s)


def _render(font: Path, rounds: int) -> tuple[NDArray[np.float32], list[int], list[int]]:
    """Return frames[T, 2] at 48 kHz, and of each voice the frame of its onset and its program."""
    rng = np.random.default_rng(0)
    round_s = VOICES * STAGGER_S + REST_S
    frames = np.zeros((round(rounds * round_s * BUS_RATE_HZ), 2), np.float32)
    marks, programs = list[int](), list[int]()
    with FluidRenderer(font) as renderer:
        for number in range(rounds):
            for place, family in enumerate(rng.permutation(_PLAIN)[:VOICES]):
                program = int(rng.choice([p for p in range(len(GM_NAMES)) if gm_family(p) == family]))
                voice = _voice(renderer, program, (VOICES - place) * STAGGER_S - SPREAD_S)
                later_s = SPREAD_S * (len(marks) * SPREAD % 1.0)
                start = round((number * round_s + place * STAGGER_S + later_s) * BUS_RATE_HZ)
                frames[start : start + len(voice)] += voice
                marks.append(start + int(np.argmax(np.abs(voice).max(axis=1) > 10 ** (FLOOR_DB / 20))))
                programs.append(program)
    return frames / max(1.0, float(np.abs(frames).max())), marks, programs


def _voice(renderer: FluidRenderer, program: int, seconds: float) -> NDArray[np.float32]:
    """Return frames[T, 2] of a melody, a broken chord and held notes, again and again."""
    known = guess(GM_NAMES[program])
    clips = phrases(known.pitch, gm_family(program))
    notes = [
        Note(note.start_s + turn * CLIP_S, note.duration_s, note.pitch, note.velocity)
        for turn in range(int(seconds / CLIP_S) + 1)
        for note in clips[turn % len(clips)]
        if note.start_s + turn * CLIP_S < seconds
    ]
    frames = renderer.render_stereo(0, program, notes, seconds)
    gain = 10 ** ((VOICE_DB - level_db(frames[: round(STAGGER_S * BUS_RATE_HZ)].ravel())) / 20)
    return frames * np.float32(gain)


def _until_listening(client: OscVisitor) -> None:
    """Wait until the daemon hears the silence of the bus: its window is full then."""
    end = time.monotonic() + LISTEN_S
    while time.monotonic() < end:
        heard = client.take(_POLL_S)
        if heard is not None and heard.address == "/timbrel/status" and heard.args[0] == "silent":
            return
    raise TimbrelError("timbrel run", f"did not hear the bus in {LISTEN_S:.0f} s", "look at `timbrel doctor`")


def _listen(client: OscVisitor, playing: Player, seconds: float, progress: Callable[[str], None]) -> None:
    begun = renewed = time.monotonic()
    playing.play()
    while not playing.is_over:
        client.take(_POLL_S)
        now = time.monotonic()
        if now - renewed > TTL_S / 3:
            client.renew()
            renewed = now
        if not playing.is_alive:
            raise TimbrelError("player", "ended before its recording", "look whether jackd still runs")
        progress(f"played {now - begun:.0f} of {seconds:.0f} s")


def _spread(values: Sequence[float]) -> dict[str, float | None]:
    """Return what is known of waits in seconds, of which some may be endless."""
    ordered = sorted(values)
    numbers = {
        "median_s": ordered[math.ceil(0.5 * len(ordered)) - 1],
        "p90_s": ordered[math.ceil(0.9 * len(ordered)) - 1],
        "longest_s": ordered[-1],
    }
    known = {name: value if math.isfinite(value) else None for name, value in numbers.items()}
    soon, came = (sum(value <= most for value in ordered) / len(ordered) for most in (SOON_S, STAGGER_S))
    return {**known, "within_5_s": soon, "came": came}

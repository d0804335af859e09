"""Speak to SuperCollider's scsynth: a sample is read into a buffer and played once.

Commands as in its Server Command Reference: `/b_allocRead i:buffer s:path i:start i:frames` answers `/done` or `/fail`,
`/b_query` answers `/b_info`, `/sync` answers `/synced`.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import PurePath

from bridge.daws.base import (
    Before,
    Capability,
    Delivery,
    Here,
    HostEvent,
    Reach,
    Step,
    Told,
    Track,
    numbered_track,
)
from bridge.daws.otherwise import otherwise
from bridge.daws.synthdef import player_definitions, player_name
from bridge.daws.wire import host_messages, osc
from bridge.osc.guard import Incoming
from library.sounds import MidiProgram, Sound

__all__ = ["ScsynthAdapter"]

LAST_BUFFER = 1023
"""scsynth has 1024 buffers where it is started without -b."""

USUAL_BUFFER = 1000
"""sclang hands out its buffers from 0, so that this one is rarely in use."""

_FIRST_NODE = 2_147_000_000
"""Node that plays buffer 0: at the far end of the numbers that sclang would give to the last of its 32 clients."""

_READ_S = 20.0
"""A sample of hundreds of megabytes takes that long from a slow drive."""

_EMPTY, _SILENT = "0", "00"
_AUDIO = frozenset(
    (".wav", ".wave", ".aif", ".aiff", ".aifc", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".caf", ".au", ".snd", ".w64")
)
"""What libsndfile reads; an old one without MP3 or Opus answers that it can't."""

_AT_ONCE = 1
"""The time tag of OSC that means immediately."""


class ScsynthAdapter:
    """Read samples into a buffer, and play each once when it is there.

    Args:
        reach: Where it listens.
    """

    name = "scsynth"
    doc = f"scsynth reads samples into a buffer and plays them; its track is the buffer 0-{LAST_BUFFER}, else 1000"
    can: frozenset[Capability] = frozenset({"file"})
    connect = (
        "in the SuperCollider IDE: Server > Boot Server; without it: scsynth -u 57110 -B 127.0.0.1",
        "timbrel run --adapter scsynth:127.0.0.1:57110 --library a library that was built from samples",
        f"a choice is played once and stays in its buffer: in sclang, play it with PlayBuf.ar(2, {USUAL_BUFFER})",
    )

    def __init__(self, reach: Reach | None = None) -> None:
        self.reach = reach or Reach("osc", 57110)

    def probe(self) -> tuple[bytes, ...]:
        """Ask for its version, which it learnt to tell late, and for its status."""
        return osc("/version"), osc("/status")

    def read(self, payload: bytes) -> tuple[HostEvent, ...]:
        """Understand status, version, what a buffer holds, and whether a command was done."""
        return tuple(event for one in host_messages(payload) for event in _events(one))

    def track(self, text: str, tracks: tuple[Track, ...]) -> Track | None:  # noqa: ARG002 - part of the Protocol
        """Read the number of a buffer."""
        return numbered_track(text, LAST_BUFFER, "buffer", first=0)

    def load(self, sound: Sound, program: MidiProgram | None, track: Track | None) -> Delivery:
        """Plan to read a sample into a buffer and to play it; other sounds by their program, where they have one."""
        if PurePath(sound.path).suffix.lower() not in _AUDIO:
            return otherwise(self.name, sound, program)
        buffer = _buffer(track)
        try:
            held = Step(osc("/b_query", "i", buffer), f"buffer {buffer}", keep=True)
            steps = (held, *_read_and_play(sound.path, buffer))
        except UnicodeError:
            return otherwise(self.name, sound, program, "its path is no UTF-8")
        except ValueError as error:
            return otherwise(self.name, sound, program, str(error))
        detail = f"{sound.name} played from buffer {buffer}"
        return Delivery(self.name, "file", (), (), detail, steps, f"buffer {buffer}")

    def restore(self, before: Before, track: Track | None) -> Delivery | None:
        """Empty a buffer that held nothing, else read the sample again that was chosen for it before."""
        kept = next((key for key in before.kept if key.startswith("buffer ")), None)
        buffer = _buffer(track) if kept is None else int(kept.removeprefix("buffer "))
        target = f"buffer {buffer}"
        if before.kept.get(target) == _EMPTY:
            free = _together(osc("/n_free", "i", _node(buffer)), osc("/b_free", "i", buffer))
            return Delivery(
                self.name, "file", (), (), f"{target} is empty again", (Step(free, f"freed {buffer}"),), target
            )
        if before.sound is None:
            return None
        again = self.load(before.sound, None, Track(buffer, target))
        return replace(again, steps=again.steps[1:]) if again.method == "file" else None


def _read_and_play(path: str, buffer: int) -> tuple[Step, ...]:
    """Read a file into a buffer, and play it by the definition for as many channels as it turns out to have.

    Raises:
        ValueError: The path can't be sent.
    """
    path.encode()
    play = _together(
        osc("/n_free", "i", _node(buffer)),
        osc("/s_new", "siiisi", player_name("{}"), _node(buffer), 0, 0, "buf", buffer),
        osc("/sync", "i", buffer),
    )
    return (
        Step(_blob("/d_recv", player_definitions()), "defined"),
        Step(osc("/b_allocRead", "isii", buffer, path, 0, 0), f"loaded {buffer}", wait_s=_READ_S),
        Step(osc("/b_query", "i", buffer), f"channels {buffer}", not_value=_SILENT),
        Step(play, "played", fill=f"channels {buffer}"),
    )


def _events(one: Incoming) -> tuple[HostEvent, ...]:
    """Understand one message."""
    match one.address, one.args:
        case "/status.reply", _:
            return (Here(),)
        case "/version.reply", (str(), int(major), int(minor), str(patch), *_):
            return (Here(f"{major}.{minor}{patch}"),)
        case "/b_info", (int(buffer), int(frames), int(channels), *_):
            # Two digits stand for the two braces in the name of the definition; of more channels two are played.
            return Told(f"buffer {buffer}", str(frames)), Told(f"channels {buffer}", f"{min(channels, 2):02}")
        case "/synced", (int(), *_):
            return (Told("played", ""),)
        case "/done", (str(command), *rest):
            return _done(command, rest, "", ok=True)
        case "/fail", (str(command), str(reason), *rest):
            return _done(command, rest, reason.strip(), ok=False)
    return ()


def _done(command: str, rest: list[int | float | str], reason: str, *, ok: bool) -> tuple[HostEvent, ...]:
    """Say which request was done or refused; both name the buffer where there is one."""
    match command, rest:
        case "/d_recv", _:
            return (Told("defined", reason, ok),)
        case "/s_new", _:
            return (Told("played", reason, ok),)
        case "/b_allocRead", [int(buffer), *_]:
            return (Told(f"loaded {buffer}", reason, ok),)
        case "/b_free", [int(buffer), *_]:
            return (Told(f"freed {buffer}", reason, ok),)
    return ()


def _buffer(track: Track | None) -> int:
    return track.index if track else USUAL_BUFFER


def _node(buffer: int) -> int:
    return _FIRST_NODE + buffer


def _together(*messages: bytes) -> bytes:
    """Bundle messages, so that they are carried out in their order and at once."""
    elements = b"".join(struct.pack(">i", len(message)) + message for message in messages)
    return b"#bundle\0" + struct.pack(">Q", _AT_ONCE) + elements


def _blob(address: str, data: bytes) -> bytes:
    from pythonosc.osc_message_builder import OscMessageBuilder

    builder = OscMessageBuilder(address=address)
    builder.add_arg(data, "b")
    return bytes(builder.build().dgram)

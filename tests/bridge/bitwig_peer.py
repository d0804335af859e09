"""Stand at the place of Bitwig Studio with DrivenByMoss, as its OSC modules do."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from bridge.daws.wire import host_messages, osc

__all__ = ["BitwigTrack", "DrivenByMoss", "bundle"]

PAGE = 8
_WRITTEN_OUT = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "é": "e"}
_CLIP = re.compile(r"/track/(selected|\d+)/clip/(\d+)/(insertFile|remove)")


@dataclass
class BitwigTrack:
    """Hold one track; a clip is its name, None for an empty slot."""

    name: str
    audio: bool = True
    clips: list[str | None] = field(default_factory=lambda: [None] * PAGE)


class DrivenByMoss:
    """Answer datagrams with bundles of at most 101 messages; tell only what changed, or all after `/refresh`.

    Args:
        tracks: Tracks of the bank page, at most eight.
        presets: Rows of the popup browser.
    """

    def __init__(self, *tracks: BitwigTrack, presets: tuple[str, ...] = ()) -> None:
        self.tracks, self.presets = list(tracks), presets
        self.selected = 0
        self.row = 0
        self.browsing = False
        self.chosen: str | None = None
        self._told: dict[str, int | float | str] = {}

    def __call__(self, payload: bytes) -> list[bytes]:
        dump = False
        for one in host_messages(payload):
            dump |= one.address == "/refresh"
            self._do(one.address, one.args)
        return self.flush(dump=dump)

    def flush(self, *, dump: bool) -> list[bytes]:
        """Return bundles of what is to be told."""
        state = self._state()
        news = {address: value for address, value in state.items() if dump or self._told.get(address) != value}
        self._told = state
        if not news:
            return []
        messages = [("/update", 1), *news.items(), ("/update", 0)]
        packets = [_message(address, value) for address, value in messages]
        return [bundle(*packets[at : at + 101]) for at in range(0, len(packets), 101)]

    def _do(self, address: str, args: tuple[int | float | str, ...]) -> None:
        if found := _CLIP.fullmatch(address):
            track = self._track(found[1])
            if track is None:
                return
            path = PurePosixPath(str(args[0])) if args else None
            if found[3] == "remove":
                track.clips[int(found[2]) - 1] = None
            elif path is not None and track.audio and path.suffix in (".wav", ".aif", ".flac"):
                track.clips[int(found[2]) - 1] = path.stem  # whatever was there is replaced
        elif address == "/browser/preset":
            self.browsing, self.row = True, 1
        elif address.startswith("/browser/result/") and self.browsing:
            step = 1 if address.endswith("+") else -1
            self.row = min(max(self.row + step, 1), len(self.presets))
        elif address == "/browser/commit" and self.browsing:
            self.browsing, self.chosen = False, self.presets[self.row - 1]

    def _track(self, where: str) -> BitwigTrack | None:
        at = self.selected if where == "selected" else int(where) - 1
        return self.tracks[at] if at < len(self.tracks) else None

    def _state(self) -> dict[str, int | float | str]:
        state: dict[str, int | float | str] = {"/play": 1, "/tempo/raw": 120.0}
        for at in range(PAGE):
            self._strip(state, f"/track/{at + 1}", self.tracks[at] if at < len(self.tracks) else None)
        self._strip(state, "/track/selected", self._track("selected"))
        state["/browser/isActive"] = int(self.browsing)
        if self.browsing:
            for at in range(16):
                row = f"/browser/result/{at + 1}"
                state[f"{row}/exists"] = int(at < len(self.presets))
                state[f"{row}/name"] = _as_ascii(self.presets[at]) if at < len(self.presets) else ""
                state[f"{row}/hits"] = 0
                state[f"{row}/isSelected"] = int(at + 1 == self.row)
        return state

    def _strip(self, state: dict[str, int | float | str], where: str, track: BitwigTrack | None) -> None:
        state[f"{where}/exists"] = int(track is not None)
        state[f"{where}/name"] = _as_ascii(track.name) if track else ""
        for what in ("activated", "isGroup", "volume", "pan", "mute", "solo", "recarm", "monitor", "canHoldNotes"):
            state[f"{where}/{what}"] = 0
        state[f"{where}/canHoldAudioData"] = int(track is not None and track.audio)
        for at in range(PAGE):
            clip, slot = track.clips[at] if track else None, f"{where}/clip/{at + 1}"
            state[f"{slot}/name"] = _as_ascii(clip or "")
            state[f"{slot}/isSelected"] = 0
            state[f"{slot}/hasContent"] = int(clip is not None)
            for what in ("isPlaying", "isRecording", "isPlayingQueued", "isRecordingQueued", "isStopQueued"):
                state[f"{slot}/{what}"] = 0
            state[f"{slot}/color"] = "rgb(0,0,0)"


def bundle(*messages: bytes) -> bytes:
    """Put messages into a bundle."""
    return b"#bundle\0" + struct.pack(">Q", 1) + b"".join(struct.pack(">i", len(one)) + one for one in messages)


def _message(address: str, value: float | str) -> bytes:
    return osc(address, {int: "i", float: "f", str: "s"}[type(value)], value)


def _as_ascii(text: str) -> str:
    return "".join(char if char.isascii() else _WRITTEN_OUT.get(char, "?") for char in text)

"""Play previews on an output device with PortAudio, in the player's child process."""

from __future__ import annotations

import os
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from library.errors import DeviceError, InputError
from realtime.jack_open import opening
from realtime.player_jack import JackPlayer
from realtime.player_voice import Voice
from realtime.preview_output import device_refusal, pick_device

__all__ = ["DevicePlayer", "open_device"]

LATENCY_S = 0.05
"""Short enough that a stop is heard at once, long enough for a Python callback on a busy machine."""

BLOCK = 8192
JACK_HOST = "JACK Audio Connection Kit"


def open_device(name: str, server: str | None) -> DevicePlayer | JackPlayer:
    """Open an output by its number, its name or a part of it; "" is the default output.

    A JACK client in PortAudio's list is played to as JACK client of our own: PortAudio connects where it likes.

    Raises:
        DeviceError: There is none, the name fits several, or it can't be opened.
    """
    with opening():
        import sounddevice

    hosts = [host["name"] for host in sounddevice.query_hostapis()]
    devices = list(sounddevice.query_devices())
    names = {number: device["name"] for number, device in enumerate(devices) if device["max_output_channels"] > 0}
    number = pick_device(name, names, sounddevice.default.device[1])
    if hosts[devices[number]["hostapi"]] == JACK_HOST:
        return JackPlayer(f"{re.escape(names[number])}:.*", server)
    try:
        return DevicePlayer(number, devices[number], _inputs(devices), sounddevice.default.device[0])
    except sounddevice.PortAudioError as error:
        reason = str(error).splitlines()[0]
        raise DeviceError(
            names[number], f"can't be opened ({reason})", "close what uses it, or name another"
        ) from error


class DevicePlayer:
    """Hold a PortAudio output stream.

    Args:
        number: PortAudio's number of the device.
        info: What PortAudio says about it.
        inputs: Names of the inputs by their number, to know which one the bus is.
        default_input: Number of the default input.
    """

    def __init__(self, number: int, info: Any, inputs: dict[int, str], default_input: int) -> None:  # PortAudio's dict
        import sounddevice

        self.rate = round(info["default_samplerate"])
        self.name: str = info["name"]
        self.voice = Voice(self.rate)
        self._inputs, self._default_input = inputs, default_input
        self._scratch = np.zeros((BLOCK, 2), np.float32)
        self._stream = sounddevice.OutputStream(
            samplerate=self.rate,
            device=number,
            channels=min(2, int(info["max_output_channels"])),
            dtype="float32",
            latency=LATENCY_S,
            callback=self._callback,
        )
        self._stream.start()

    def aim(self, bus: str) -> str | None:
        """Say why nothing may be played, None where it may.

        Args:
            bus: Input of the daemon.
        """
        full = bus
        if not bus.startswith(("jack:", "file:")):
            try:
                full = self._inputs[pick_device(bus, self._inputs, self._default_input)]
            except InputError:
                full = bus  # an input that came later than PortAudio's list
        return device_refusal(self.name, full, os.environ)

    def lost(self) -> str | None:
        """Say why nothing can be played any more, None while it can."""
        return None if self._stream.active else f"{self.name} stopped"

    def release(self) -> None:
        """Do nothing: PortAudio's close can hang, and the end of the process closes the device as well."""

    def _callback(self, outdata: NDArray[np.float32], frames: int, _time: object, _status: object) -> None:
        """Fill one block; PortAudio's thread, due within the block's own length. Must not wait, log or raise."""
        done = 0
        while done < frames:
            block = self._scratch[: min(BLOCK, frames - done)]
            self.voice.render(block)
            part = outdata[done : done + len(block)]
            if outdata.shape[1] == 1:
                np.add(block[:, :1], block[:, 1:], out=part)
                part *= 0.5
            else:
                part[:] = block
            done += len(block)


def _inputs(devices: list[Any]) -> dict[int, str]:  # PortAudio's dicts
    return {number: device["name"] for number, device in enumerate(devices) if device["max_input_channels"] > 0}

"""Run one DSSI synthesiser plugin offline through ctypes (DSSI 1.0, LADSPA 1.1)."""

from __future__ import annotations

import ctypes as c
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from library.errors import MissingDependencyError
from library.synths.notes import Event, Note, to_events

__all__ = ["DssiInstance", "DssiPlugin", "DssiProgram"]

BLOCK_FRAMES = 256
"""Frames per call; events land on their own frame inside it."""

_PORT_INPUT, _PORT_OUTPUT, _PORT_CONTROL, _PORT_AUDIO = 1, 2, 4, 8
_NOTE_ON, _NOTE_OFF = 6, 7  # snd_seq_event_type of ALSA


class _Ladspa(c.Structure):
    _fields_ = [
        ("unique_id", c.c_ulong),
        ("label", c.c_char_p),
        ("properties", c.c_int),
        ("name", c.c_char_p),
        ("maker", c.c_char_p),
        ("copyright", c.c_char_p),
        ("port_count", c.c_ulong),
        ("port_descriptors", c.POINTER(c.c_int)),
        ("port_names", c.POINTER(c.c_char_p)),
        ("port_range_hints", c.c_void_p),
        ("implementation_data", c.c_void_p),
        ("instantiate", c.CFUNCTYPE(c.c_void_p, c.c_void_p, c.c_ulong)),
        ("connect_port", c.CFUNCTYPE(None, c.c_void_p, c.c_ulong, c.c_void_p)),
        ("activate", c.CFUNCTYPE(None, c.c_void_p)),
        ("run", c.c_void_p),
        ("run_adding", c.c_void_p),
        ("set_run_adding_gain", c.c_void_p),
        ("deactivate", c.CFUNCTYPE(None, c.c_void_p)),
        ("cleanup", c.CFUNCTYPE(None, c.c_void_p)),
    ]


class _SeqEvent(c.Structure):
    """Mirror snd_seq_event_t with a note in its data union (28 bytes)."""

    _fields_ = [
        ("type", c.c_uint8),
        ("flags", c.c_uint8),
        ("tag", c.c_uint8),
        ("queue", c.c_uint8),
        ("tick", c.c_uint32),
        ("time_nsec", c.c_uint32),
        ("source", c.c_uint8 * 2),
        ("dest", c.c_uint8 * 2),
        ("channel", c.c_uint8),
        ("note", c.c_uint8),
        ("velocity", c.c_uint8),
        ("off_velocity", c.c_uint8),
        ("duration", c.c_uint32),
        ("reserved", c.c_uint32),
    ]


class _Program(c.Structure):
    _fields_ = [("bank", c.c_ulong), ("program", c.c_ulong), ("name", c.c_char_p)]


class _Dssi(c.Structure):
    _fields_ = [
        ("api_version", c.c_int),
        ("ladspa", c.POINTER(_Ladspa)),
        ("configure", c.c_void_p),
        ("get_program", c.CFUNCTYPE(c.POINTER(_Program), c.c_void_p, c.c_ulong)),
        ("select_program", c.CFUNCTYPE(None, c.c_void_p, c.c_ulong, c.c_ulong)),
        ("get_midi_controller_for_port", c.c_void_p),
        ("run_synth", c.CFUNCTYPE(None, c.c_void_p, c.c_ulong, c.POINTER(_SeqEvent), c.c_ulong)),
    ]


@dataclass(frozen=True, slots=True)
class DssiProgram:
    """Name one program as the plugin numbers it."""

    bank: int
    program: int
    name: str


class DssiPlugin:
    """Load a DSSI plugin.

    Args:
        path: The plugin's shared object.
        sample_rate: Rate in Hz at which it runs.

    Raises:
        MissingDependencyError: The plugin is not installed.
    """

    def __init__(self, path: Path, sample_rate: int) -> None:
        try:
            self._library = c.CDLL(str(path))
        except OSError as error:
            raise MissingDependencyError(path, "DSSI plugin can't be loaded", "install its package") from error
        self._library.dssi_descriptor.restype = c.POINTER(_Dssi)
        self._library.dssi_descriptor.argtypes = [c.c_ulong]
        self._dssi = self._library.dssi_descriptor(0).contents
        self._rate = sample_rate

    def open(self) -> DssiInstance:
        """Make an instance, which nothing of an earlier one is left in."""
        return DssiInstance(self._dssi, self._rate)


class DssiInstance:
    """Run one instance of a plugin; a context manager."""

    def __init__(self, dssi: Any, sample_rate: int) -> None:  # Any: a ctypes structure
        self._dssi, self._ladspa, self._rate = dssi, dssi.ladspa.contents, sample_rate
        self._outputs = self._ports(_PORT_AUDIO | _PORT_OUTPUT)
        self._values = (c.c_float * int(self._ladspa.port_count))()
        self._handle = self._ladspa.instantiate(c.addressof(self._ladspa), self._rate)
        for port in range(int(self._ladspa.port_count)):
            self._ladspa.connect_port(self._handle, port, c.addressof(self._values) + port * c.sizeof(c.c_float))
        if self._ladspa.activate:
            self._ladspa.activate(self._handle)

    def __enter__(self) -> DssiInstance:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Free the instance; may be called twice."""
        if self._handle is not None:
            if self._ladspa.deactivate:
                self._ladspa.deactivate(self._handle)
            self._ladspa.cleanup(self._handle)
            self._handle = None

    def set_controls(self, values: Mapping[str, float]) -> None:
        """Set every control input; those that are not named go to 0."""
        for port in self._ports(_PORT_CONTROL | _PORT_INPUT):
            self._values[port] = values.get(self._ladspa.port_names[port].decode(), 0.0)

    def programs(self) -> tuple[DssiProgram, ...]:
        """Return the programs that the plugin lists."""
        found: list[DssiProgram] = []
        while row := self._dssi.get_program(self._handle, len(found)):
            found.append(DssiProgram(row.contents.bank, row.contents.program, row.contents.name.decode("latin-1")))
        return tuple(found)

    def select(self, bank: int, program: int) -> None:
        """Ask for a program; when it is there is the plugin's affair."""
        self._dssi.select_program(self._handle, bank, program)

    def render(self, notes: Sequence[Note], duration_s: float) -> NDArray[np.float32]:
        """Render notes as samples[T] float32 mono at the plugin's rate."""
        total = -(-round(duration_s * self._rate) // BLOCK_FRAMES) * BLOCK_FRAMES
        audio = np.zeros((len(self._outputs), total), np.float32)
        pending = list(reversed(to_events(notes, self._rate)))
        for start in range(0, total, BLOCK_FRAMES):
            for row, port in enumerate(self._outputs):
                self._ladspa.connect_port(self._handle, port, audio[row, start:].ctypes.data)
            block: list[_SeqEvent] = []
            while pending and pending[-1].frame < start + BLOCK_FRAMES:
                block.append(_seq_event(pending.pop(), start))
            self._dssi.run_synth(self._handle, BLOCK_FRAMES, (_SeqEvent * max(1, len(block)))(*block), len(block))
        mono: NDArray[np.float32] = audio.mean(axis=0)[: round(duration_s * self._rate)]
        return mono

    def _ports(self, flags: int) -> list[int]:
        return [i for i in range(int(self._ladspa.port_count)) if self._ladspa.port_descriptors[i] & flags == flags]


def _seq_event(event: Event, block_start: int) -> _SeqEvent:
    return _SeqEvent(
        type=_NOTE_ON if event.velocity else _NOTE_OFF,
        tick=event.frame - block_start,
        note=event.pitch,
        velocity=event.velocity or 64,
    )

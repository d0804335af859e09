"""Carry requests and answers between library.sources.apart and its process: JSON, then samples as they are.

A frame is two sizes, a JSON object, and the samples of its clips one after the other. Nothing in it can be made to run,
and nothing is read before its size is known to be bearable: the process that answers may have been taken over by the
file that it reads.
"""

from __future__ import annotations

import itertools
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from library import errors
from library.errors import TimbrelError
from library.sounds import MidiProgram, Sound
from library.sources.base import FoundFile

__all__ = [
    "BadFrameError", "Clips", "file_from", "file_of", "problem_from", "problem_of", "read_frame", "sound_from",
    "sound_of", "write_frame",
]  # fmt: skip

Clips = Sequence[NDArray[np.float32]]

_SIZES = struct.Struct("<II")  # bytes of the JSON, bytes of the samples
_SAMPLE = np.dtype("<f4")

MOST_TEXT_BYTES = 256 << 20
"""Longest JSON: a hostile NSynth folder may list a million instruments, at some 250 bytes each."""

MOST_SAMPLE_BYTES = 64 << 20
"""Most samples of one sound: six windows of five seconds are 2 MB, a font's phrases less than 10 MB."""

MOST_CLIPS = 1024

_TEXT_FIELDS = ("id", "name", "kind", "path", "family", "source", "licence")
_ERRORS: dict[str, type[TimbrelError]] = {
    name: kind for name in errors.__all__ if issubclass(kind := getattr(errors, name), TimbrelError)
}


class BadFrameError(ValueError):
    """Report bytes that are no frame."""


def write_frame(out: IO[bytes], head: Mapping[str, Any], clips: Clips = ()) -> None:
    """Write one frame and flush it.

    Raises:
        OSError: The other side has ended.
        BadFrameError: It is larger than the other side would read.
    """
    samples = [np.ascontiguousarray(clip, _SAMPLE) for clip in clips]
    text = json.dumps({**head, "clips": [len(clip) for clip in samples]}).encode("ascii")
    size = sum(clip.nbytes for clip in samples)
    if len(text) > MOST_TEXT_BYTES or size > MOST_SAMPLE_BYTES or len(samples) > MOST_CLIPS:
        raise BadFrameError(f"{len(text)} bytes of text and {size} of samples are more than one answer holds")
    out.write(_SIZES.pack(len(text), size) + text)
    for clip in samples:
        out.write(clip.data)
    out.flush()


def read_frame(source: IO[bytes]) -> tuple[dict[str, Any], tuple[NDArray[np.float32], ...]]:
    """Read one frame: its JSON object, and its clips[T].

    Raises:
        EOFError: The other side has ended, or ends within the frame.
        BadFrameError: It is too large, or not a frame.
    """
    text_bytes, sample_bytes = _SIZES.unpack(_read(source, _SIZES.size))
    if text_bytes > MOST_TEXT_BYTES or sample_bytes > MOST_SAMPLE_BYTES:
        raise BadFrameError(f"{text_bytes} bytes of text and {sample_bytes} of samples are too many")
    try:
        head = json.loads(_read(source, text_bytes).decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise BadFrameError("its head is not JSON") from error
    lengths = head.pop("clips", None) if isinstance(head, dict) else None
    if not isinstance(lengths, list) or len(lengths) > MOST_CLIPS:
        raise BadFrameError("its head lists no clips")
    if any(type(length) is not int or length < 0 for length in lengths) or sum(lengths) * _SAMPLE.itemsize != (
        sample_bytes
    ):
        raise BadFrameError("its clips don't fill its samples")
    samples = np.frombuffer(bytearray(_read(source, sample_bytes)), _SAMPLE)  # a bytearray: clips can be written to
    ends = np.cumsum([0, *lengths])
    return head, tuple(samples[begin:end] for begin, end in itertools.pairwise(ends))


def _read(source: IO[bytes], count: int) -> bytes:
    data = source.read(count)
    if len(data) < count:
        raise EOFError
    return data


def file_of(found: FoundFile) -> dict[str, str]:
    """Say which file is meant; its parts are no business of a reader, and can be 289,205."""
    return {"path": str(found.path), "name": found.name, "source": found.source, "kind": found.kind}


def file_from(data: Mapping[str, str]) -> FoundFile:
    """Return the file that is meant."""
    return FoundFile(Path(data["path"]), data["name"], data["source"], data["kind"])


def sound_of(sound: Sound) -> dict[str, Any]:
    """Write a sound."""
    return asdict(sound)


def sound_from(data: object) -> Sound:
    """Read a sound.

    Raises:
        BadFrameError: It is none.
    """
    if not isinstance(data, dict) or data.keys() != {*_TEXT_FIELDS, "program"}:
        raise BadFrameError("a sound has other fields")
    program = data["program"]
    if not all(isinstance(data[name], str) for name in _TEXT_FIELDS):
        raise BadFrameError("a sound has other fields")
    if program is not None:
        try:
            program = MidiProgram(**program)
        except (TypeError, errors.InputError) as error:
            raise BadFrameError("a sound has a program that can't be") from error
        numbers = asdict(program)
        if type(program.program) is not int or any(type(n) is not int for n in numbers.values() if n is not None):
            raise BadFrameError("a sound has a program that can't be")
    return Sound(**{**data, "program": program})


def problem_of(error: BaseException) -> dict[str, Any]:
    """Write an exception: those that a build knows by what they are, any other by its name and text."""
    if isinstance(error, TimbrelError):
        kind = next(kind.__name__ for kind in type(error).__mro__ if kind.__name__ in _ERRORS)
        return {"error": kind, "value": error.value, "rule": error.rule, "next_step": error.next_step}
    if isinstance(error, OSError):
        return {"error": "OSError", "errno": error.errno, "strerror": error.strerror, "path": str(error.filename or "")}
    if isinstance(error, MemoryError):
        return {"error": "MemoryError"}
    return {"error": "", "text": f"{type(error).__name__}: {error}"}


def problem_from(data: object) -> Exception:
    """Return the exception that was written; what a build does not know comes as a RuntimeError.

    Raises:
        BadFrameError: It is none.
    """
    match data:
        case {"error": str(name), "value": str(value), "rule": str(rule), "next_step": str(step)} if name in _ERRORS:
            return _ERRORS[name](value, rule, step)
        case {"error": "OSError", "errno": int(number), "strerror": str(text), "path": str(path)}:
            return OSError(number, text, path or None)
        case {"error": "OSError"}:
            return OSError("can't be read")
        case {"error": "MemoryError"}:
            return MemoryError()
        case {"error": "", "text": str(text)}:
            return RuntimeError(text)
    raise BadFrameError("an error of no known kind")

"""Read a safetensors file that may come from anyone: sizes first, then types, then numbers."""

from __future__ import annotations

import stat
import struct
from pathlib import Path

import torch
from torch import Tensor

__all__ = ["TensorFileError", "read_tensors"]

MOST_HEADER_BYTES = 1 << 20
"""Longest header: that of the paper's Large network is a tenth of it."""

_KINDS = (torch.float16, torch.float32, torch.int64)
_LENGTH = struct.Struct("<Q")


class TensorFileError(ValueError):
    """Say in a few words why a file is not taken."""


def read_tensors(path: Path, most_bytes: int) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Read all of a file.

    Args:
        path: The file.
        most_bytes: Longest that it can be.

    Returns:
        Its metadata, and its tensors by name: float16, float32 or int64, all numbers finite.

    Raises:
        TensorFileError: It is not such a file, or too long.
        OSError: It can't be read.
    """
    from safetensors import SafetensorError, safe_open

    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # a pipe or a device may never end
        raise TensorFileError("is no file")
    if status.st_size > most_bytes:
        raise TensorFileError(f"is larger than {most_bytes >> 20} MiB")
    with path.open("rb") as file:
        head = file.read(_LENGTH.size)
    length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
    if not 0 < length <= min(MOST_HEADER_BYTES, status.st_size - _LENGTH.size):
        raise TensorFileError("is no safetensors file, or its header is too long")
    try:
        with safe_open(path, framework="pt") as opened:
            metadata = dict(opened.metadata() or {})
            tensors = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, ValueError, RuntimeError, TypeError, AttributeError) as error:
        raise TensorFileError(f"can't be read as weights ({type(error).__name__})") from error
    for key, tensor in tensors.items():
        if tensor.dtype not in _KINDS:
            raise TensorFileError(f"holds {key[:60]} as {tensor.dtype}")
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise TensorFileError(f"holds numbers in {key[:60]} that are not finite")
    return metadata, tensors

"""Import what the authors of arXiv 2211.07951 released: state dicts of their networks, saved by nn.DataParallel."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError
from typing import Literal

import torch
from torch import Tensor, nn

from library.encoders.paper import PAPER_DIM, PAPER_SLOTS, PaperLarge, PaperNetwork, strip_parallel
from library.encoders.tensors import TensorFileError, read_tensors
from library.errors import InputError

__all__ = ["ReleasedKind", "import_released", "load_released"]

ReleasedKind = Literal["single", "small", "large"]

_HEADER_KEY = "timbrel-released"
_KINDS: dict[str, ReleasedKind] = {"single": "single", "small": "small", "large": "large"}

_MAX_BYTES = 1 << 30
"""Largest file that is read: the Large network is 227 MB as float32."""


def import_released(path: Path, out: Path) -> ReleasedKind:
    """Check a released state dict against its network and write it as safetensors, fp16; an existing file is replaced.

    Args:
        path: A .pt or .pth file as released; unpickled with weights alone, so that it can't run anything.
        out: File to write.

    Raises:
        InputError: It is not one of the three networks.
    """
    from safetensors.torch import save_file

    state = _read(path)
    kind = _kind(path, state)
    network = _build(kind, state)
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:
        rule = f"does not fit the paper's {kind} network ({str(error).splitlines()[-1].strip()})"
        raise _no(path, rule) from error
    half = {key: (value.half() if value.is_floating_point() else value).contiguous() for key, value in state.items()}
    part = out.with_suffix(".part")
    save_file(half, part, metadata={_HEADER_KEY: kind})
    part.replace(out)
    return kind


def load_released(path: Path) -> tuple[ReleasedKind, nn.Module]:
    """Load a file that import_released() wrote, in evaluation mode.

    Raises:
        InputError: It is something else, or damaged.
    """
    try:
        metadata, state = read_tensors(path, _MAX_BYTES)
        kind = _KINDS.get(metadata.get(_HEADER_KEY, ""))
        if kind is None:
            raise _no(path, "was not written by `timbrel weights import`")
        full = {key: value.float() if value.is_floating_point() else value for key, value in state.items()}
        network = _build(kind, full)
        network.load_state_dict(full, strict=True)
    except TensorFileError as error:
        raise _no(path, str(error)) from error
    except (OSError, KeyError, RuntimeError) as error:
        raise _no(path, f"can't be read as weights ({type(error).__name__})") from error
    return kind, network.eval()


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if not path.is_file() and path.exists():
            raise _no(path, "is no file")
        if path.stat().st_size > _MAX_BYTES:
            raise _no(path, f"is larger than {_MAX_BYTES >> 20} MiB")
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise _no(path, f"can't be read ({error.strerror})") from error
    except (UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise _no(path, f"is no state dict ({type(error).__name__})") from error
    if not isinstance(loaded, dict) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise _no(path, "is no state dict")
    if not all(isinstance(key, str) for key in loaded):
        raise _no(path, "is no state dict")
    if any(value.is_floating_point() and not bool(torch.isfinite(value).all()) for value in loaded.values()):
        raise _no(path, "holds numbers that are not finite")
    return strip_parallel(loaded)


def _kind(path: Path, state: dict[str, Tensor]) -> ReleasedKind:
    if "stem.0.weight" in state:
        return "large"
    last = state.get("linear2.0.weight")
    if last is None or last.ndim != 2:
        raise _no(path, "has neither linear2.0.weight nor stem.0.weight")
    return "small" if last.shape[0] == PAPER_SLOTS * PAPER_DIM else "single"


def _build(kind: ReleasedKind, state: dict[str, Tensor]) -> nn.Module:
    """Make the network; the Large one is timm's own, whose keys the released file has."""
    if kind == "large":
        return PaperLarge().net
    return PaperNetwork(len(state["linear2.0.weight"]))


def _no(path: Path, rule: str) -> InputError:
    return InputError(path, rule, "give a checkpoint of the paper's Single, Small or Large network")

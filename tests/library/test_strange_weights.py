"""Check that weights from a stranger end in one line: nothing large is made, nothing but numbers is taken."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from library.encoders.checkpoint import Calibration, _fingerprint, load_checkpoint, save_checkpoint
from library.encoders.network import NetworkConfig, TimbrelNetwork
from library.encoders.released import import_released, load_released
from library.encoders.tensors import MOST_HEADER_BYTES
from library.errors import EncoderError, InputError
from tests.library.test_encoders import COHORT, SMALL

State = dict[str, Tensor]
Header = dict[str, Any]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "small.safetensors"
    save_checkpoint(path, TimbrelNetwork(SMALL), Calibration(2.0, -0.5, 0.25), 5.0, COHORT)
    return path


def change(path: Path, how: Callable[[Header, State], object]) -> None:
    """Change a checkpoint and give it the fingerprint that fits, as its maker could."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(json.loads(file.read(length))["__metadata__"]["timbrel"])
    state = load_file(path)
    del header["fingerprint"]
    how(header, state)
    header["fingerprint"] = _fingerprint(header, {k: v for k, v in state.items() if v.dtype != torch.bfloat16})
    save_file(state, path, {"timbrel": json.dumps(header)})


def refused(path: Path) -> str:
    with pytest.raises(EncoderError) as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    return str(caught.value)


@pytest.mark.parametrize("length", [0, 1, MOST_HEADER_BYTES + 1, 1 << 40, 2**63, 2**64 - 1])
def test_a_header_longer_than_it_can_be_is_never_read(weights: Path, length: int) -> None:
    data = weights.read_bytes()
    weights.write_bytes(struct.pack("<Q", length) + data[8:])
    assert "header" in refused(weights) or length == 1


@pytest.mark.parametrize("keep", [0, 1, 8, 100, 2000, 10_000])
def test_a_file_cut_short_is_told(weights: Path, keep: int) -> None:
    weights.write_bytes(weights.read_bytes()[:keep])
    refused(weights)


def test_a_file_longer_than_weights_are_is_never_read(tmp_path: Path) -> None:
    path = tmp_path / "long.safetensors"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    assert "larger than 256 MiB" in refused(path)
    with pytest.raises(InputError, match="larger than 1024 MiB"):
        load_released(path)


def test_a_pipe_or_a_device_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        assert "is no file" in refused(tmp_path / name)
        with pytest.raises(InputError, match="is no file"):
            load_released(tmp_path / name)
        with pytest.raises(InputError, match="is no file"):
            import_released(tmp_path / name, tmp_path / "out")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_not_finite_are_refused(weights: Path, value: float) -> None:
    change(weights, lambda _, state: state["queries"].view(-1).__setitem__(3, value))
    assert "not finite" in refused(weights)


def _size(name: str, value: object) -> Callable[[Header, State], object]:
    return lambda header, _: header["network"].__setitem__(name, value)


def _in(section: str, name: str, value: object) -> Callable[[Header, State], object]:
    return lambda header, _: header[section].__setitem__(name, value)


STRANGE: dict[str, Callable[[Header, State], object]] = {
    "larger than its weights": _size("dim", 4096),
    "larger than anything": _size("cells", 1 << 40),
    "wider than its weights": _size("widths", [4000, 4000]),
    "three widths": _size("widths", [4, 8, 8]),
    "layers without end": _size("layers", 10**9),
    "more layers than it holds": _size("layers", 60),
    "blocks that owe": _size("blocks", -1),
    "no slots": _size("slots", 0),
    "kinds without end": _size("kinds", 10**9),
    "more kinds than it holds": _size("kinds", 4000),
    "heads that don't divide": _size("heads", 7),
    "a size that is text": _size("rows", "36"),
    "a size that is half": _size("traits", 8.5),
    "a size of another name": _size("depth", 3),
    "no network": lambda header, _: header.pop("network"),
    "a network that is a list": lambda header, _: header.__setitem__("network", []),
    "features without end": _in("features", "bands", 10**12),
    "a step of nothing": _in("features", "hop_length", 0),
    "another scale": _in("features", "scale", "cubic"),
    "features of another name": _in("features", "colour", 1),
    "a window of a year": lambda header, _: header.__setitem__("window_s", 3e7),
    "a window that is none": lambda header, _: header.__setitem__("window_s", float("nan")),
    "a temperature of zero": _in("calibration", "temperature", 0.0),
    "a threshold beyond all": _in("calibration", "threshold", 2.0),
    "a bias that is text": _in("calibration", "bias", "x"),
    "no rule": lambda header, _: header["calibration"].pop("rule"),
    "no cohort": lambda _, state: state.pop("cohort"),
    "a cohort of another length": lambda _, state: state.__setitem__("cohort", torch.zeros(4, 5)),
    "a weight too few": lambda _, state: state.pop("key.bias"),
    "a weight too many": lambda _, state: state.__setitem__("more", torch.zeros(3)),
    "a weight of another shape": lambda _, state: state.__setitem__("key.bias", torch.zeros(3)),
    "a variance below zero": lambda _, state: state["trunk.stem1_norm.running_var"].fill_(-1.0),
    "bfloat16": lambda _, state: state.__setitem__("key.bias", torch.zeros(16, dtype=torch.bfloat16)),
    "no header": lambda header, _: header.clear(),
}


@pytest.mark.parametrize("name", sorted(STRANGE))
def test_weights_that_don_t_fit_their_header_are_refused(weights: Path, name: str) -> None:
    change(weights, STRANGE[name])
    refused(weights)


def test_a_header_nested_deep_is_refused(weights: Path) -> None:
    save_file(load_file(weights), weights, {"timbrel": "[" * 100_000})
    refused(weights)


def test_what_is_not_changed_is_still_read(weights: Path) -> None:
    change(weights, lambda *_: None)
    assert load_checkpoint(weights).network.config == SMALL
    assert NetworkConfig().dim == 192


@pytest.mark.parametrize("outputs", [1, 953])
def test_released_weights_that_are_not_numbers_or_do_not_fit_are_refused(tmp_path: Path, outputs: int) -> None:
    path = tmp_path / "x.safetensors"
    save_file({"linear2.0.weight": torch.full((outputs, 4), float("nan"))}, path, {"timbrel-released": "single"})
    with pytest.raises(InputError, match="not finite"):
        load_released(path)
    for state in ({"linear2.0.weight": torch.zeros(outputs, 4)}, {"other": torch.zeros(1)}):
        save_file(state, path, {"timbrel-released": "small"})
        with pytest.raises(InputError, match="can't be read as weights"):
            load_released(path)
    torch.save({"linear2.0.weight": torch.full((outputs, 4), float("nan"))}, tmp_path / "x.pt")
    with pytest.raises(InputError, match="not finite"):
        import_released(tmp_path / "x.pt", tmp_path / "out")

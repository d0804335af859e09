from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from library.encoders.paper import PaperNetwork
from library.encoders.released import import_released, load_released
from library.errors import InputError
from library.evaluation.systems import PaperSystem

AUDIO = np.random.default_rng(0).standard_normal((2, 80_000)).astype(np.float32)


def released(path: Path, outputs: int) -> PaperNetwork:
    """Save a network as nn.DataParallel does."""
    torch.manual_seed(outputs)
    network = PaperNetwork(outputs).eval()
    torch.save({f"module.{key}": value for key, value in network.state_dict().items()}, path)
    return network


def test_single_and_small_are_told_apart_and_keep_their_weights(tmp_path: Path) -> None:
    single = released(tmp_path / "single.pt", 953)
    released(tmp_path / "small.pt", 9 * 1024)
    assert import_released(tmp_path / "single.pt", tmp_path / "single.safetensors") == "single"
    assert import_released(tmp_path / "small.pt", tmp_path / "small.safetensors") == "small"
    kind, network = load_released(tmp_path / "single.safetensors")
    assert kind == "single"
    for key, value in single.state_dict().items():
        torch.testing.assert_close(network.state_dict()[key], value, atol=1e-3, rtol=1e-3)


def test_imported_networks_can_be_evaluated(tmp_path: Path) -> None:
    for name, outputs in (("single", 953), ("small", 9 * 1024)):
        released(tmp_path / f"{name}.pt", outputs)
        import_released(tmp_path / f"{name}.pt", tmp_path / f"{name}.safetensors")
    system = PaperSystem(tmp_path / "single.safetensors", tmp_path / "small.safetensors")
    assert system.embed(AUDIO).shape == (2, 1024)
    assert system.encode(AUDIO).vectors.shape == (2, 9, 1024)
    with pytest.raises(InputError, match="in this order"):
        PaperSystem(tmp_path / "small.safetensors", tmp_path / "single.safetensors")


def test_other_files_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.pt").write_text("no weights")
    torch.save({"linear2.0.weight": torch.zeros(5, 3)}, tmp_path / "part.pt")
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pt")
    torch.save({"a": 3}, tmp_path / "numbers.pt")
    rules = {"text": "no state dict", "part": "does not fit", "other": "has neither", "numbers": "no state dict"}
    for name, rule in rules.items():
        with pytest.raises(InputError, match=rule) as caught:
            import_released(tmp_path / f"{name}.pt", tmp_path / "out.safetensors")
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="can't be read"):
        import_released(tmp_path / "missing.pt", tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()

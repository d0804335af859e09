from __future__ import annotations

import pytest
import torch

from library.encoders.paper import PaperLarge, PaperNetwork, strip_parallel


def parameters(network: torch.nn.Module) -> float:
    return sum(p.numel() for p in network.parameters()) / 1e6


def test_small_has_the_papers_size() -> None:
    assert parameters(PaperNetwork()) == pytest.approx(10.9, abs=0.1)


@pytest.mark.slow
def test_large_has_the_papers_size_and_nine_slots() -> None:
    large = PaperLarge().eval()
    assert parameters(large) == pytest.approx(56.6, abs=0.5)
    with torch.inference_mode():
        assert large.slots(torch.randn(1, 1, 128, 157)).shape == (1, 9, 1024)


def test_a_state_dict_of_the_released_keys_loads() -> None:
    released = {
        f"module.{stage}.{layer}.{name}"
        for stage in ("conv1", "conv2", "conv3", "conv4")
        for layer, names in ((0, ("weight", "bias")), (1, ("weight", "bias", "running_mean", "running_var")))
        for name in names
    } | {"module.linear1.1.weight", "module.linear2.0.weight"}
    state = {f"module.{key}": value for key, value in PaperNetwork(953).state_dict().items()}
    assert released <= set(state)
    network = PaperNetwork(953)
    network.load_state_dict(strip_parallel(state), strict=True)
    assert network.embed(torch.randn(2, 1, 128, 157)).shape == (2, 1024)
    assert network(torch.randn(2, 1, 128, 157)).shape == (2, 953)

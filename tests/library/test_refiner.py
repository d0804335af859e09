"""Check that slots are corrected by each other, and by nothing else."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as f

from library.encoders.network import TimbrelNetwork
from library.encoders.refiner import Refiner

DIM, SLOTS = 24, 5


@pytest.fixture
def refiner() -> Refiner:
    torch.manual_seed(0)
    return Refiner(DIM, 16, 4).eval()


def _taught(refiner: Refiner) -> Refiner:
    nn.init.normal_(refiner.correct.weight, std=0.3)
    return refiner


def _slots(windows: int = 3) -> Tensor:
    return f.normalize(torch.randn(windows, SLOTS, DIM), dim=-1)


def test_a_new_one_changes_nothing(refiner: Refiner) -> None:
    slots = _slots()
    torch.testing.assert_close(refiner(slots), slots)


def test_vectors_stay_of_unit_norm(refiner: Refiner) -> None:
    slots = _slots()
    with torch.inference_mode():
        found = _taught(refiner)(slots)
    torch.testing.assert_close(found.norm(dim=-1), torch.ones(3, SLOTS))
    assert (found - slots).abs().max() > 0.05


def test_a_slot_is_corrected_by_the_others_of_its_window_alone(refiner: Refiner) -> None:
    slots = _slots()
    others = slots.clone()
    others[0, 1] = -slots[0, 1]
    with torch.inference_mode():
        before, after = (_taught(refiner)(s) if k == 0 else refiner(s) for k, s in enumerate((slots, others)))
    assert (before[0, 0] - after[0, 0]).abs().max() > 1e-3, "another slot of the window says something else"
    torch.testing.assert_close(before[1:], after[1:])


def test_the_order_of_slots_does_not_matter(refiner: Refiner) -> None:
    slots, order = _slots(), torch.tensor([3, 0, 4, 1, 2])
    with torch.inference_mode():
        torch.testing.assert_close(_taught(refiner)(slots)[:, order], refiner(slots[:, order]))


def test_it_learns_what_leaks_from_one_slot_into_another(refiner: Refiner) -> None:
    torch.manual_seed(1)
    optimiser = torch.optim.Adam(refiner.parameters(), lr=3e-3)
    refiner.train()
    for _ in range(300):
        heard, played = _leaking(64)
        loss = (1.0 - (refiner(heard) * played).sum(dim=-1)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    refiner.eval()
    heard, played = _leaking(256)
    with torch.inference_mode():
        apart, left = (float((1.0 - (vectors * played).sum(dim=-1)).mean()) for vectors in (heard, refiner(heard)))
    assert left < 0.7 * apart


def _leaking(windows: int) -> tuple[Tensor, Tensor]:
    """Draw slots that hold some of the others of their window, and what they would be without."""
    played = _slots(windows)
    return f.normalize(played + 0.3 * (played.sum(dim=1, keepdim=True) - played), dim=-1), played


def test_the_multi_path_is_corrected_and_the_single_path_is_not() -> None:
    torch.manual_seed(0)
    network = TimbrelNetwork().eval()
    features = torch.randn(2, 1, 180, 64)
    with torch.inference_mode():
        single, plain = network.single(features), network.multi(features)
        nn.init.normal_(network.refiner.correct.weight, std=0.3)
        refined = network.multi(features)
    torch.testing.assert_close(refined.vectors, network.refiner(plain.vectors))
    assert (refined.vectors - plain.vectors).abs().max() > 0.05
    torch.testing.assert_close(refined.whole, single)
    torch.testing.assert_close(refined.presence, plain.presence)

from __future__ import annotations

from itertools import permutations

import numpy as np
import torch
from torch.nn import functional as f

from library.data.mixing import MixConfig, Mixer
from library.encoders.network import NetworkConfig, TimbrelNetwork
from library.training.calibrate import calibrate
from library.training.config import TrainConfig
from library.training.losses import (
    Kinds,
    Targets,
    angular_margin_loss,
    assign,
    mixture_loss,
    permutation_invariant_loss,
)
from tests.library.clips import small_store

SMALL = NetworkConfig(dim=16, cells=16, slots=9, layers=1, heads=2, widths=(4, 8), blocks=1, traits=8)


def test_the_assignment_is_the_best_of_all_permutations() -> None:
    torch.manual_seed(0)
    cost = torch.rand(5, 5, 5)
    pairs = assign(cost, torch.ones(5, 5, dtype=torch.bool))
    for b in range(5):
        best = min(sum(float(cost[b, p[s], s]) for s in range(5)) for p in permutations(range(5)))
        mine = pairs.row == b
        assert abs(float(cost[b, pairs.slot[mine], pairs.source[mine]].sum()) - best) < 1e-5


def test_absent_sources_take_no_slot() -> None:
    present = torch.tensor([[True, False, True]])
    pairs = assign(torch.rand(1, 4, 3), present)
    assert sorted(pairs.source.tolist()) == [0, 2]


def test_a_cyclic_permutation_of_the_targets_costs_nothing() -> None:
    """The released code gathers with the inverse permutation, which is right for swaps and wrong for cycles."""
    torch.manual_seed(0)
    targets = f.normalize(torch.randn(1, 9, 32), dim=-1)
    slots = targets[:, [1, 2, 0, 4, 5, 3, 7, 8, 6]]
    assert float(permutation_invariant_loss(slots, targets, torch.ones(1, 9, dtype=torch.bool))) < 1e-5


def test_a_margin_makes_the_loss_larger() -> None:
    torch.manual_seed(0)
    vectors, prototypes = f.normalize(torch.randn(8, 16), dim=-1), torch.randn(5, 16)
    label = torch.arange(8) % 5
    with_margin = angular_margin_loss(vectors, label, prototypes, TrainConfig(margin=0.3))
    without = angular_margin_loss(vectors, label, prototypes, TrainConfig(margin=0.0))
    torch.testing.assert_close(without, f.cross_entropy(24.0 * vectors @ f.normalize(prototypes, dim=-1).T, label))
    assert with_margin > without


def test_the_mixture_loss_reaches_every_part_of_the_network() -> None:
    torch.manual_seed(0)
    network, prototypes = TimbrelNetwork(SMALL), torch.nn.Parameter(torch.randn(10, 16))
    torch.nn.init.normal_(network.refiner.correct.weight)  # at first it hides what lies before it
    batch = Mixer(small_store(), MixConfig(), seed=0).mixtures(6)
    families = Kinds(torch.nn.Parameter(torch.randn(3, 16)), torch.arange(10) % 4 - 1)
    programs = Kinds(torch.nn.Parameter(torch.randn(5, 16)), torch.arange(10) % 6 - 1)
    targets = Targets(prototypes, {"families": families, "programs": programs})
    loss, parts = mixture_loss(network, network.multi(batch.features), batch, targets, TrainConfig())
    torch.autograd.backward(loss)
    assert set(parts) == {"which", "presence", "masks", "notes", "families", "programs"}
    silent = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    on_their_own = {"kind_network", "slot_kind"}  # fitted when the rest is done
    assert {name.partition(".")[0] for name in silent} == on_their_own
    assert prototypes.grad is not None
    assert families.directions.grad is not None
    assert programs.directions.grad is not None


def test_calibration_finds_the_threshold_between_true_and_empty_slots() -> None:
    rng = np.random.default_rng(0)
    library = np.eye(12, dtype=np.float32)
    truth = np.zeros((200, 12), bool)
    vectors = np.zeros((200, 9, 12), np.float32)
    logits = rng.normal(-6.0, 1.2, (200, 9)).astype(np.float32)
    for m in range(200):
        chosen = rng.choice(12, int(rng.integers(2, 9)), replace=False)
        truth[m, chosen] = True
        vectors[m, : len(chosen)] = library[chosen]
        vectors[m, len(chosen) :] = library[rng.integers(12, size=9 - len(chosen))]
        logits[m, : len(chosen)] = rng.normal(-2.0, 1.2, len(chosen))
    calibration = calibrate(vectors, logits, library, truth)
    scaled = torch.from_numpy(logits / calibration.temperature + calibration.bias)
    probability = scaled.sigmoid().numpy()
    assert ((probability > calibration.threshold).sum(axis=1) == truth.sum(axis=1)).mean() > 0.5
    assert abs(probability.sum(axis=1).mean() - truth.sum(axis=1).mean()) < 0.2


def test_presence_that_says_the_opposite_is_calibrated_to_say_nothing() -> None:
    rng = np.random.default_rng(0)
    library = np.eye(4, dtype=np.float32)
    truth = np.zeros((60, 4), bool)
    truth[:, 0] = True
    vectors = np.stack([library[[0, 1, 1]]] * 60)
    logits = rng.normal(0.0, 0.5, (60, 3)).astype(np.float32)
    logits[:, 0] -= 3.0  # the slot that holds the instrument
    calibration = calibrate(vectors, logits, library, truth)
    assert 100.0 <= calibration.temperature <= 1e4
    probability = torch.from_numpy(logits / calibration.temperature + calibration.bias).sigmoid()
    assert abs(float(probability.mean()) - 1 / 3) < 0.02

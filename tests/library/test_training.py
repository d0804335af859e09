from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from library.data.clips import SPECS
from library.encoders.checkpoint import Calibration, load_checkpoint, save_checkpoint
from library.encoders.network import NetworkConfig, TimbrelNetwork
from library.encoders.paper import PaperLarge, PaperNetwork
from library.encoders.runtime import WEIGHTS
from library.errors import ConfigError, EncoderError, InputError
from library.evaluation.systems import PaperSystem
from library.training.average import average_with
from library.training.config import CONFIGS, TrainConfig, load_config
from library.training.entry import export, train_multi, train_single
from library.training.paper import PaperMultiTask, PaperSingleTask
from library.training.run import run_training
from library.training.start import begin
from library.training.tasks import MultiTask
from tests.library.clips import small_store


class Line:
    """Learn a straight line: the smallest real task."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.net = nn.Linear(1, 1)
        self.modules: dict[str, nn.Module] = {"net": self.net}
        self.rng = np.random.default_rng(0)
        self.draws, self.stop_after = 0, 1_000_000

    def loss(self, done: float) -> tuple[Tensor, dict[str, float]]:
        if self.draws == self.stop_after:
            raise KeyboardInterrupt
        self.draws += 1
        x = torch.from_numpy(self.rng.standard_normal((16, 1)).astype(np.float32))
        loss = (self.net(x) - 3 * x).square().mean()
        return loss, {"error": float(loss.detach())}

    def validate(self) -> dict[str, float]:
        return {"slope": float(self.net.weight.detach())}


def test_a_run_learns_and_writes_its_log(tmp_path: Path) -> None:
    result = run_training(Line(), TrainConfig(steps=200, peak_lr=0.1, weight_decay=0.0), tmp_path)
    assert result["steps"] == 200
    assert result["slope"] == pytest.approx(3.0, abs=0.1)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert rows[-1]["slope"] == pytest.approx(result["slope"], abs=1e-3)
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_stopped_run_goes_on_with_its_weights_rate_and_draws(tmp_path: Path) -> None:
    config = TrainConfig(steps=100, peak_lr=0.1, weight_decay=0.0)
    whole = Line()
    run_training(whole, config, tmp_path / "whole")
    stopped = Line()
    stopped.stop_after = 40
    with pytest.raises(KeyboardInterrupt):
        run_training(stopped, config, tmp_path / "parts")
    resumed = Line()
    result = run_training(resumed, config, tmp_path / "parts")
    assert result["steps"] == 100
    assert resumed.draws == 60
    assert resumed.net.weight.item() == whole.net.weight.item()
    assert resumed.rng.bit_generator.state == whole.rng.bit_generator.state


def test_a_run_by_the_clock_ends(tmp_path: Path) -> None:
    assert run_training(Line(), TrainConfig(minutes=0.005), tmp_path)["minutes"] >= 0.005


def test_a_run_by_processor_time_ends(tmp_path: Path) -> None:
    result = run_training(Line(), TrainConfig(core_minutes=0.005), tmp_path)
    assert result["core_minutes"] >= 0.005


@pytest.mark.slow
@pytest.mark.parametrize("network", [PaperNetwork, PaperLarge])
def test_runs_of_the_papers_networks_can_be_evaluated(
    tmp_path: Path, network: type[PaperNetwork] | type[PaperLarge]
) -> None:
    store, config = small_store(12, 9, spec=SPECS[1]), TrainConfig(batch=2)
    single = PaperSingleTask(store, store, config)
    multi = PaperMultiTask(store, store, config, single, network(), tmp_path / "targets.npy")
    loss, _ = multi.loss(1.0)
    torch.autograd.backward(loss)
    for name, modules in {"single": single.modules, "multi": multi.modules}.items():
        (tmp_path / name).mkdir()
        state = {key: module.state_dict() for key, module in modules.items()}
        torch.save({"modules": state}, tmp_path / name / "state.pt")
    system = PaperSystem(tmp_path / "single", tmp_path / "multi")
    assert system.name == ("paper's Large" if network is PaperLarge else "paper's Small")
    audio = np.random.default_rng(0).standard_normal((1, 80_000)).astype(np.float32)
    assert system.encode(audio).vectors.shape == (1, 9, 1024)


def test_multi_without_a_single_run_says_what_to_run_first(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="timbrel train single"):
        train_multi(tmp_path, tmp_path / "none", tmp_path / "out", TrainConfig(), "timbrel", "cpu", lambda *_: None)


def test_training_without_clips_says_what_to_render(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="timbrel data render"):
        train_single(tmp_path, tmp_path / "out", TrainConfig(), "timbrel", "cpu", lambda *_: None)


def test_a_trained_task_exports_weights_that_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from library.encoders import load_encoder

    monkeypatch.setattr("library.training.entry.CALIBRATION_MIXTURES", 64)
    monkeypatch.setattr("library.training.tasks.COHORT", 32)
    task = MultiTask(small_store(12, 9), small_store(12, 27, seed=1), TrainConfig(batch=8, threads=2))
    loss, parts = task.loss(1.0)
    assert torch.isfinite(loss)
    assert {"single", "which", "presence", "masks", "notes"} <= set(parts)
    trunk = task.network.trunk.stem1.weight.detach().clone()
    fingerprint = export(task, tmp_path / "timbrel.safetensors", windows=64)
    assert torch.equal(task.network.trunk.stem1.weight, trunk)
    assert load_encoder(tmp_path / "timbrel.safetensors", "cpu").spec.fingerprint == fingerprint


def test_a_run_goes_on_from_weights_with_instruments_of_its_own() -> None:
    others = small_store(7, 9, seed=2)
    task = MultiTask(others, small_store(12, 27, seed=1), TrainConfig(batch=8, threads=2))
    begin(task, WEIGHTS, others)
    torch.testing.assert_close(task.network.state_dict(), load_checkpoint(WEIGHTS).network.state_dict())
    lengths = task.prototypes.weight.norm(dim=-1)
    torch.testing.assert_close(lengths, torch.ones(7))
    loss, _ = task.loss(1.0)
    assert torch.isfinite(loss)


def test_a_run_of_other_instruments_is_no_start(tmp_path: Path) -> None:
    config, store = TrainConfig(batch=8, threads=2), small_store(12, 9)
    task = MultiTask(store, store, config)
    torch.save({"modules": {key: part.state_dict() for key, part in task.modules.items()}}, tmp_path / "state.pt")
    begin(task, tmp_path, store)
    other = small_store(7, 9)
    with pytest.raises(InputError, match="other instruments"):
        begin(MultiTask(other, store, config), tmp_path, other)


def test_the_shipped_configs_are_valid() -> None:
    for name in ("single", "multi", "more"):
        assert load_config(CONFIGS / f"{name}.toml").minutes > 0


def test_clips_of_other_makers_teach_kinds_alone() -> None:
    plain = MultiTask(small_store(12, 9), small_store(12, 27, seed=1), TrainConfig(batch=8))
    told = MultiTask(small_store(12, 9), small_store(12, 27, seed=1), TrainConfig(batch=8, makers=1.0))
    _, without = plain.loss(1.0)
    _, parts = told.loss(1.0)
    assert set(parts) - set(without) == {"makers_families", "makers_programs"}


def test_an_unknown_key_of_a_config_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("minuts = 3")
    with pytest.raises(ConfigError, match="minuts"):
        load_config(path)


def test_two_processes_of_torchrun_average_what_they_learn(tmp_path: Path) -> None:
    script = tmp_path / "line.py"
    script.write_text(
        "from pathlib import Path\n"
        "from library.training.config import TrainConfig\n"
        "from library.training.run import run_training\n"
        "from tests.library.test_training import Line\n"
        "config = TrainConfig(steps=50, batch=16, peak_lr=0.1)\n"
        f"result = run_training(Line(), config, Path({str(tmp_path)!r}) / 'run')\n"
        "print(result['slope'], result['windows'])\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    first, second = (line.split() for line in done.stdout.splitlines())
    assert first == second
    assert float(first[1]) == 50 * 2 * 16
    state = torch.load(tmp_path / "run" / "state.pt", weights_only=True)
    one, other = json.loads(state["rng"])
    assert one != other


class Stuck(Line):
    """Never get better than at first."""

    def validate(self) -> dict[str, float]:
        return {"map": 0.5}


def test_a_run_that_gets_no_better_stops_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("library.training.run.VALIDATE_EVERY_S", -1.0)
    result = run_training(Stuck(), TrainConfig(steps=1000, patience=3), tmp_path)
    assert result["steps"] == 5


def test_weights_are_averaged_by_their_share(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = NetworkConfig(dim=16, cells=16, layers=1, heads=2, widths=(4, 8), blocks=1, traits=8)
    trained, before = TimbrelNetwork(config), TimbrelNetwork(config)
    path = tmp_path / "before.safetensors"
    save_checkpoint(path, before, Calibration(1.0, 0.0, 0.5), 5.0, torch.eye(config.embedding))
    ours = trained.local.weight.detach().clone()
    average_with(trained, path, 0.25)
    expected = 0.75 * ours + 0.25 * before.local.weight
    torch.testing.assert_close(trained.local.weight, expected, atol=1e-3, rtol=1e-2)  # files hold float16


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_beyond_the_whole_is_refused(tmp_path: Path, share: float) -> None:
    with pytest.raises(InputError, match=r"0\.\.1"):
        average_with(TimbrelNetwork(), tmp_path / "none.safetensors", share)


def test_weights_of_another_network_are_not_averaged(tmp_path: Path) -> None:
    small = TimbrelNetwork(NetworkConfig(dim=16, cells=16, layers=1, heads=2, widths=(4, 8), blocks=1, traits=8))
    path = tmp_path / "small.safetensors"
    save_checkpoint(path, small, Calibration(1.0, 0.0, 0.5), 5.0, torch.eye(small.config.embedding))
    with pytest.raises(EncoderError, match="other sizes"):
        average_with(TimbrelNetwork(), path, 0.5)

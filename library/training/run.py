"""Run steps until all are done or the time is used up; resumable after a kill."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, TextIO

import numpy as np
import torch
from torch import Tensor, nn

from library.training.config import TrainConfig
from library.training.curves import draw_curves
from library.training.ranks import Ranks

__all__ = ["Task", "run_training"]

SAVE_EVERY_S = 60.0
VALIDATE_EVERY_S = 240.0
WARM_UP = 0.03
"""Share of the run in which the learning rate rises."""

MAX_GRADIENT = 1.0

GOAL = "map"
"""Validation figure that early stopping looks at."""


class Task(Protocol):
    """Know what is trained and how good it is."""

    modules: dict[str, nn.Module]
    rng: np.random.Generator

    def loss(self, done: float) -> tuple[Tensor, dict[str, float]]:
        """Draw a batch and return its loss, with its parts for the log; done is the share of the run behind us."""
        ...

    def validate(self) -> dict[str, float]:
        """Measure on validation instruments."""
        ...


@dataclass(slots=True)
class _Position:
    """Count how far a run has come.

    Attributes:
        step: Steps done.
        elapsed_s: Seconds spent in them.
        core_s: Seconds of processor time, over all processes.
        windows: Windows seen.
        best: Best validation figure so far.
        waited: Validations since then.
    """

    step: int = 0
    elapsed_s: float = 0.0
    core_s: float = 0.0
    windows: int = 0
    best: float = -math.inf
    waited: int = 0

    def passed(self, spent_s: float, core_s: float, windows: int) -> None:
        """Count a step."""
        self.step += 1
        self.elapsed_s += spent_s
        self.core_s += core_s
        self.windows += windows

    def judged(self, figure: float | None) -> None:
        """Count a validation; a task without the figure never waits."""
        if figure is None:
            return
        self.waited = 0 if figure > self.best else self.waited + 1
        self.best = max(self.best, figure)

    def share(self, config: TrainConfig) -> float:
        """Return the share of the run that is done."""
        if config.steps:
            return self.step / config.steps
        if config.core_minutes:
            return self.core_s / (config.core_minutes * 60.0)
        return self.elapsed_s / (config.minutes * 60.0)

    def figures(self) -> dict[str, float]:
        return {
            "steps": float(self.step),
            "windows": float(self.windows),
            "minutes": self.elapsed_s / 60,
            "core_minutes": self.core_s / 60,
        }


def run_training(
    task: Task, config: TrainConfig, folder: Path, progress: Callable[[str, float], None] = lambda *_: None
) -> dict[str, float]:
    """Train until the config's steps, core-minutes or minutes are used up, going on where an earlier run was stopped.

    Writes FOLDER/state.pt (everything that is needed to go on), FOLDER/log.jsonl and FOLDER/curves.png (losses
    and validation figures). Under torchrun each process draws config.batch windows of its own, gradients are averaged,
    and the first process writes.

    Returns:
        The last validation figures.
    """
    torch.set_num_threads(config.threads)
    folder.mkdir(parents=True, exist_ok=True)
    parameters = [p for module in task.modules.values() for p in module.parameters() if p.requires_grad]
    ranks = Ranks.join(parameters[0].device.type)
    optimiser = torch.optim.AdamW(parameters, lr=config.peak_lr, weight_decay=config.weight_decay)
    at = _restore(task, optimiser, folder, config.seed, ranks)
    saved = validated = at.elapsed_s
    shown: dict[str, float] = {}
    with (
        (folder / "log.jsonl").open("a") as log,
        _saved_when_stopped(lambda: _save(task, optimiser, folder, at, ranks), alone=ranks.world == 1),
    ):
        while (done := at.share(config)) < 1.0 and not 0 < config.patience < at.waited:
            began, cpu_began = time.monotonic(), time.process_time()
            _set_rate(optimiser, config.peak_lr, done)
            for module in task.modules.values():
                module.train()
            loss, parts = task.loss(done)
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            clocks = (time.monotonic() - began, time.process_time() - cpu_began)
            spent, used = ranks.average(parameters, clocks)
            nn.utils.clip_grad_norm_(parameters, MAX_GRADIENT)
            optimiser.step()
            at.passed(spent, used * ranks.world, config.batch * ranks.world)
            for key, value in parts.items():
                shown[key] = 0.98 * shown.get(key, value) + 0.02 * value
            if at.step % 20 == 0:
                progress(_line(at, shown), done)
            if at.elapsed_s - validated > VALIDATE_EVERY_S:
                validated = at.elapsed_s
                _validate(task, at, shown, log, ranks)
            if at.elapsed_s - saved > SAVE_EVERY_S:
                saved = at.elapsed_s
                _save(task, optimiser, folder, at, ranks)
        result = _validate(task, at, shown, log, ranks)
    _save(task, optimiser, folder, at, ranks)
    ranks.leave()
    if ranks.rank == 0:
        draw_curves(folder)
    return {**result, **at.figures()}


def _validate(task: Task, at: _Position, shown: dict[str, float], log: TextIO, ranks: Ranks) -> dict[str, float]:
    """Measure and log in the first process; the others are told."""
    result: dict[str, float] = ranks.gather(task.validate() if ranks.rank == 0 else {})[0]
    at.judged(result.get(GOAL))
    if ranks.rank == 0:
        _log(log, at, shown, result)
    return result


@contextmanager
def _saved_when_stopped(save: Callable[[], None], *, alone: bool) -> Iterator[None]:
    """Keep what was learnt when Ctrl-C ends the run between two saves; a kill loses a minute."""
    try:
        yield
    except KeyboardInterrupt:
        if alone:
            save()
        raise


def _set_rate(optimiser: torch.optim.Optimizer, peak: float, done: float) -> None:
    """Rise linearly, then fall as a cosine to zero, by the share of the run that is done."""
    rate = peak * min(1.0, done / WARM_UP + 1e-3) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    for group in optimiser.param_groups:
        group["lr"] = rate


def _save(task: Task, optimiser: torch.optim.Optimizer, folder: Path, at: _Position, ranks: Ranks) -> None:
    draws = ranks.gather(task.rng.bit_generator.state)
    if ranks.rank > 0:
        return
    state: dict[str, Any] = {  # Any: optimiser states are nested dicts of mixed values
        "modules": {key: module.state_dict() for key, module in task.modules.items()},
        "optimiser": optimiser.state_dict(),
        "rng": json.dumps(draws),
        "position": asdict(at),
    }
    part = folder / "state.part"
    torch.save(state, part)
    part.replace(folder / "state.pt")


def _restore(task: Task, optimiser: torch.optim.Optimizer, folder: Path, seed: int, ranks: Ranks) -> _Position:
    if ranks.rank > 0:
        task.rng.bit_generator.state = np.random.default_rng([seed, ranks.rank]).bit_generator.state
    if not (folder / "state.pt").exists():
        return _Position()
    state = torch.load(folder / "state.pt", weights_only=True)
    for key, module in task.modules.items():
        module.load_state_dict(state["modules"][key])
    optimiser.load_state_dict(state["optimiser"])
    draws = json.loads(state["rng"])
    if ranks.rank < len(draws):
        task.rng.bit_generator.state = draws[ranks.rank]
    return _Position(**state["position"])


def _log(log: TextIO, at: _Position, parts: dict[str, float], result: dict[str, float]) -> None:
    row = {**at.figures(), **parts, **result}
    log.write(json.dumps({key: round(float(value), 4) for key, value in row.items()}) + "\n")
    log.flush()


def _line(at: _Position, parts: dict[str, float]) -> str:
    text = " ".join(f"{key} {value:.3f}" for key, value in parts.items())
    rate = at.windows / max(at.elapsed_s, 1e-9)
    return f"step {at.step} {at.elapsed_s / 60:.1f} min {rate:.0f} windows/s {text}"

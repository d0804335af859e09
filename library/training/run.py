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

__all__ = ["Task", "run_training"]

SAVE_EVERY_S = 60.0
VALIDATE_EVERY_S = 240.0
WARM_UP = 0.03
"""Share of the run in which the learning rate rises."""

MAX_GRADIENT = 1.0


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
    """Count how far a run has come: steps, seconds spent in them, and seconds of processor time."""

    step: int = 0
    elapsed_s: float = 0.0
    core_s: float = 0.0

    def share(self, config: TrainConfig) -> float:
        """Return the share of the run that is done."""
        return self.step / config.steps if config.steps else self.elapsed_s / (config.minutes * 60.0)

    def figures(self) -> dict[str, float]:
        return {"steps": float(self.step), "minutes": self.elapsed_s / 60, "core_minutes": self.core_s / 60}


def run_training(
    task: Task, config: TrainConfig, folder: Path, progress: Callable[[str, float], None] = lambda *_: None
) -> dict[str, float]:
    """Train until config.steps are done or config.minutes used up, going on where an earlier run was stopped.

    Writes FOLDER/state.pt (everything that is needed to go on), FOLDER/log.jsonl and FOLDER/curves.png (losses
    and validation figures).

    Returns:
        The last validation figures.
    """
    torch.set_num_threads(config.threads)
    folder.mkdir(parents=True, exist_ok=True)
    parameters = [p for module in task.modules.values() for p in module.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=config.peak_lr, weight_decay=config.weight_decay)
    at = _restore(task, optimiser, folder)
    saved = validated = at.elapsed_s
    shown: dict[str, float] = {}
    with (
        (folder / "log.jsonl").open("a") as log,
        _saved_when_stopped(lambda: _save(task, optimiser, folder, at)),
    ):
        while (done := at.share(config)) < 1.0:
            began, cpu_began = time.monotonic(), time.process_time()
            _set_rate(optimiser, config.peak_lr, done)
            for module in task.modules.values():
                module.train()
            loss, parts = task.loss(done)
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(parameters, MAX_GRADIENT)
            optimiser.step()
            at.step += 1
            at.elapsed_s += time.monotonic() - began
            at.core_s += time.process_time() - cpu_began
            for key, value in parts.items():
                shown[key] = 0.98 * shown.get(key, value) + 0.02 * value
            if at.step % 20 == 0:
                progress(_line(at, shown), done)
            if at.elapsed_s - validated > VALIDATE_EVERY_S:
                validated = at.elapsed_s
                _log(log, at, shown, task.validate())
            if at.elapsed_s - saved > SAVE_EVERY_S:
                saved = at.elapsed_s
                _save(task, optimiser, folder, at)
        result = task.validate()
        _log(log, at, shown, result)
    _save(task, optimiser, folder, at)
    draw_curves(folder)
    return {**result, **at.figures()}


@contextmanager
def _saved_when_stopped(save: Callable[[], None]) -> Iterator[None]:
    """Keep what was learnt when Ctrl-C ends the run between two saves; a kill loses a minute."""
    try:
        yield
    except KeyboardInterrupt:
        save()
        raise


def _set_rate(optimiser: torch.optim.Optimizer, peak: float, done: float) -> None:
    """Rise linearly, then fall as a cosine to zero, by the share of the run that is done."""
    rate = peak * min(1.0, done / WARM_UP + 1e-3) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    for group in optimiser.param_groups:
        group["lr"] = rate


def _save(task: Task, optimiser: torch.optim.Optimizer, folder: Path, at: _Position) -> None:
    state: dict[str, Any] = {  # Any: optimiser states are nested dicts of mixed values
        "modules": {key: module.state_dict() for key, module in task.modules.items()},
        "optimiser": optimiser.state_dict(),
        "rng": json.dumps(task.rng.bit_generator.state),
        "position": asdict(at),
    }
    part = folder / "state.part"
    torch.save(state, part)
    part.replace(folder / "state.pt")


def _restore(task: Task, optimiser: torch.optim.Optimizer, folder: Path) -> _Position:
    if not (folder / "state.pt").exists():
        return _Position()
    state = torch.load(folder / "state.pt", weights_only=True)
    for key, module in task.modules.items():
        module.load_state_dict(state["modules"][key])
    optimiser.load_state_dict(state["optimiser"])
    task.rng.bit_generator.state = json.loads(state["rng"])
    return _Position(**state["position"])


def _log(log: TextIO, at: _Position, parts: dict[str, float], result: dict[str, float]) -> None:
    row = {**at.figures(), **parts, **result}
    log.write(json.dumps({key: round(float(value), 4) for key, value in row.items()}) + "\n")
    log.flush()


def _line(at: _Position, parts: dict[str, float]) -> str:
    text = " ".join(f"{key} {value:.3f}" for key, value in parts.items())
    return f"step {at.step} {at.elapsed_s / 60:.1f} min {text}"

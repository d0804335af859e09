"""Run steps until all are done or the time is used up; resumable after a kill."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from library.training.config import TrainConfig

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

    def loss(self) -> tuple[Tensor, dict[str, float]]:
        """Draw a batch and return its loss, with its parts for the log."""
        ...

    def validate(self) -> dict[str, float]:
        """Measure on validation instruments."""
        ...


def run_training(
    task: Task, config: TrainConfig, folder: Path, progress: Callable[[str, float], None] = lambda *_: None
) -> dict[str, float]:
    """Train until config.steps are done or config.minutes used up, going on where an earlier run was stopped.

    Writes FOLDER/state.pt (everything that is needed to go on), FOLDER/log.jsonl (loss and validation curves).

    Returns:
        The last validation figures.
    """
    torch.set_num_threads(config.threads)
    folder.mkdir(parents=True, exist_ok=True)
    parameters = [p for module in task.modules.values() for p in module.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=config.peak_lr, weight_decay=config.weight_decay)
    step, elapsed = _restore(task, optimiser, folder)
    saved = validated = elapsed
    shown: dict[str, float] = {}
    with (
        (folder / "log.jsonl").open("a") as log,
        _saved_when_stopped(lambda: _save(task, optimiser, folder, step, elapsed)),
    ):
        while (done := _share_done(config, step, elapsed)) < 1.0:
            began = time.monotonic()
            _set_rate(optimiser, config.peak_lr, done)
            for module in task.modules.values():
                module.train()
            loss, parts = task.loss()
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(parameters, MAX_GRADIENT)
            optimiser.step()
            step += 1
            elapsed += time.monotonic() - began
            for key, value in parts.items():
                shown[key] = 0.98 * shown.get(key, value) + 0.02 * value
            if step % 20 == 0:
                progress(_line(step, elapsed, shown), done)
            if elapsed - validated > VALIDATE_EVERY_S:
                validated = elapsed
                _log(log, step, elapsed, shown, task.validate())
            if elapsed - saved > SAVE_EVERY_S:
                saved = elapsed
                _save(task, optimiser, folder, step, elapsed)
        result = task.validate()
        _log(log, step, elapsed, shown, result)
    _save(task, optimiser, folder, step, elapsed)
    return {**result, "steps": float(step), "minutes": elapsed / 60}


@contextmanager
def _saved_when_stopped(save: Callable[[], None]) -> Iterator[None]:
    """Keep what was learnt when Ctrl-C ends the run between two saves; a kill loses a minute."""
    try:
        yield
    except KeyboardInterrupt:
        save()
        raise


def _share_done(config: TrainConfig, step: int, elapsed_s: float) -> float:
    return step / config.steps if config.steps else elapsed_s / (config.minutes * 60.0)


def _set_rate(optimiser: torch.optim.Optimizer, peak: float, done: float) -> None:
    """Rise linearly, then fall as a cosine to zero, by the share of the run that is done."""
    rate = peak * min(1.0, done / WARM_UP + 1e-3) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    for group in optimiser.param_groups:
        group["lr"] = rate


def _save(task: Task, optimiser: torch.optim.Optimizer, folder: Path, step: int, elapsed: float) -> None:
    state: dict[str, Any] = {  # Any: optimiser states are nested dicts of mixed values
        "modules": {key: module.state_dict() for key, module in task.modules.items()},
        "optimiser": optimiser.state_dict(),
        "rng": json.dumps(task.rng.bit_generator.state),
        "step": step,
        "elapsed_s": elapsed,
    }
    part = folder / "state.part"
    torch.save(state, part)
    part.replace(folder / "state.pt")


def _restore(task: Task, optimiser: torch.optim.Optimizer, folder: Path) -> tuple[int, float]:
    if not (folder / "state.pt").exists():
        return 0, 0.0
    state = torch.load(folder / "state.pt", weights_only=True)
    for key, module in task.modules.items():
        module.load_state_dict(state["modules"][key])
    optimiser.load_state_dict(state["optimiser"])
    task.rng.bit_generator.state = json.loads(state["rng"])
    return int(state["step"]), float(state["elapsed_s"])


def _log(
    log: Any, step: int, elapsed: float, parts: Iterable[tuple[str, float]] | dict[str, float], result: dict[str, float]
) -> None:
    row = {"step": step, "minutes": round(elapsed / 60, 2), **dict(parts), **result}
    log.write(json.dumps({key: round(float(value), 4) for key, value in row.items()}) + "\n")
    log.flush()


def _line(step: int, elapsed: float, parts: dict[str, float]) -> str:
    return f"step {step} {elapsed / 60:.1f} min " + " ".join(f"{key} {value:.3f}" for key, value in parts.items())

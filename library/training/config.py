"""Read what a training run does from a TOML file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from library.errors import ConfigError

__all__ = ["CONFIGS", "TrainConfig", "load_config"]

CONFIGS = Path(__file__).parent / "configs"
"""Folder of the configs of the shipped weights."""


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Set one training run.

    Attributes:
        minutes: Time to train; the learning rate falls to zero over it. What counts is time spent in steps.
        steps: Steps to train instead, where it is not 0: the same length on every machine.
        core_minutes: Processor time to train instead, over all processes, where it is not 0: the same cost for every
            network, also beside other work.
        patience: Validations (one in four minutes) without a better mAP after which a run stops; 0 for never.
        batch: Windows per step, of each process under torchrun.
        singles: Share of a step's windows that hold one instrument (multi only).
        makers: Single clips that are changed as other makers of their kind might sound, for each window of a batch, on
            top of it: they teach only their kind (multi only).
        ramp: Share of the run over which mixtures grow to their full number of instruments (multi only).
        peak_lr: Highest learning rate.
        weight_decay: Of AdamW.
        scale: Inverse temperature of the softmax over prototypes.
        margin: Additive angular margin of the single loss, in radians.
        presence_weight: Weight of the loss on presence.
        mask_weight: Weight of the loss on which slot a cell belongs to.
        note_weight: Weight of the loss on which instrument a note's cell belongs to.
        kind_weight: Weight of each loss on what kind of instrument it is: its family, its General MIDI program.
        seed: Seed of weights and mixtures.
        threads: Torch threads.
    """

    minutes: float = 15.0
    steps: int = 0
    core_minutes: float = 0.0
    patience: int = 0
    batch: int = 64
    singles: float = 0.25
    makers: float = 0.0
    ramp: float = 0.4
    peak_lr: float = 2e-3
    weight_decay: float = 0.01
    scale: float = 24.0
    margin: float = 0.2
    presence_weight: float = 1.0
    mask_weight: float = 1.0
    note_weight: float = 1.0
    kind_weight: float = 0.3
    seed: int = 0
    threads: int = 2


def load_config(path: Path) -> TrainConfig:
    """Read a config file.

    Raises:
        ConfigError: It is missing, is no TOML, or holds an unknown key.
    """
    try:
        values = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(path, f"can't be read as TOML ({error})", "check the path and its syntax") from error
    known = {field.name for field in fields(TrainConfig)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ConfigError(f"{path}: {unknown[0]}", "is no setting of a training run", f"use {', '.join(sorted(known))}")
    return TrainConfig(**values)

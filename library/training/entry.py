"""Start training runs by name: what `timbrel train` calls."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as f

from library.data.clips import SPECS, ClipStore
from library.data.known import open_known
from library.encoders.checkpoint import load_checkpoint, save_checkpoint
from library.encoders.paper import PaperLarge, PaperNetwork
from library.errors import InputError
from library.training.average import average_with
from library.training.calibrate import calibrate
from library.training.config import TrainConfig
from library.training.heads import refit_heads
from library.training.kind_heads import fit_kinds
from library.training.kind_task import KindTask
from library.training.kinds import KindLabels
from library.training.paper import PaperMultiTask, PaperSingleTask
from library.training.ranks import Ranks
from library.training.run import run_training
from library.training.start import begin
from library.training.tasks import MultiTask, SingleTask

__all__ = ["Network", "export_run", "train_kinds", "train_multi", "train_single"]

Network = Literal["timbrel", "paper", "paper-large"]
WINDOW_S = 5.0

KIND_WINDOWS = 25_600
"""Single clips, and windows of mixtures, that kinds are learnt from, at most."""

HEADS_WINDOWS = 204_800
"""Windows that the last parts of finished weights are fitted on; a quarter of an hour on two cores."""

CALIBRATION_MIXTURES = 720
"""Validation mixtures that finished weights are calibrated on, three times as many as while they train."""

Progress = Callable[[str, float], None]


def train_single(
    data: Path, out: Path, config: TrainConfig, network: Network, device: str, progress: Progress
) -> dict[str, float]:
    """Train a Single-Instrument Encoder into OUT/state.pt and return its validation figures."""
    train, valid = _stores(data, network)
    task = SingleTask(train, valid, config, device) if network == "timbrel" else PaperSingleTask(train, valid, config)
    return run_training(task, config, out, progress)


def train_multi(
    data: Path, single: Path, out: Path, config: TrainConfig, network: Network, device: str, progress: Progress
) -> dict[str, float]:
    """Train a Multi-Instrument Encoder on top of the single run SINGLE.

    Ours goes on training both paths and writes OUT/timbrel.safetensors, calibrated on validation mixtures; its SINGLE
    may be a weights file too.

    Raises:
        InputError: The single run is missing, or is of other instruments or another network.
        EncoderError: SINGLE is a file that holds no weights of ours.
    """
    if not (single / "state.pt").exists() and not (network == "timbrel" and single.is_file()):
        raise InputError(single, "holds no single encoder", "run `timbrel train single` first")
    train, valid = _stores(data, network)
    if network != "timbrel":
        teacher = PaperSingleTask(train, valid, config)
        teacher.network.load_state_dict(torch.load(single / "state.pt", weights_only=True)["modules"]["network"])
        out.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(config.seed)
        student = PaperLarge() if network == "paper-large" else PaperNetwork()
        paper = PaperMultiTask(train, valid, config, teacher, student, out / "targets.npy")
        return run_training(paper, config, out, progress)
    task = MultiTask(train, valid, config, device)
    begin(task, single, train)
    result = run_training(task, config, out, progress)
    if Ranks.is_first():
        export(task, out / "timbrel.safetensors", HEADS_WINDOWS)
    return result


def train_kinds(
    data: Path, weights: Path, out: Path, config: TrainConfig, device: str, progress: Progress
) -> dict[str, float]:
    """Train what hears kinds, from what WEIGHTS know on; OUT/timbrel.safetensors has it, the rest as in WEIGHTS.

    Raises:
        EncoderError: WEIGHTS can't be read.
        InputError: DATA holds no clips, or none of a known kind.
    """
    train, valid = _stores(data)
    if not KindLabels.read(train.instruments).alike:
        rule = "holds no instrument whose family or General MIDI program is known"
        raise InputError(data, rule, "render SoundFonts too: `timbrel data render`")
    known = load_checkpoint(weights).network.kind_network
    kinds = KindTask(train, valid, config, device, known, open_known(data))
    result = run_training(kinds, config, out, progress)
    if Ranks.is_first():
        task = MultiTask(train, valid, config, device)
        begin(task, weights, train)
        task.network.kind_network.load_state_dict(kinds.network.state_dict())
        directions = f.normalize(task.prototypes.weight.detach(), dim=-1)
        _finish(task, out / "timbrel.safetensors", KIND_WINDOWS, directions)
    return result


def export_run(data: Path, run: Path, config: TrainConfig, other: Path | None = None, share: float = 0.0) -> str:
    """Write RUN/timbrel.safetensors from the last state of a multi run, finished or not; returns the fingerprint.

    Args:
        data: Folder of the data.
        run: Folder of the run.
        config: Settings.
        other: Weights to average the run's with.
        share: Their part.

    Raises:
        InputError: The run holds no state of ours, or the share is out of its range.
        EncoderError: The other weights can't be read, or are of a network of other sizes.
    """
    train, valid = _stores(data)
    task = MultiTask(train, valid, config)
    try:
        state = torch.load(run / "state.pt", weights_only=True)["modules"]
        for key, module in task.modules.items():
            module.load_state_dict(state[key])
    except (OSError, KeyError, RuntimeError) as error:
        raise InputError(run, "holds no run of `timbrel train multi`", "check the folder") from error
    if other is not None:
        average_with(task.network, other, share)
    return export(task, run / "timbrel.safetensors", HEADS_WINDOWS)


def export(task: MultiTask, path: Path, windows: int) -> str:
    """Fit the last parts of a trained task anew, calibrate it and write its weights; returns the fingerprint.

    Args:
        task: The trained task.
        path: Weights file.
        windows: Windows that they are fitted on.
    """
    directions = f.normalize(task.prototypes.weight.detach(), dim=-1)
    refit_heads(task.network, task.draws(windows), directions, task.scale)
    return _finish(task, path, min(windows, KIND_WINDOWS), directions)


def _finish(task: MultiTask, path: Path, windows: int, directions: Tensor) -> str:
    """Fit what says kinds by cells, on so many windows, calibrate all and write the weights."""
    if task.network.kind_network.is_trained and task.has_kinds:
        fit_kinds(task.network, task.clips(windows), task.draws(windows), directions, task.scale)
    heard = task.heard_in_validation(CALIBRATION_MIXTURES)
    cohort = task.cohort()
    calibration = calibrate(heard.vectors, heard.logits, heard.library, heard.truth, cohort.numpy())
    return save_checkpoint(path, task.network, calibration, WINDOW_S, cohort)


def _stores(data: Path, network: Network = "timbrel") -> tuple[ClipStore, ClipStore]:
    spec = SPECS[0] if network == "timbrel" else SPECS[1]
    try:
        return ClipStore.open(data, "train", spec), ClipStore.open(data, "valid", spec)
    except FileNotFoundError as error:
        raise InputError(data, "holds no clips to train on", f"run `timbrel data render --out {data}` first") from error

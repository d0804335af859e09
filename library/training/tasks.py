"""Define what is trained: our single and multi encoder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as f

from library.data.clips import ClipStore
from library.data.mixing import MixConfig, Mixer, MixtureBatch
from library.encoders.blocks import channels_last
from library.encoders.network import MixtureOutput, TimbrelNetwork
from library.evaluation.protocols import mixture_scores, single_scores
from library.naming import UNFITTED
from library.training.config import TrainConfig
from library.training.kind_heads import LabelledClips
from library.training.kinds import KindLabels
from library.training.losses import Kinds, Targets, angular_margin_loss, mixture_loss, note_loss
from library.training.validation import (
    VALIDATION_MIXTURES,
    feature_batches,
    mixture_truth,
    validation_mixtures,
    validation_rows,
)

__all__ = ["Heard", "MultiTask", "SingleTask", "half"]

SMALLEST_MIXTURE = 2
"""Most instruments of the mixtures that a run begins with: notes are learnt where they can be heard."""

CLIPS = 1
"""Part of the seed of the single clips that kinds are learnt from."""

COHORT = 512
"""Slots of other mixtures that a sound's hubness is measured by (see library.hubs)."""

_SLOTS_PER_KEPT = 4
_BATCH = 32


class Prototypes(nn.Module):
    """Hold one direction per training instrument: [C, D]."""

    def __init__(self, classes: int, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, dim) * 0.1)


@dataclass(frozen=True, slots=True)
class Heard:
    """Hold what a multi encoder says of M mixtures of C instruments.

    Attributes:
        vectors: [M, K, E] unit norm.
        logits: [M, K] presence before calibration.
        library: [C, E] unit norm, one clip of each instrument.
        truth: [M, C].
    """

    vectors: NDArray[np.float32]
    logits: NDArray[np.float32]
    library: NDArray[np.float32]
    truth: NDArray[np.bool_]


class SingleTask:
    """Train the single path by metric learning over the training instruments."""

    def __init__(self, train: ClipStore, valid: ClipStore, config: TrainConfig, device: str = "cpu") -> None:
        torch.manual_seed(config.seed)
        self._config, self._valid, self.device = config, valid, torch.device(device)
        self.network = channels_last(TimbrelNetwork().to(device))
        dim = self.network.config.dim
        self.prototypes = Prototypes(len(train.instruments), dim).to(device)
        self._labels = KindLabels.read(train.instruments, self.device)
        self._kinds = {name: Prototypes(len(known), dim).to(device) for name, known in self._labels.known.items()}
        self.modules: dict[str, nn.Module] = {
            "network": self.network,
            "prototypes": self.prototypes,
            **self._kinds,
        }
        self._mixer = Mixer(train, MixConfig(), config.seed, device)
        self.rng = self._mixer.rng

    def loss(self, done: float) -> tuple[Tensor, dict[str, float]]:  # noqa: ARG002 - part of the Protocol
        """Draw single clips and classify them."""
        return self._single_loss(self._config.batch)

    @property
    def has_kinds(self) -> bool:
        """Whether the kind of any instrument is known."""
        return bool(self._labels.alike)

    @property
    def scale(self) -> float:
        """Inverse temperature of the softmax over instruments."""
        return self._config.scale

    def place(self, directions: Tensor) -> None:
        """Say where the instruments lie in the space, directions[C, D] of unit norm; their kinds lie at the means."""
        with torch.no_grad():
            self.prototypes.weight.copy_(directions)
            for name, kinds in self._kinds.items():
                of = self._labels.of[name]
                means = [directions[of == kind].mean(dim=0) for kind in range(len(kinds.weight))]
                kinds.weight.copy_(f.normalize(torch.stack(means), dim=-1))

    def validate(self) -> dict[str, float]:
        """Return EER and top-1 on validation instruments."""
        self.network.eval()
        rows = validation_rows(self._valid)
        with torch.inference_mode():
            vectors = [
                self.network.single(features.to(self.device)).cpu() for features in feature_batches(self._valid, rows)
            ]
        return single_scores(torch.cat(vectors).numpy(), self._valid.label[rows], np.random.default_rng(0))

    def _single_loss(self, batch: int) -> tuple[Tensor, dict[str, float]]:
        drawn = self._mixer.singles(batch)
        with half(self.device.type):
            vectors, cells = self.network.single_and_cells(drawn.features)
        loss = angular_margin_loss(vectors, drawn.label, self.prototypes.weight, self._config)
        unit = f.normalize(self.prototypes.weight, dim=-1)
        notes = note_loss(self.network, cells, drawn.owner, drawn.label[:, None], unit, self._config.scale)
        parts = {"single": loss, "single_notes": notes}
        total = loss + self._config.note_weight * notes
        for name, kinds in self._targets().kinds.items():
            parts[f"single_{name}"] = kinds.loss(vectors, drawn.label, self._config)
            total = total + self._config.kind_weight * parts[f"single_{name}"]
        return total, {key: float(value.detach()) for key, value in parts.items()}

    def _makers_loss(self, batch: int) -> dict[str, Tensor]:
        """Name the kinds of clips as other makers might have made them; each kind is drawn as often."""
        label = self._labels.draw(self._mixer.rng, batch)
        features = self._mixer.other_makers(label)
        with half(self.device.type):
            vectors = self.network.single(features)
        of = torch.from_numpy(label).to(self.device)
        return {name: kinds.loss(vectors, of, self._config) for name, kinds in self._targets().kinds.items()}

    def _targets(self) -> Targets:
        kinds = {name: Kinds(module.weight, self._labels.of[name]) for name, module in self._kinds.items()}
        return Targets(self.prototypes.weight, kinds)


class MultiTask(SingleTask):
    """Train both paths jointly, on one trunk."""

    def __init__(self, train: ClipStore, valid: ClipStore, config: TrainConfig, device: str = "cpu") -> None:
        super().__init__(train, valid, config, device)
        self._store = train
        self._mixes = validation_mixtures(valid)

    def loss(self, done: float) -> tuple[Tensor, dict[str, float]]:
        """Draw mixtures and singles; the sum of both losses."""
        config = self._config
        grown = min(1.0, done / config.ramp) if config.ramp else 1.0
        largest = round(SMALLEST_MIXTURE + grown * (self.network.config.slots - SMALLEST_MIXTURE))
        singles = round(config.batch * config.singles)
        single, parts = self._single_loss(singles)
        drawn = self._mixer.mixtures(config.batch - singles, largest)
        with half(self.device.type):
            out = self.network.multi(drawn.features)
        mixed, more = mixture_loss(self.network, _full(out), drawn, self._targets(), config)
        if config.makers and self._labels.alike:
            kinds = self._makers_loss(round(config.batch * config.makers))
            more |= {f"makers_{name}": float(part.detach()) for name, part in kinds.items()}
            mixed = mixed + torch.stack([*kinds.values()]).sum()
        return mixed + single, {**more, **parts}

    def validate(self) -> dict[str, float]:
        """Return the single figures and, over slots above a presence of .3, those of mixtures."""
        result = super().validate()
        heard = self.heard_in_validation()
        presence = torch.from_numpy(heard.logits).sigmoid().numpy()
        scores = mixture_scores(heard.vectors, presence, 0.3, heard.library, heard.truth, UNFITTED)
        return {
            **result,
            "map": scores.map_macro,
            "map_cosine": scores.map_cosine,
            "f1": scores.f1_macro,
            "count": scores.count_error,
            "three": scores.top1,
        }

    def heard_in_validation(self, mixtures: int = VALIDATION_MIXTURES) -> Heard:
        """Run the multi path over so many validation mixtures."""
        self.network.eval()
        mixes = self._mixes if mixtures == VALIDATION_MIXTURES else validation_mixtures(self._valid, mixtures)
        with torch.inference_mode():
            outs = [self.network.multi(mix.features.to(self.device)) for mix in mixes]
        return Heard(
            torch.cat([out.embeddings for out in outs]).cpu().numpy(),
            torch.cat([out.presence for out in outs]).cpu().numpy(),
            self._library(),
            mixture_truth(mixes, len(self._valid.instruments)),
        )

    def draws(self, windows: int) -> Iterator[MixtureBatch]:
        """Yield batches of training windows, a quarter of them without an instrument; the run's own draws stay."""
        seed, device = [self._config.seed, COHORT], str(self.device)
        mixtures = Mixer(self._store, MixConfig(), seed, device)
        nothing = Mixer(self._store, MixConfig(empty=1.0), seed, device)
        for number in range(windows // _BATCH):
            yield (nothing if number % 4 == 3 else mixtures).mixtures(_BATCH)

    def clips(self, windows: int) -> Iterator[LabelledClips]:
        """Yield batches of single clips, every other one as other makers' might sound; each kind is drawn as often."""
        mixer = Mixer(self._store, MixConfig(), [self._config.seed, CLIPS], str(self.device))
        for number in range(windows // _BATCH):
            label = self._labels.draw(mixer.rng, _BATCH)
            features = mixer.other_makers(label) if number % 2 else mixer.singles(_BATCH, label).features
            yield features, torch.from_numpy(label).to(self.device)

    def cohort(self) -> Tensor:
        """Draw slots [COHORT, E] of training mixtures, of each as many of the surest as instruments play in it."""
        self.network.eval()
        found: list[Tensor] = []
        with torch.inference_mode():
            while len(found) < COHORT * _SLOTS_PER_KEPT:
                drawn = self._mixer.mixtures(_BATCH)
                out = self.network.multi(drawn.features)
                playing = (drawn.label >= 0).sum(dim=1).tolist()
                for vectors, presence, count in zip(out.embeddings, out.presence, playing, strict=True):
                    found += vectors[presence.argsort(descending=True)[:count]].cpu().float()
        # Slots of one mixture are alike in part: those that stay are spread over many mixtures.
        return torch.stack(found[::_SLOTS_PER_KEPT][:COHORT])

    def _library(self) -> NDArray[np.float32]:
        rows = np.array([np.flatnonzero(self._valid.label == c)[0] for c in range(len(self._valid.instruments))])
        with torch.inference_mode():
            vectors = [
                self.network.embed(features.to(self.device)).cpu() for features in feature_batches(self._valid, rows)
            ]
        return torch.cat(vectors).numpy()


def half(device: str) -> torch.autocast:
    """Run networks in bf16, which current CPUs and GPUs are faster at."""
    return torch.autocast(device, torch.bfloat16)


def _full(out: MixtureOutput) -> MixtureOutput:
    return replace(out, vectors=out.vectors.float(), presence=out.presence.float(), masks=out.masks.float())

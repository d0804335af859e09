"""Draw what an evaluation found, as PNG files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from library.errors import MissingDependencyError

__all__ = ["plot_confusion", "plot_counts", "plot_map", "plot_reliability"]

_BINS = 10


def plot_reliability(path: Path, presence: NDArray[np.float32], used: NDArray[np.bool_]) -> None:
    """Draw how often slots hold an instrument against the presence that they claim; both are [N]."""
    edges = np.linspace(0, 1, _BINS + 1)
    bins = np.clip(np.digitize(presence, edges) - 1, 0, _BINS - 1)
    with _figure(path, "What presence says, and how often it is so", "presence", "share of slots in use") as axes:
        filled = [b for b in range(_BINS) if (bins == b).any()]
        axes.plot([0, 1], [0, 1], "--", color="grey")
        axes.plot([presence[bins == b].mean() for b in filled], [used[bins == b].mean() for b in filled], "o-")


def plot_counts(path: Path, scores: dict[str, dict[int, float]]) -> None:
    """Draw F1 by the number of instruments for each system."""
    with _figure(path, "F1 by the number of instruments", "instruments in the mixture", "F1 macro") as axes:
        for name, row in scores.items():
            axes.plot(list(row), list(row.values()), "o-", label=name)
        axes.legend()


def plot_confusion(path: Path, families: Sequence[str], counts: NDArray[np.float64]) -> None:
    """Draw which family is named for which: counts[true, named], rows made to sum to 1."""
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-9)
    with _figure(path, "Family named for each true family, single clips", "named", "true") as axes:
        axes.imshow(share, vmin=0, vmax=1, cmap="viridis")
        axes.set_xticks(range(len(families)), families, rotation=60, ha="right")
        axes.set_yticks(range(len(families)), families)


def plot_map(path: Path, points: NDArray[np.float32], families: Sequence[str], title: str) -> None:
    """Draw points[N, 2], coloured by family."""
    with _figure(path, title, "", "", (9, 7)) as axes:
        from matplotlib import colormaps

        colour = colormaps["tab20"]  # more families than the usual ten colours
        size = max(2.0, min(14.0, 4e4 / len(points)))
        for number, family in enumerate(sorted(set(families))):
            some = np.array([name == family for name in families])
            axes.scatter(points[some, 0], points[some, 1], s=size, color=colour(number), label=family)
        axes.legend(fontsize=7, ncol=2)
        axes.set_xticks([])
        axes.set_yticks([])


@contextmanager
def _figure(
    path: Path, title: str, x: str, y: str, size: tuple[float, float] = (6, 5)
) -> Iterator[Any]:  # Any: matplotlib's axes
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError("matplotlib", "is needed to draw", "pip install 'timbrel[train]'") from error
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    axes.set_title(title)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    yield axes
    figure.savefig(path, dpi=110)

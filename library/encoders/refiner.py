"""Move the vectors of a mixture's slots to where their instruments lie when they play by themselves."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as f

__all__ = ["Refiner"]

_DROPPED = 0.1
"""Share that is left out at random while it learns."""


class Refiner(nn.Module):
    """Let slots look at each other, and correct each by what the others hold.

    A slot pools cells in which others play as well, and what leaks from them can be told by looking at all slots
    (self-attention; Vaswani et al., arXiv 1706.03762). A new one changes nothing.

    Args:
        dim: Length D of an embedding.
        width: Length of what slots say to each other.
        heads: Attention heads.
    """

    def __init__(self, dim: int, width: int, heads: int) -> None:
        super().__init__()
        self._gain = dim**0.5  # numbers of a unit vector are small
        self.read = nn.Linear(dim, width)
        self.among = nn.TransformerEncoderLayer(
            width, heads, 2 * width, dropout=_DROPPED, batch_first=True, norm_first=True
        )
        self.norm = nn.LayerNorm(width)
        self.correct = nn.Linear(width, dim)
        nn.init.zeros_(self.correct.weight)
        nn.init.zeros_(self.correct.bias)

    def forward(self, vectors: Tensor) -> Tensor:
        """Return vectors[B, K, D] of unit norm, corrected, of unit norm."""
        said = self.among(self.read(self._gain * vectors))
        corrected: Tensor = f.normalize(vectors + self.correct(self.norm(said)).float(), dim=-1)
        return corrected

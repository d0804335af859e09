"""Check an Annoy file before Annoy opens it: it follows every number in one, and a wrong one may end the process.

The format of Annoy 1.17 (angular): nodes of equal size, each a count, two children or a bucket of rows, and a vector.
First the rows in their order, then the trees from the leaves up, then the roots again.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

__all__ = ["annoy_problem"]

_HEAD = 3
"""Numbers of four bytes before the vector: how many rows lie below, and two children (or the norm)."""

_CHUNK_NODES = 8192


def annoy_problem(path: Path, rows: int, dim: int) -> str:
    """Say what makes a file none of `rows` vectors of length `dim`, "" for nothing.

    Every child has to lie before its parent, as Annoy writes them: so no query leaves the file or goes round in it.
    """
    width = _HEAD + dim
    size = path.stat().st_size
    if size % (4 * width) or size // (4 * width) <= rows:
        return f"has {size} bytes, which are not {rows} vectors and their trees"
    nodes = np.memmap(path, "<i4", "r").reshape(-1, width)
    most = 1 + dim + 1  # rows that a bucket holds: all but the count, in place of the vector too
    for begin in range(0, len(nodes), _CHUNK_NODES):
        chunk = nodes[begin : begin + _CHUNK_NODES]
        own = np.arange(begin, begin + len(chunk))
        count = chunk[:, 0]
        if (count[own < rows] != 1).any() or (count < 1).any() or (count > rows).any():
            return "holds counts that can't be"
        inner = own >= rows
        bucket, split = inner & (count <= most), inner & (count > most)
        filled = np.arange(most) < count[bucket, None]
        children = chunk[bucket, 1 : 1 + most]
        if (filled & ((children < 0) | (children >= own[bucket, None]))).any():
            return "holds rows that are not there"
        children = chunk[split, 1:_HEAD]
        if ((children < 0) | (children >= own[split, None])).any():
            return "holds nodes that are not there"
    return ""

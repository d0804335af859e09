"""Embed the sounds of one file, each committed by itself, and record what can't be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from library.catalog import Catalog
from library.encoders.spec import SingleEncoder
from library.errors import InputError, MissingDependencyError
from library.sources import Reader

__all__ = ["embed_clips", "fill_file"]

_T = TypeVar("_T")
_TINY = 1e-6


def fill_file(
    catalog: Catalog, path: str, reader: Reader, encoder: SingleEncoder, progress: Callable[[float, str], None]
) -> tuple[int, bool]:
    """Embed the sounds of one file that are not embedded yet, each committed by itself; errors are recorded.

    Args:
        catalog: Catalogue of the library.
        path: The file.
        reader: Reads it.
        encoder: Embeds each sound.
        progress: Called before each sound with the part of the file that is done, 0..1, and the sound's name.

    Returns:
        How many were embedded, and whether all of the file could be read.
    """
    embedded = 0
    done = catalog.drafted(path)
    with reader:
        sounds = _guarded(catalog, path, path, reader.sounds)
        complete = sounds is not None
        for number, sound in enumerate(sounds or ()):
            progress(number / len(sounds or ()), sound.name)
            if sound.id in done:
                continue
            where = path if len(sounds or ()) == 1 else f"{path} ({sound.name})"
            clips = _guarded(catalog, where, path, partial(reader.clips, sound))
            if clips is None:
                complete = False
                continue
            catalog.add_sound(sound, path, embed_clips(encoder, clips))
            embedded += 1
        notes = _guarded(catalog, path, path, reader.notes) if complete else None
        if notes is not None:
            catalog.put_notes(path, notes)
    return embedded, notes is not None


def embed_clips(encoder: SingleEncoder, clips: Sequence[NDArray[np.float32]]) -> NDArray[np.float16]:
    """Embed clips of one sound, of any lengths, as unit vectors[n, D] in their order.

    Half of what each says of its kind is what all say together: a note alone may not tell it. Clips of one sound form
    the batches, never those of several: so a resumed build makes the same vectors.
    """
    vectors = np.zeros((len(clips), encoder.spec.dim), np.float32)
    for length in dict.fromkeys(len(clip) for clip in clips):
        rows = [row for row, clip in enumerate(clips) if len(clip) == length]
        vectors[rows] = encoder.embed(np.stack([clips[row] for row in rows]))
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    usable = np.isfinite(norms[:, 0]) & (norms[:, 0] > 0.5)  # an encoder's vectors have norm 1
    return np.asarray(_of_one_kind(vectors[usable] / norms[usable], encoder.spec.kinds), np.float16)


def _of_one_kind(vectors: NDArray[np.float32], kinds: int) -> NDArray[np.float32]:
    """Add to the kind that each of vectors[n, D] says in its last numbers what all of them say."""
    which, said = np.split(vectors, [vectors.shape[1] - kinds], axis=1)
    length = np.linalg.norm(said, axis=1, keepdims=True)
    each = said / np.maximum(length, _TINY)
    total = each.sum(axis=0)
    both = each + total / np.maximum(np.linalg.norm(total), _TINY)
    both *= length / np.maximum(np.linalg.norm(both, axis=1, keepdims=True), _TINY)
    return np.concatenate([which, both], axis=1)


def _guarded(catalog: Catalog, where: str, path: str, read: Callable[[], _T]) -> _T | None:
    try:
        return read()
    except (InputError, MissingDependencyError) as error:
        catalog.add_error(where, path, str(error))
    except OSError as error:  # it went away, or its disk did
        catalog.add_error(where, path, f"{path}: can't be read ({error.strerror}); check that it is still there")
    except MemoryError:
        catalog.add_error(where, path, f"{path}: takes more memory than there is; leave it out")
    return None

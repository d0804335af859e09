"""Check which inputs are to be listened to, and say their names."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["MOST_INPUTS", "check_inputs", "input_name", "inputs_text"]

MOST_INPUTS = 16
"""Buses of one daemon: each holds a ring of 14 MB, and 26 were heard on one core before a hop was missed."""


def check_inputs(value: object) -> str | tuple[str, ...]:
    """Return one input by its name, several as a tuple.

    Raises:
        ValueError: It is neither, or holds none, too many, or one twice; says what to do.
    """
    if isinstance(value, str):
        return value
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise ValueError("must be the name of an input, or a list of names")
    if not 1 <= len(value) <= MOST_INPUTS:
        raise ValueError(f"must name 1 to {MOST_INPUTS} inputs, it names {len(value)}")
    twice = next((name for name in value if value.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"must name each input once, {input_name(twice)} is named twice")
    return value[0] if len(value) == 1 else tuple(value)


def input_name(source: str) -> str:
    """Return what is listened to in words: `--input` as it was given, or what stands for the default."""
    return source or "the default input"


def inputs_text(sources: Sequence[str]) -> str:
    """Return the names of several inputs in one line."""
    return ", ".join(input_name(source) for source in sources)

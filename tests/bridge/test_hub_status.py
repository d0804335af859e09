"""Tests of what the terminal is told about a state."""

from __future__ import annotations

from bridge.hub_status import Told


def test_a_new_state_is_told_and_a_new_sentence_only_where_a_hand_is_needed() -> None:
    told = Told()
    steps = [
        ("listening: a", "listening", "loading", True),
        ("listening: b", "listening", "listening", False),
        ("no-device: no audio", "no-device", "listening", True),
        ("no-device: JACK does not answer", "no-device", "no-device", True),
        ("no-device: no audio", "no-device", "no-device", False),
        ("no-device: JACK does not answer", "no-device", "no-device", False),
        ("listening: a", "listening", "no-device", True),
        ("no-device: no audio", "no-device", "listening", True),
    ]
    for sentence, state, before, is_news in steps:
        assert told.is_news(sentence, state, before) is is_news, sentence

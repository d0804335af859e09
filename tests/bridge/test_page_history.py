"""Check what pages are told of which instruments were heard when."""

from __future__ import annotations

from dataclasses import replace

from bridge.page.history import MOST_SPANS, Heard, History, Span
from tests.bridge.heard import preset, sample

VIOLA, PIANO, KICK = preset("Viola", 41), preset("Piano", 0), sample("kick")


def test_history_joins_windows_into_spans() -> None:
    history = History()
    spans: dict[int, dict[str, object]] = {}

    def observe(heard: list[Heard], now_s: float) -> list[Span]:
        changed, _ = history.observe(heard, now_s)
        spans.update((span.id, span.to_json()) for span in changed)
        return changed

    changed = observe([Heard(1, VIOLA, 0.8)], 1.0)
    assert [(span.name, span.from_s, span.is_open) for span in changed] == [("Viola", 1.0, True)]
    changed = observe([Heard(1, VIOLA, 0.82), Heard(2, KICK, 0.5)], 1.5)
    assert [span.slot for span in changed] == [2]
    changed = observe([Heard(1, PIANO, 0.7)], 2.0)
    assert [(span.slot, span.is_open) for span in changed] == [(1, False), (2, False), (1, True)]
    observe([], 4.0)
    assert [(span["name"], span["from"], span["to"]) for span in spans.values()] == [
        ("Viola", 1.0, 2.0), ("kick", 1.5, 2.0), ("Piano", 2.0, 4.0),
    ]  # fmt: skip


def test_an_open_span_does_not_change_with_every_window() -> None:
    history = History()
    (span,), _ = history.observe([Heard(1, VIOLA, 0.8)], 0.0)
    assert span.to_json()["to"] is None
    assert history.observe([Heard(1, VIOLA, 0.75)], 0.5) == ([], [])


def test_history_is_bounded_and_says_what_it_dropped() -> None:
    history = History()
    dropped = []
    for n in range(MOST_SPANS + 10):
        dropped += history.observe([Heard(1, VIOLA if n % 2 else PIANO, 0.8)], float(n))[1]
    assert dropped == list(range(1, 11))


def test_spans_of_a_library_that_was_read_anew_share_their_words() -> None:
    history = History()
    (first,), _ = history.observe([Heard(1, VIOLA, 0.8)], 0.0)
    again = replace(VIOLA, name="".join(list(VIOLA.name)), id="".join(list(VIOLA.id)))
    history.observe([], 0.5)
    (second,), _ = history.observe([Heard(1, again, 0.8)], 1.0)
    assert second.name is first.name
    assert second.sound is first.sound

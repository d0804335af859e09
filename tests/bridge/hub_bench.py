"""Drive a hub by hand."""

from __future__ import annotations

import pytest

from bridge.commands import (
    HubCommand,
    Refusal,
)
from bridge.effects import Deliver, Delivered, Effect, Send
from bridge.hub import Hub, HubOptions
from realtime.types import Analysis
from tests.bridge.heard import heard, preset, suggestion

__all__ = ["CELLO", "FLUTE", "PIANO", "TWO", "VIOLIN", "Bench", "sent"]

VIOLIN, FLUTE, CELLO, PIANO = preset("Violin", 40), preset("Flute", 73), preset("Cello", 42), preset("Piano", 0)
TWO = heard(suggestion(1, VIOLIN, FLUTE), suggestion(2, PIANO))


class Bench:
    """Drive a hub with a clock by hand, carrying out deliveries like the daemon does."""

    def __init__(self, *, auto: bool = False, channel: int = 0, can_preview: bool = False) -> None:
        self.hub = Hub(HubOptions("bus", channel, auto, can_preview=can_preview))
        self.now = 0.0
        self.port: str | None = None
        self.error: str | None = None
        self.packets: list[bytes] = []
        self.hub.on_state("listening", "")

    def hear(self, analysis: Analysis, after_s: float = 0.5) -> list[Effect]:
        self.now += after_s
        return self._carry_out(self.hub.on_analysis(analysis, self.now))

    def do(self, command: HubCommand) -> list[Effect]:
        return self._carry_out(self.hub.handle(command, self.now))

    def refused(self, command: HubCommand) -> int:
        with pytest.raises(Refusal) as refusal:
            self.hub.handle(command, self.now)
        return refusal.value.code

    def _carry_out(self, effects: list[Effect]) -> list[Effect]:
        out: list[Effect] = []
        for effect in effects:
            out.append(effect)
            if isinstance(effect, Deliver):
                self.packets += effect.delivery.packets if self.port else ()
                out += self.hub.delivered(effect, Delivered(self.port, self.error), self.now)
        return out


def sent(effects: list[Effect], address: str) -> list[tuple[object, ...]]:
    return [e.message.args for e in effects if isinstance(e, Send) and e.message.address == address]

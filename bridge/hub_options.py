"""Say how a hub begins."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.banks import BankStyle

__all__ = ["HubOptions"]


@dataclass(frozen=True, slots=True)
class HubOptions:
    """Set up a hub.

    Attributes:
        context: What is listened to, in the user's words; of several buses the first.
        channel: The user's MIDI channel, 0..15.
        auto: Load stable suggestions by itself.
        list_interval_s: Shortest time between two lists: one hop.
        bank_style: How the target reads banks.
        can_preview: An output for previews is set up.
        threshold: Presence from which an instrument counts; None = the encoder's calibrated one.
        stability: How surely and for how long it must be heard, 0..1.
        others: The same as `context` of the other buses.
    """

    context: str
    channel: int = 0
    auto: bool = False
    list_interval_s: float = 0.5
    bank_style: BankStyle = "gs"
    can_preview: bool = False
    threshold: float | None = None
    stability: float = 0.5
    others: tuple[str, ...] = ()

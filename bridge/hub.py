"""Hold what is offered and what was done with it: analyses and commands in, effects out, no sockets, no clock."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.auto import AutoPilot
from bridge.commands import (
    AutoChoose,
    Choose,
    Enable,
    Focus,
    HubCommand,
    KeepSettings,
    Like,
    ListItems,
    ListTargets,
    Lock,
    Preview,
    Refusal,
    Reject,
    SetBus,
    SetStability,
    SetTarget,
    SetThreshold,
    Step,
    StopPreview,
    Undo,
)
from bridge.daws import DawAdapter, GenericAdapter
from bridge.daws.base import HostState
from bridge.effects import (
    Deliver,
    Delivered,
    Effect,
    Hear,
    Hush,
    Judge,
    Keep,
    LockSlot,
    Reply,
    Send,
    SwitchBus,
    Tune,
)
from bridge.hub_options import HubOptions
from bridge.hub_status import BusInfo, info_of, together
from bridge.loading import Loader
from bridge.network_names import check_bus_name
from bridge.offer import Offer
from bridge.offers import Offers
from bridge.osc import messages
from bridge.osc.encode import Message
from bridge.suggestions import SuggestionList
from bridge.targets import Targets
from realtime.types import Analysis

__all__ = ["Hub", "HubOptions"]


class Hub:
    """Keep what is offered for each bus, which bus is in focus, and what is loaded.

    A bus is named by its number, from 0. The flat mirror, buttons, locks, loading by itself and list 0 are about the
    bus in focus, the first at the start; a list's own number finds the list of any bus.

    Every method takes the monotonic time in seconds where time matters, and returns what is to be done, in order.
    Not safe for several threads: the daemon calls it from its main thread only.

    Args:
        options: How to start.
        adapters: Ways to load a sound; the first is used until another is chosen.
    """

    def __init__(self, options: HubOptions, adapters: Sequence[DawAdapter] = (GenericAdapter(),)) -> None:
        self.enabled = True
        self.auto = options.auto
        self.threshold, self.stability = options.threshold, options.stability
        self.liked: frozenset[str] = frozenset()  # ids of sounds; the daemon looks them up
        self.targets = Targets(adapters)
        # Hops arrive with some jitter.
        self._offers = Offers((options.context, *options.others), options.list_interval_s * 0.8)
        self._can_preview = options.can_preview
        self._loader = Loader(self.targets, AutoPilot(options.channel), options.bank_style)
        self._was_ready = False
        self._status = self._compute_status()

    def on_analysis(self, analysis: Analysis, now: float, bus: int = 0) -> list[Effect]:
        """Take in what the engine of a bus heard in one hop."""
        self._was_ready = True  # the first Analysis may come before the state that follows it
        offer = self._offers[bus]
        offer.hear(analysis)
        effects = [*self._status_effects(), *self._publish(offer, now)]
        if offer is self._bus:
            self._loader.pilot.watch(self.shown.items, now)
            if self.auto and self.enabled and analysis.skipped is None:
                effects += self._loader.choose_by_itself(self.shown, self.locked, now)
        return effects

    def on_state(self, state: str, text: str, bus: int | None = None) -> list[Effect]:
        """Take in what an engine says about itself: loading, listening, silent, no-device, degraded, stopped.

        Args:
            state: One of these.
            text: A sentence for people.
            bus: Which engine; None = all of them.
        """
        for offer in self._offers if bus is None else (self._offers[bus],):
            offer.engine = (state, text)
        self._was_ready = self._was_ready or state != "loading"
        return self._status_effects()

    def set_context(self, context: str, now: float, bus: int = 0) -> list[Effect]:
        """Forget what was heard on a bus, because another input is listened to now."""
        self._offers[bus].change(context)
        return self._publish(self._offers[bus], now, force=True)

    def tick(self, now: float) -> list[Effect]:
        """Send what had to wait for its hop, give up what waited too long; called a few times a second."""
        return [*self._publish_all(now), *self._loader.expire(now)]

    def on_host(self, name: str, state: HostState, version: str, now: float) -> list[Effect]:
        """Take in that the host of an adapter came, went, or is looked for."""
        self.targets.on_state(name, state, version)
        return [*self._status_effects(), *(self._loader.came_back(name, now) if state == "online" else ())]

    def handle(self, command: HubCommand, now: float) -> list[Effect]:
        """Do what a client asks for.

        Raises:
            Refusal: It can't be done; says why.
        """
        match command:
            case ListItems(offset, count):
                return self._list(offset, count)
            case Choose(index, list_id):
                return self._choose(self._of(list_id), index, now)
            case Step(by):
                return self._choose(self._of(0), self._bus.stepped(by), now)
            case Undo():
                self._require_ready()
                return self._loader.undo()
            case Preview(index, list_id):
                return self._preview(index, list_id)
            case StopPreview():
                return [Hush(), Reply("the preview is stopped")]
            case Reject(index, list_id):
                return self._reject(index, list_id, now)
            case Like(index, list_id, on):
                return [Judge(self._of(list_id).item(index).sound, on)]
            case Lock(slot, on):
                return self._lock(slot, now) if on else self._unlock(slot, now)
            case Enable(on):
                self.enabled = on
                text = "suggesting" if on else "suggestions are off"
                return [Reply(text), *self._status_effects(), *self._publish_all(now)]
            case AutoChoose(on):
                self.auto = on
                return [Reply("loads stable suggestions by itself" if on else "loads only what is chosen")]
            case SetTarget(adapter, track):
                return [Reply(self._loader.set_target(adapter, track))]
            case ListTargets():
                return [Reply(text) for text in self.targets.describe(self._loader.pilot.channel)]
            case SetBus(source):
                self._require_ready()
                if (number := self._offers.named(source.strip())) is not None:
                    return self._focus_on(number, now)
                return [SwitchBus(check_bus_name(source), self.focus)]
            case Focus(number):
                return self._focus_on(number, now)
            case SetThreshold(value):
                return self._tune(value, self.stability)
            case SetStability(value):
                return self._tune(self.threshold, value)
            case KeepSettings():
                return [Keep()]

    def delivered(self, deliver: Deliver, done: Delivered, now: float) -> list[Effect]:
        """Report a delivery that has been carried out at monotonic time `now`, or has failed."""
        return self._loader.delivered(deliver, done, now)

    def snapshot(self) -> dict[str, list[Message]]:
        """Return the full state by topic, for one client: the list of the bus in focus comes last."""
        return {"status": [messages.status(*self._status)], "suggest": self._offers.whole()}

    @property
    def context(self) -> str:
        """What is listened to on the bus in focus."""
        return self._bus.context

    @property
    def shown(self) -> SuggestionList:
        """The list of the bus in focus."""
        return self._bus.shown

    @property
    def locked(self) -> frozenset[int]:
        """Slots of the bus in focus that the user keeps."""
        return frozenset(self._bus.locked)

    @property
    def channel(self) -> int:
        """The user's MIDI channel, 0..15, for sounds that name none."""
        return self._loader.pilot.channel

    @property
    def status(self) -> tuple[str, str]:
        """State in one word, and a sentence for people; see `together` for what they say of several buses."""
        return self._status

    @property
    def buses(self) -> tuple[BusInfo, ...]:
        """How each bus is, by its number."""
        return tuple(info_of(bus, enabled=self.enabled) for bus in self._offers)

    @property
    def focus(self) -> int:
        """Number of the bus in focus."""
        return self._offers.focus

    @property
    def _bus(self) -> Offer:
        return self._offers.focused

    def _compute_status(self) -> tuple[str, str]:
        state, text = together(tuple(self._offers), enabled=self.enabled)
        return state, "; ".join(part for part in (text, self.targets.status_text()) if part)

    def _status_effects(self) -> list[Effect]:
        before, self._status = self._status, self._compute_status()
        return [] if before == self._status else [Send(messages.status(*self._status), "status")]

    def _publish(self, bus: Offer, now: float, *, force: bool = False) -> list[Effect]:
        """Send the list of a bus if it has changed and its hop has come."""
        out = self._offers.renew(bus, now, enabled=self.enabled, force=force)
        return [Send(message, "suggest") for message in out]

    def _publish_all(self, now: float) -> list[Effect]:
        return [effect for bus in self._offers for effect in self._publish(bus, now)]

    def _focus_on(self, number: int, now: float) -> list[Effect]:
        self._offers.move(number)
        self._loader.pilot.watch((), now)  # how long a sound was the best of another bus does not count here
        self._bus.renew(now, enabled=self.enabled)
        said = Reply(f"{self.context} is in focus; its list and labels are sent again")
        return [said, *(Send(message, "suggest") for message in self._offers.whole_focus())]

    def _of(self, list_id: int) -> Offer:
        self._require_ready()
        return self._offers.of(list_id)

    def _require_ready(self) -> None:
        if not self._was_ready:
            raise Refusal(503, f"not ready: {self._bus.engine[1]}")

    def _list(self, offset: int, count: int) -> list[Effect]:
        self._require_ready()
        if offset < 0 or count < 0:
            raise Refusal(400, "offset and count must be at least 0")
        return [Send(one, None, to_asker=True) for one in self._bus.messages(offset, count)]

    def _choose(self, bus: Offer, index: int, now: float) -> list[Effect]:
        item = bus.item(index)
        bus.position = index
        return self._loader.choose(item, bus.shown.list_id, index, now)

    def _preview(self, index: int, list_id: int) -> list[Effect]:
        bus = self._of(list_id)
        item = bus.item(index)
        if not self._can_preview:
            raise Refusal(503, f"no output is set up to hear {item.sound.name}: start timbrel run with --preview NAME")
        return [Hear(item.sound, bus.shown.list_id, index)]

    def _reject(self, index: int, list_id: int, now: float) -> list[Effect]:
        bus = self._of(list_id)
        item = bus.item(index)
        bus.reject(item)
        said = Reply(f"{item.sound.name} is no longer offered for slot {item.slot}")
        return [said, *self._publish(bus, now)]

    def _lock(self, slot: int, now: float) -> list[Effect]:
        self._require_ready()
        self._bus.lock(slot)
        said = Reply(f"slot {slot} is locked")
        return [LockSlot(slot, True, self.focus), said, *self._publish(self._bus, now)]

    def _unlock(self, slot: int, now: float) -> list[Effect]:
        self._bus.unlock(slot)
        said = Reply(f"slot {slot} follows the music again")
        return [LockSlot(slot, False, self.focus), said, *self._publish(self._bus, now)]

    def _tune(self, threshold: float | None, stability: float) -> list[Effect]:
        """Take over what a slider says, many times a second: what pages show of it is the answer."""
        self._require_ready()
        self.threshold, self.stability = threshold, stability
        return [Tune(threshold, stability)]

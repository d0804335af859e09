"""Hold what is offered and what was done with it: analyses and commands in, effects out, no sockets, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bridge.auto import AutoPilot
from bridge.commands import (
    AutoChoose,
    Choose,
    Enable,
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
from bridge.loading import Loader
from bridge.network_names import check_bus_name
from bridge.osc import messages
from bridge.osc.encode import Message
from bridge.suggestions import (
    Item,
    SuggestionList,
    compose,
    drifted,
    item_messages,
    mirror_messages,
    moved,
    same_sounds,
)
from bridge.targets import Targets
from realtime.types import Analysis, Suggestion

__all__ = ["Hub", "HubOptions"]

_INT_MAX = 2**31 - 1


class Hub:
    """Keep the current list, the user's locks and rejections, and what is loaded.

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
        self.context = options.context
        self.shown = SuggestionList()
        self._can_preview = options.can_preview
        self._interval_s = options.list_interval_s * 0.8  # hops arrive with some jitter
        self.targets = Targets(adapters)
        self._loader = Loader(self.targets, AutoPilot(options.channel), options.bank_style)
        self._heard: tuple[Suggestion, ...] = ()
        self._locked: dict[int, Suggestion] = {}
        self._rejected: set[tuple[int, str]] = set()
        self._engine = ("loading", "loading the encoder and the library")
        self._was_ready = False
        self._status = self._compute_status()
        self._published_at = float("-inf")
        self._position = 0  # index of the item that next and prev start from, 0 = none

    def on_analysis(self, analysis: Analysis, now: float) -> list[Effect]:
        """Take in what the engine heard in one hop."""
        self._was_ready = True  # the first Analysis may come before the state that follows it
        # A window that told nothing (silence between two takes) leaves the list: the user may still want to choose.
        if analysis.skipped is None or analysis.suggestions:
            self._heard = analysis.suggestions
            slots = {s.slot for s in analysis.suggestions} | self._locked.keys()
            self._rejected = {pair for pair in self._rejected if pair[0] in slots}
        effects = self._status_effects()
        effects += self._publish(now)
        self._loader.pilot.watch(self.shown.items, now)
        if self.auto and self.enabled and analysis.skipped is None:
            effects += self._loader.choose_by_itself(self.shown, self._locked, now)
        return effects

    def on_state(self, state: str, text: str) -> list[Effect]:
        """Take in what the engine says about itself: loading, listening, silent, no-device, degraded, stopped."""
        self._engine = (state, text)
        self._was_ready = self._was_ready or state != "loading"
        return self._status_effects()

    def set_context(self, context: str, now: float) -> list[Effect]:
        """Forget what was heard, because another bus is listened to now."""
        self.context = context
        self._heard = ()
        self._locked.clear()
        self._rejected.clear()
        return self._publish(now, force=True)

    def tick(self, now: float) -> list[Effect]:
        """Send what had to wait for its hop, give up what waited too long; called a few times a second."""
        return [*self._publish(now), *self._loader.expire(now)]

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
                return self._choose(index, list_id, now)
            case Step(by):
                return self._step(by, now)
            case Undo():
                self._require_ready()
                return self._loader.undo()
            case Preview(index, list_id):
                return self._preview(index, list_id)
            case StopPreview():
                return [Hush(), Reply("the preview is stopped")]
            case Reject(index, list_id):
                item = self._item(index, list_id)
                self._rejected.add((item.slot, item.sound.id))
                return [Reply(f"{item.sound.name} is no longer offered for slot {item.slot}"), *self._publish(now)]
            case Like(index, list_id, on):
                return [Judge(self._item(index, list_id).sound, on)]
            case Lock(slot, on):
                return self._lock(slot, now) if on else self._unlock(slot, now)
            case Enable(on):
                self.enabled = on
                text = "suggesting" if on else "suggestions are off"
                return [Reply(text), *self._status_effects(), *self._publish(now)]
            case AutoChoose(on):
                self.auto = on
                return [Reply("loads stable suggestions by itself" if on else "loads only what is chosen")]
            case SetTarget(adapter, track):
                return [Reply(self._loader.set_target(adapter, track))]
            case ListTargets():
                return [Reply(text) for text in self.targets.describe(self._loader.pilot.channel)]
            case SetBus(source):
                self._require_ready()
                return [SwitchBus(check_bus_name(source))]
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
        """Return the full state by topic, for one client."""
        return {
            "status": [messages.status(*self._status)],
            "suggest": [*item_messages(self.shown, self.context), *mirror_messages(self.shown.items)],
        }

    @property
    def locked(self) -> frozenset[int]:
        """Slots that the user keeps."""
        return frozenset(self._locked)

    @property
    def channel(self) -> int:
        """The user's MIDI channel, 0..15, for sounds that name none."""
        return self._loader.pilot.channel

    @property
    def status(self) -> tuple[str, str]:
        """State in one word, and a sentence for people."""
        return self._status

    def _compute_status(self) -> tuple[str, str]:
        state, text = self._heard_status()
        return state, "; ".join(part for part in (text, self.targets.status_text()) if part)

    def _heard_status(self) -> tuple[str, str]:
        state, text = self._engine
        if not self.enabled and state in ("listening", "silent"):
            return "disabled", "suggestions are off; /timbrel/enable 1 turns them on"
        if state == "listening" and self._heard:
            heard = len(self._heard)
            return state, f"hears {heard} instrument{'' if heard == 1 else 's'} on {self.context}"
        return state, text

    def _status_effects(self) -> list[Effect]:
        before, self._status = self._status, self._compute_status()
        return [] if before == self._status else [Send(messages.status(*self._status), "status")]

    def _publish(self, now: float, *, force: bool = False) -> list[Effect]:
        """Send the list if it has changed and its hop has come."""
        if now - self._published_at < self._interval_s and not force:
            return []
        items = compose(self._heard, self._locked, self._rejected) if self.enabled else ()
        before = self.shown
        if same_sounds(items, before.items):
            if not drifted(items, before.items):
                return []
            self.shown = replace(before, items=items)  # the same list with new numbers keeps its id
        else:
            self.shown = SuggestionList(before.list_id % _INT_MAX + 1, items)
            self._position = moved(items, before.items, self._position)
        self._published_at = now
        out = [*item_messages(self.shown, self.context), *mirror_messages(items, before.items)]
        return [Send(message, "suggest") for message in out]

    def _item(self, index: int, list_id: int) -> Item:
        self._require_ready()
        if list_id not in (0, self.shown.list_id):
            raise Refusal(409, f"list {list_id} is stale, the current one is {self.shown.list_id}")
        if index < 1:
            raise Refusal(400, f"index {index} must be at least 1")
        if index > len(self.shown.items):
            raise Refusal(404, f"the list has {len(self.shown.items)} items, there is no item {index}")
        return self.shown.items[index - 1]

    def _require_ready(self) -> None:
        if self._engine[0] == "loading" and not self._was_ready:
            raise Refusal(503, f"not ready: {self._engine[1]}")

    def _list(self, offset: int, count: int) -> list[Effect]:
        self._require_ready()
        if offset < 0 or count < 0:
            raise Refusal(400, "offset and count must be at least 0")
        return [Send(one, None, to_asker=True) for one in item_messages(self.shown, self.context, offset, count)]

    def _choose(self, index: int, list_id: int, now: float) -> list[Effect]:
        item = self._item(index, list_id)
        self._position = index
        return self._loader.choose(item, self.shown.list_id, index, now)

    def _preview(self, index: int, list_id: int) -> list[Effect]:
        item = self._item(index, list_id)
        if not self._can_preview:
            raise Refusal(503, f"no output is set up to hear {item.sound.name}: start timbrel run with --preview NAME")
        return [Hear(item.sound, self.shown.list_id, index)]

    def _step(self, by: int, now: float) -> list[Effect]:
        count = len(self.shown.items)
        start = self._position if self._position or by > 0 else 1
        return self._choose((start - 1 + by) % count + 1 if count else 1, 0, now)

    def _lock(self, slot: int, now: float) -> list[Effect]:
        self._require_ready()
        heard = self._locked.get(slot) or next((s for s in self._heard if s.slot == slot), None)
        if heard is None:
            raise Refusal(404, f"slot {slot} is not heard now")
        self._locked[slot] = heard
        return [LockSlot(slot, True), Reply(f"slot {slot} is locked"), *self._publish(now)]

    def _unlock(self, slot: int, now: float) -> list[Effect]:
        if self._locked.pop(slot, None) is None:
            raise Refusal(404, f"slot {slot} is not locked")
        return [LockSlot(slot, False), Reply(f"slot {slot} follows the music again"), *self._publish(now)]

    def _tune(self, threshold: float | None, stability: float) -> list[Effect]:
        """Take over what a slider says, many times a second: what pages show of it is the answer."""
        self._require_ready()
        self.threshold, self.stability = threshold, stability
        return [Tune(threshold, stability)]

"""Start a hub from the settings, and say which settings it has come to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bridge.commands import Refusal, SetTarget
from bridge.config import Config
from bridge.daws import DawAdapter
from bridge.hub import Hub, HubOptions
from bridge.inputs import check_inputs, input_name
from library.errors import ConfigError

__all__ = ["make_hub", "settings_of"]


def make_hub(config: Config, adapters: Sequence[DawAdapter]) -> Hub:
    """Make a hub that begins as the settings say.

    Raises:
        ConfigError: The first adapter has no such track.
    """
    first, *others = map(input_name, config.inputs)
    options = HubOptions(
        first,
        config.midi.channel - 1,
        config.suggest.auto,
        config.suggest.hop_s,
        config.midi.bank_style,
        bool(config.preview.output),
        config.suggest.threshold,
        config.suggest.stability,
        tuple(others),
    )
    hub = Hub(options, adapters)
    if config.track:
        try:
            hub.handle(SetTarget(adapters[0].name, config.track), now=0.0)
        except Refusal as refusal:
            raise ConfigError(f"track = {config.track!r}", refusal.reason, "correct it, or leave it out") from None
    return hub


def settings_of(hub: Hub, config: Config, sources: Sequence[str]) -> dict[str, object]:
    """Return what a client can set, as it is now, by dotted name; None = left to its default.

    Args:
        hub: What was set.
        config: What it began with.
        sources: What is listened to, as for `--input`.
    """
    current = next(target for target in hub.targets.overview() if target.is_current)
    named = {text.partition(":")[0]: text for text in config.adapter or (current.name,)}
    first = named.pop(current.name)
    return {
        "input": check_inputs(list(dict.fromkeys(_from_anywhere(source) for source in sources))),
        "adapter": (first, *named.values()),
        # Without a host, the track is the user's MIDI channel.
        "track": current.track if hub.targets.current.reach is not None else "",
        "midi.channel": hub.channel + 1,
        "suggest.auto": hub.auto,
        "suggest.threshold": hub.threshold,
        "suggest.stability": hub.stability,
    }


def _from_anywhere(source: str) -> str:
    """Return an input that names the same recording in whichever folder Timbrel is started."""
    kind, _, rest = source.partition(":")
    if kind != "file":
        return source
    path = rest.removesuffix(",loop")
    return f"file:{Path(path).expanduser().absolute()}{rest[len(path) :]}"

"""Start a hub from settings and get them back."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.commands import AutoChoose, SetStability, SetTarget, SetThreshold
from bridge.config import Config, MidiConfig, SuggestConfig, override
from bridge.daws import make_adapter
from bridge.hub import Hub
from bridge.keeping import make_hub, settings_of
from library.errors import ConfigError


def hub_of(config: Config) -> Hub:
    hub = make_hub(config, [make_adapter(name) for name in config.adapter])
    hub.on_state("listening", "")
    return hub


@pytest.mark.parametrize(
    "config",
    [
        Config(),
        Config(input=("jack:keys", "pulse")),
        Config(
            input="jack:x",
            adapter=("zynaddsubfx:127.0.0.1:9000", "generic"),
            track="3",
            midi=MidiConfig(channel=5),
            suggest=SuggestConfig(auto=True, threshold=0.2, stability=0.75),
        ),
    ],
)
def test_a_hub_that_nobody_touched_gives_the_settings_that_it_began_with(config: Config) -> None:
    settings = settings_of(hub_of(config), config, config.inputs)
    assert override(config, settings) == config
    assert settings["suggest.threshold"] == config.suggest.threshold


def test_what_clients_set_is_what_it_would_begin_with() -> None:
    config = Config(adapter=("generic", "zynaddsubfx:127.0.0.1:9000"))
    hub = hub_of(config)
    for command in (SetTarget("zynaddsubfx", "3"), AutoChoose(True), SetThreshold(0.3), SetStability(0.9)):
        hub.handle(command, 1.0)
    settings = settings_of(hub, config, ["pulse"])
    again = hub_of(override(config, settings))
    assert again.context == "pulse"
    assert (again.auto, again.threshold, again.stability) == (True, 0.3, 0.9)
    target = next(one for one in again.targets.overview() if one.is_current)
    assert (target.name, target.track) == ("zynaddsubfx", "3")
    assert settings["adapter"] == ("zynaddsubfx:127.0.0.1:9000", "generic")


def test_a_channel_is_kept_as_the_users_channel() -> None:
    config = Config()
    hub = hub_of(config)
    hub.handle(SetTarget("generic", "7"), 1.0)
    settings = settings_of(hub, config, [""])
    assert (settings["midi.channel"], settings["track"]) == (7, "")
    assert hub_of(override(config, settings)).channel == 6


def test_a_recording_is_kept_so_that_it_is_found_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = Config(input="file:song.wav,loop")
    assert settings_of(hub_of(config), config, config.inputs)["input"] == f"file:{tmp_path}/song.wav,loop"


def test_several_inputs_are_kept_as_a_list_and_the_hub_begins_with_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = Config(input=("file:keys.wav", ""))
    hub = hub_of(config)
    assert [bus.context for bus in hub.buses] == ["file:keys.wav", "the default input"]
    settings = settings_of(hub, config, ["file:keys.wav", "pulse"])
    assert settings["input"] == (f"file:{tmp_path}/keys.wav", "pulse")
    assert (
        settings_of(hub, config, ["file:keys.wav", f"file:{tmp_path}/keys.wav"])["input"] == f"file:{tmp_path}/keys.wav"
    )


def test_a_track_that_the_first_adapter_can_not_have_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"track = '99'.*MIDI channel"):
        hub_of(Config(track="99"))

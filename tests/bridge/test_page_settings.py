"""Set, through the page of a whole daemon, how much is heard, and keep what is set."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from bridge.config import Config, load_config
from library.errors import CaptureError
from realtime.devices import InputChoice
from realtime.engine import EngineConfig
from tests.bridge.page_peer import PagePeer, talk
from tests.bridge.rig import Rig

INPUTS = (
    InputChoice("pulse", "pulse", "ALSA", 2, 44_100, 3, True),
    InputChoice("jack:ardour:.*", "ardour", "JACK ports", 4, 48_000, None, False),
)


@pytest.fixture(autouse=True)
def _runtime_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def test_sliders_change_what_the_engine_does_and_both_pages_show_it() -> None:
    async def what(peer: PagePeer, rig: Rig) -> None:
        await peer.lanes()
        assert peer.sections["tuning"] == {
            "threshold": 0.5, "calibrated": 0.5, "set": False, "stability": 0.5, "usual": 0.5,
        }  # fmt: skip
        engine = rig.daemon._buses.engine
        assert engine is not None
        async with PagePeer(peer.url) as other:
            await peer.do("threshold", value=0.2)
            await other.do("stability", value=1)
            for page in (peer, other):
                told = await page.section("tuning", lambda tuning: tuning["stability"] == 1.0 and tuning["set"])
                assert told["threshold"] == 0.2
            assert engine.config == EngineConfig(threshold=0.2, stability=1.0)
            await other.do("threshold", value=None)
            await peer.section("tuning", lambda tuning: tuning["threshold"] == 0.5 and not tuning["set"])
            assert engine.config == EngineConfig(stability=1.0)
            refused = await peer.answer("stability", value=2)
            assert (refused["code"], refused["text"]) == (400, "value must be a number in 0..1")
            assert engine.config == EngineConfig(stability=1.0)

    talk(what)


def test_settings_go_into_the_config_file_when_they_are_asked_for_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("# mine\n[osc]\nport = 17999  # desk\n")

    async def what(peer: PagePeer, rig: Rig) -> None:
        await peer.lanes()
        assert peer.sections["session"]["kept"] == str(path)
        await peer.answer("auto", on=True)
        await peer.answer("target", adapter="generic", track="3")
        await peer.do("threshold", value=0.2)
        await peer.do("stability", value=0.75)
        await peer.answer("bus", input="silence")
        assert path.read_text() == "# mine\n[osc]\nport = 17999  # desk\n"
        kept = await peer.answer("keep")
        names = "input, midi.channel, suggest.auto, suggest.threshold, suggest.stability"
        assert (kept["kind"], kept["text"]) == ("reply", f"kept in {path}: {names}")
        assert (await peer.answer("keep"))["text"] == f"{path} says so already"

    talk(what, config_file=path)
    config = load_config(path)
    assert (config.input, config.midi.channel, config.osc.port) == ("silence", 3, 17999)
    assert (config.suggest.auto, config.suggest.threshold, config.suggest.stability) == (True, 0.2, 0.75)
    assert path.read_text().startswith("# mine\n")
    assert "port = 17999  # desk\n" in path.read_text()


def test_a_daemon_begins_with_what_was_kept() -> None:
    async def what(peer: PagePeer, rig: Rig) -> None:
        await peer.section("tuning", lambda tuning: tuning["threshold"] == 0.2 and tuning["stability"] == 0.75)
        assert peer.sections["targets"]["channel"] == 4

    talk(what, suggest__threshold=0.2, suggest__stability=0.75, track="4")


@pytest.mark.parametrize("text", ["input = ", "[suggest]\nauto = 7\n"])
def test_a_config_file_that_is_wrong_is_refused_in_one_line_and_left(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"

    async def what(peer: PagePeer, rig: Rig) -> None:
        await peer.lanes()
        path.write_text(text)
        await peer.answer("auto", on=True)
        refused = await peer.answer("keep")
        assert (refused["kind"], refused["code"]) == ("error", 503)
        assert refused["text"].startswith(str(path))
        assert "\n" not in refused["text"]

    talk(what, config_file=path)
    assert path.read_text() == text


def test_without_a_file_nothing_is_kept() -> None:
    async def what(peer: PagePeer, rig: Rig) -> None:
        await peer.lanes()
        assert peer.sections["session"]["kept"] == ""
        refused = await peer.answer("keep")
        assert (refused["code"], refused["text"]) == (503, "the demo keeps no settings: start timbrel run")

    talk(what)


def test_inputs_are_looked_for_when_a_page_asks_while_the_daemon_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    may_end, looks = threading.Event(), []

    def slow_list() -> tuple[InputChoice, ...]:
        looks.append(1)
        assert may_end.wait(60)
        return INPUTS

    monkeypatch.setattr("realtime.devices.list_inputs", slow_list)

    async def what(peer: PagePeer, rig: Rig) -> None:
        await peer.lanes()
        assert "inputs" not in peer.sections
        async with PagePeer(peer.url) as other:
            await peer.do("inputs")
            await other.do("inputs")
            assert (await other.answer("auto", on=True))["kind"] == "reply"
            assert (await peer.answer("auto", on=False))["kind"] == "reply"
            may_end.set()
            for page in (peer, other):
                found = await page.section("inputs", bool)
                assert found["problem"] == ""
                assert [one["input"] for one in found["choices"]] == ["pulse", "jack:ardour:.*"]
                assert found["choices"][1] == {
                    "input": "jack:ardour:.*", "name": "ardour", "system": "JACK ports", "channels": 4,
                    "rate": 48_000, "default": False,
                }  # fmt: skip
        assert len(looks) == 1
        picked = peer.sections["inputs"]["choices"][1]["input"]
        assert (await peer.answer("bus", input=picked))["text"] == "listening to jack:ardour:.*"

    talk(what)


def test_inputs_that_can_not_be_listed_are_a_line_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> tuple[InputChoice, ...]:
        raise CaptureError("list of inputs", "could not be read (x)", "run `timbrel doctor`")

    monkeypatch.setattr("realtime.devices.list_inputs", fail)

    async def what(peer: PagePeer, rig: Rig) -> None:
        await peer.do("inputs")
        found = await peer.section("inputs", bool)
        problem = "list of inputs: could not be read (x); run `timbrel doctor`"
        assert found == {"choices": [], "problem": problem, "look": 1}
        await peer.do("inputs")
        assert await peer.section("inputs", lambda again: again["look"] == 2) == found | {"look": 2}

    talk(what)


def test_the_real_list_of_inputs_is_the_one_of_timbrel_devices() -> None:
    from realtime.devices import list_inputs

    async def what(peer: PagePeer, rig: Rig) -> None:
        wanted = [choice.argument for choice in await asyncio.to_thread(list_inputs)]
        await peer.do("inputs")
        found = await peer.section("inputs", bool)
        assert (found["problem"], [one["input"] for one in found["choices"]]) == ("", wanted)

    talk(what)


def test_a_loaded_engine_hears_as_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    from bridge.parts import Parts
    from tests.fakes import SpectrumEncoder

    monkeypatch.setattr("library.encoders.load_encoder", lambda device: SpectrumEncoder(fingerprint=_gm_fingerprint()))
    engine = Parts().load(Config.model_validate({"suggest": {"threshold": 0.3, "stability": 0.9}}))
    assert (engine.config.threshold, engine.config.stability) == (0.3, 0.9)


def _gm_fingerprint() -> str:
    from library.index import open_library

    return str(open_library("gm", None).fingerprint)

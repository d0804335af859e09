"""Check the window of a host: it shows the list, and what is chosen there is loaded."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bridge.carrier import Carrier
from bridge.commands import SetTarget
from bridge.config import Config, override
from bridge.daws.base import Reach
from bridge.daws.reaper_http import ReaperHttpAdapter
from bridge.effects import Deliver, Effect, Send
from bridge.hub import Hub, HubOptions
from tests.bridge.heard import heard, sample, suggestion
from tests.bridge.host_peers import until
from tests.bridge.peers_reaper import PlainScript, WebReaper

KICK, PAD = sample("Kick"), sample("Pad")


def test_a_list_reaches_the_hosts_window_and_its_choice_is_loaded(tmp_path: Path) -> None:
    async def scenario() -> None:
        script = PlainScript(["Keys"])
        web = WebReaper(script)
        await web.start()
        adapter = ReaperHttpAdapter(Reach("http", web.port, probe_s=0.05))
        hub = Hub(HubOptions("bus"), [adapter])
        chosen: list[tuple[object, ...]] = []
        said: list[str] = []

        def execute(effects: list[Effect], _: object) -> None:
            for effect in effects:
                if isinstance(effect, Deliver):
                    carrier.deliver(effect, None)
                elif isinstance(effect, Send) and effect.message.address == "/timbrel/chosen":
                    chosen.append(effect.message.args)

        carrier = Carrier(hub, [adapter], tmp_path / "replaced", execute, said.append)
        carrier.start(override(Config(), {"midi.port": ""}))
        await until(lambda: hub.targets.can_send(adapter), "the script is online")
        hub.on_state("listening", "")
        hub.handle(SetTarget(adapter.name, "Keys"), 1.0)
        hub.on_analysis(heard(suggestion(1, KICK, PAD)), 1.0)
        carrier.show(hub.shown)
        await until(lambda: script.get("list.2") == "Pad", "the list is in the window")
        assert [script.get(f"list.{n}") for n in range(4)] == ["1", "Kick", "Pad", ""]

        script.set("choice", "1 2")
        await until(lambda: bool(chosen), "the choice was loaded")
        assert chosen[0][:5] == (1, 2, PAD.id, "reaper-http", "ok")
        script.set("choice", "9 1")
        await until(lambda: len(said) > 1, "a stale list is refused")
        assert said[-1] == "reaper-http: list 9 is stale, the current one is 1"
        carrier.close()
        await asyncio.sleep(0.01)
        await web.stop()

    asyncio.run(scenario())

"""Check what pages are told: sections, slow pages, history, lanes, pictures, maps."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from bridge.commands import (
    Choose,
    KeepSettings,
    Like,
    Lock,
    Refusal,
    Reject,
    SetBus,
    SetStability,
    SetTarget,
    SetThreshold,
    Step,
    Undo,
)
from bridge.config import Config, PageConfig
from bridge.hub import Hub, HubOptions
from bridge.page import Page
from bridge.page.clients import MOST_EVENTS, Client
from bridge.page.picture import Picture, Tap
from bridge.page.protocol import Request, event, read_request, to_command
from bridge.page.security import WS_PROTOCOL
from bridge.page.soundmap import LibraryMap
from bridge.page.sounds import Shelf
from bridge.page.state import Sections
from bridge.page.view import ADVICE, lanes_section, pulse_section, status_section, tuning_section
from bridge.suggestions import Item, SuggestionList
from library.encoders import load_encoder
from library.features import Frontend
from library.follow import LiveIndex
from library.front_end import PAPER_FEATURES, TIMBREL_FEATURES
from realtime.types import Analysis, EngineState, Timing
from tests.bridge.heard import heard, preset, sample, suggestion
from tests.bridge.page_peer import PagePeer
from tests.bridge.rig import quick_engine
from tests.fakes import SpectrumEncoder

VIOLA, PIANO, KICK = preset("Viola", 41), preset("Piano", 0), sample("kick")
SHOWN = SuggestionList(7, (Item(1, 1, VIOLA, 0.91234, 0.9), Item(1, 2, PIANO, 0.7, 0.9), Item(3, 1, KICK, 0.6, 0.5)))


def test_a_reader_gets_what_changed_since_its_version_and_the_newest_value_only() -> None:
    sections = Sections()
    sections.put("a", 1)
    sections.put("b", [1])
    seen = sections.version
    assert sections.since(0) == {"a": 1, "b": [1]}
    sections.put("a", 1)
    assert sections.version == seen
    sections.put("a", 2)
    sections.put("a", 3)
    assert sections.since(seen) == {"a": 3}
    assert sections.since(sections.version) == {}
    sections.drop("b")
    assert sections.since(0) == {"a": 3}


def test_a_slow_page_gets_the_newest_frame_and_the_newest_events() -> None:
    async def main() -> None:
        sections, sent, may_send = Sections(), list[dict[str, Any]](), asyncio.Event()

        async def send(text: str) -> None:
            sent.append(json.loads(text))
            await may_send.wait()

        sections.put("frame", 0)
        client = Client(1, sections)
        serving = asyncio.ensure_future(client.serve(send))
        while not sent:
            await asyncio.sleep(0)
        for frame in range(1, 1001):
            sections.put("frame", frame)
            client.wake(is_frame=True)
            client.tell(event("note", text=str(frame)))
            await asyncio.sleep(0)
        assert len(sent) == 1
        may_send.set()
        while len(sent) < 2 + MOST_EVENTS:
            await asyncio.sleep(0)
        assert [one["changed"]["frame"] for one in sent if one["type"] == "state"] == [0, 1000]
        assert sent[1]["dropped"] == client.dropped == 999
        assert [one["text"] for one in sent[2:]] == [str(n) for n in range(1001 - MOST_EVENTS, 1001)]
        serving.cancel()

    asyncio.run(main())


def test_a_page_that_reads_nothing_holds_up_neither_the_daemon_nor_another_page() -> None:
    async def main() -> None:
        page = Page(Hub(HubOptions("bus")), lambda command, asker: None, "gm")
        said: list[str] = []
        await page.start(PageConfig(port=0), said.append)
        page.attach([quick_engine(Config())])
        stuck = socket.socket()
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        port = int(page.url.rsplit(":", 1)[1].rstrip("/"))
        stuck.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(stuck, ("127.0.0.1", port))
        hello = (
            f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGltYnJlbHRpbWJyZWwhIQ==\r\n"
            f"Sec-WebSocket-Protocol: {WS_PROTOCOL}, {page.token}\r\n\r\n"
        )
        await loop.sock_sendall(stuck, hello.encode())
        while not page.clients:
            await asyncio.sleep(0.01)
        (slow,) = page.clients.values()
        async with PagePeer(page.url) as quick:
            frame = 0
            async with asyncio.timeout(60):
                while slow.waiting < 10:
                    frame += 1
                    page.on_analysis(numbered(frame))
                    await quick.section("pulse", has_sequence(frame))
            assert quick.raw[-1]["dropped"] == 0
        stuck.close()
        await page.close("the test is over")

    asyncio.run(main())


def has_sequence(number: int) -> Callable[[Any], bool]:
    return lambda pulse: bool(pulse["sequence"] == number)


def numbered(sequence: int) -> Analysis:
    """Return an Analysis whose frame is long: many slots are heard."""
    many = tuple(suggestion(slot, VIOLA) for slot in range(1, 400))
    return Analysis(sequence, 0.0, 5.0, many, "gap", -20.0, Timing())


def test_lanes_hold_the_list_by_slot_with_indices_of_the_list() -> None:
    section = lanes_section(SHOWN, {3}, {PIANO.id}, lambda sound: sound is KICK)
    assert section["list"] == 7
    viola, kick = section["lanes"]
    assert (viola["slot"], viola["locked"], [s["index"] for s in viola["sounds"]]) == (1, False, [1, 2])
    assert viola["sounds"][0]["score"] == 0.912
    assert [sound["liked"] for sound in viola["sounds"]] == [False, True]
    assert viola["sounds"][0]["program"] == {"channel": None, "bank_msb": 0, "bank_lsb": None, "program": 41}
    assert (kick["locked"], kick["sounds"][0]["preview"], kick["sounds"][0]["program"]) == (True, True, None)


def test_every_state_has_a_sentence_that_says_what_to_do() -> None:
    assert set(EngineState.__args__) | {"disabled"} == set(ADVICE)  # type: ignore[attr-defined]  # of a Literal
    assert status_section("listening", "hears one", is_hearing=True)["advice"] == ""
    assert status_section("silent", "", is_hearing=True)["advice"] == ADVICE["silent"]


def test_a_level_that_json_can_not_hold_is_silence() -> None:
    pulse = pulse_section(heard(skipped="silent"), float("-inf"), -200.0, 3, 9, 1.5)
    assert (pulse["level_db"], pulse["peak_db"], pulse["missed"], pulse["windows"]) == (-120.0, -120.0, 3, 9)


def test_tuning_tells_what_is_in_use_and_what_is_usual() -> None:
    usual = tuning_section(None, 0.37, 0.5)
    assert usual == {"threshold": 0.37, "calibrated": 0.37, "set": False, "stability": 0.5, "usual": 0.5}
    assert tuning_section(0.2, 0.37, 1.0) == usual | {"threshold": 0.2, "set": True, "stability": 1.0}


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ('{"do":"choose","slot":3,"sound":"drums/kick.wav"}', Choose(3, 7)),
        ('{"do":"reject","slot":1,"sound":"gm:0:0"}', Reject(2, 7)),
        ('{"do":"lock","slot":3,"on":true}', Lock(3, True)),
        ('{"do":"undo"}', Undo()),
        ('{"do":"step","by":-1}', Step(-1)),
        ('{"do":"target","adapter":"ardour","track":"Lead"}', SetTarget("ardour", "Lead")),
        ('{"do":"bus","input":"default"}', SetBus("default")),
        ('{"do":"like","slot":1,"sound":"gm:0:0","on":true}', Like(2, 7, True)),
        ('{"do":"threshold","value":0.25}', SetThreshold(0.25)),
        ('{"do":"threshold","value":null}', SetThreshold(None)),
        ('{"do":"stability","value":1}', SetStability(1.0)),
        ('{"do":"keep"}', KeepSettings()),
    ],
)
def test_messages_become_the_commands_of_osc(text: str, command: object) -> None:
    assert to_command(read_request(text), SHOWN) == command


def test_a_sound_of_another_slot_is_not_chosen() -> None:
    with pytest.raises(Refusal, match="409"):
        to_command(Request("choose", 1, {"slot": 3, "sound": VIOLA.id}), SHOWN)


def test_the_tap_passes_on_what_the_encoder_says_and_keeps_the_window() -> None:
    encoder = SpectrumEncoder()
    tap = Tap(encoder)
    audio = np.zeros((1, 80_000), np.float32)
    audio[0, -8000:] = 0.5
    assert np.array_equal(tap.encode(audio).vectors, encoder.encode(audio).vectors)
    assert tap.spec is encoder.spec
    assert list(tap.levels(0.5)) == pytest.approx([-6.02, -6.02], abs=0.01)
    assert tap.levels(5.0)[0] < -15.0


def test_the_tap_hands_on_the_features_that_the_network_saw() -> None:
    audio = np.random.default_rng(0).normal(0.0, 0.1, 80_000).astype(np.float32)
    tap, plain = Tap(load_encoder(device="cpu")), Tap(SpectrumEncoder())
    assert tap.features() is None is plain.features()
    for one in (tap, plain):
        one.stream().encode(audio, 0)
    with torch.inference_mode():
        expected = Frontend(TIMBREL_FEATURES)(torch.from_numpy(audio)[None])[0, 0].numpy()
    for seen in (tap.features(), plain.features()):
        assert seen is not None
        np.testing.assert_allclose(seen, expected, atol=1e-4)


@pytest.mark.parametrize("features", [TIMBREL_FEATURES, PAPER_FEATURES])
def test_the_picture_of_a_tone_is_bright_where_the_tone_is(features: Any) -> None:
    tone_hz = 1000.0
    window = (0.3 * np.sin(2 * np.pi * tone_hz * np.arange(80_000) / 16_000)).astype(np.float32)
    with torch.inference_mode():
        drawn = Picture(features).draw(Frontend(features)(torch.from_numpy(window)[None])[0, 0].numpy())
    shades = np.frombuffer(base64.b64decode(drawn["data"]), np.uint8).reshape(drawn["rows"], drawn["columns"])
    assert drawn["rows"] <= 90
    assert drawn["columns"] <= 80
    brightest = int(shades.mean(axis=1).argmax())
    assert shades.mean(axis=1)[brightest] > 2 * shades.mean()
    if features is TIMBREL_FEATURES:
        assert dict(map(tuple, drawn["marks"]))[1000] == pytest.approx(brightest + 0.5, abs=1.0)


def test_the_map_and_the_previews_of_the_built_in_library_come_by_id() -> None:
    index = LiveIndex("gm", None)
    shelf = Shelf(lambda: index)
    assert shelf.path_of("gm:005").is_file()
    with pytest.raises(Refusal, match="404"):
        shelf.path_of("gm:999")
    drawn = json.loads(asyncio.run(LibraryMap(shelf).json()))
    assert len(drawn["sound_id"]) == len(drawn["x"]) == 102
    assert "gm:005" in drawn["sound_id"]


def test_while_the_library_is_loaded_there_is_neither() -> None:
    shelf = Shelf(lambda: None)
    with pytest.raises(Refusal, match="503"):
        shelf.path_of("gm:005")
    with pytest.raises(Refusal, match="503"):
        asyncio.run(LibraryMap(shelf).json())

"""Run Timbrel's script in a real Ardour: by itself in a session, and called over OSC by a whole daemon's carrier."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from bridge.commands import Choose, SetTarget, Undo
from bridge.config import Config, override
from library.sounds import Sound
from tests.bridge.heard import preset
from tests.integration.ardour_rig import Rig, played, tell
from tests.integration.ardour_window import SCRIPT, ArdourWindow
from tests.integration.hosts import hear, likeness, until
from tests.integration.jack import JackServer, jack_server, needs_fluidsynth, peak_hz

pytestmark = [pytest.mark.daw, pytest.mark.slow]

PIANO, TRUMPET = preset("Piano", 0), preset("Trumpet", 56)
TONE_HZ = 300.0

# Each request is in a file of its own, and so is what the script makes of it; "none" = there is no request.
_RUN = """
local session = create_session(os.getenv("SESSION_DIR"), "test", 48000)
assert(session)
session:new_midi_track(ARDOUR.ChanCount(ARDOUR.DataType("midi"), 1), ARDOUR.ChanCount(ARDOUR.DataType("midi"), 1),
  true, ARDOUR.PluginInfo(), nil, nil, 1, "Keys", ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true)
session:new_audio_track(1, 2, nil, 1, "Drums", ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true, false)
sleep(1)
Session = session
function ardour () end
dofile(os.getenv("SCRIPT"))
local action = load(string.dump(factory, true), nil, nil, _ENV)()
local box = os.getenv("BOX")
for number = 1, tonumber(os.getenv("REQUESTS")) do
  os.rename(box .. "/ask." .. number, box .. "/request")
  action()
  os.rename(box .. "/answer", box .. "/answer." .. number)
end
close_session()
quit()
"""


def request(*lines: str) -> bytes:
    return "\n".join(["timbrel-request 1", *lines, "end", ""]).encode()


def test_each_request_is_answered_with_one_sentence(tmp_path: Path) -> None:
    if shutil.which("ardour7-lua") is None:
        pytest.skip("Ardour 7 is missing: apt-get install ardour")
    unknown = "this script does not know the request; take it from the Timbrel that runs"
    done = "sent on channel 3 by Ardour's script"
    cases = [
        (request("1", "program", "Keys", "2 0 -1 56"), "1", "ok", done),
        (request("2", "program", "Nothing", "2 0 -1 56"), "2", "failed", "there is no track Nothing"),
        (request("3", "program", "Drums", "2 0 -1 56"), "3", "failed", "track Drums is no MIDI track"),
        (request("4", "program", "Keys", "2 0 -1 128"), "4", "failed", "this is no program: 2 0 -1 128"),
        (request("5", "program", "Keys", "piano"), "5", "failed", "this is no program: piano"),
        (request("6", "program", "", "2 0 -1 56"), "6", "failed", "no track is named"),
        (request("7", "file", "Drums", "/kick.wav"), "7", "failed", "this Ardour has no editor, which an import needs"),
        (request("8", "remove", "", "123456"), "8", "failed", "what was imported is not there any more"),
        (request("9", "dance", "Keys", ""), "9", "failed", unknown),
        (b"timbrel-request 2\n10\nprogram\nKeys\n0 0 0 0\nend\n", "10", "failed", unknown),
        (b"timbrel-request 1\n11\nprogram\nKeys\n0 0 0", "11", "failed", unknown),
        (b"\0\xff garbage", "0", "failed", unknown),
        (b"", "0", "failed", unknown),
        (None, "", "", ""),
        (request("15", "program", "Keys", "2 0 0 0"), "15", "ok", done),  # it goes on after all that
    ]
    box = tmp_path / ".local/state/timbrel/ardour"
    box.mkdir(parents=True)
    for number, (asked, *_) in enumerate(cases, 1):
        if asked is not None:
            (box / f"ask.{number}").write_bytes(asked)
    script = tmp_path / "run.lua"
    script.write_text(_RUN)
    environment = {key: value for key, value in os.environ.items() if key != "XDG_STATE_HOME"}
    ended = subprocess.run(
        ["ardour7-lua", str(script)],
        env=environment
        | {"HOME": str(tmp_path), "SESSION_DIR": str(tmp_path / "session"), "SCRIPT": str(SCRIPT)}
        | {"BOX": str(box), "REQUESTS": str(len(cases))},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert b"Timbrel: nothing is asked for" in ended.stdout
    for number, (asked, of, result, said) in enumerate(cases, 1):
        answer = box / f"answer.{number}"
        if asked is None:
            assert not answer.exists()
        else:
            assert answer.read_text() == f"timbrel-answer 1\n{of}\n{result}\n{said}\n\nend\n"
    assert not (box / "request").exists()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[JackServer]:
    with jack_server() as running:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", running.name)
        monkeypatch.setenv("JACK_NO_START_SERVER", "1")
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state of it"))
        yield running


def test_programs_and_samples_reach_ardours_window_without_a_midi_port(server: JackServer, tmp_path: Path) -> None:
    needs_fluidsynth()
    tone, gone = tmp_path / "tone é.wav", tmp_path / "gone.wav"
    soundfile.write(tone, 0.5 * np.sin(2 * np.pi * TONE_HZ * np.arange(60_000) / 22_050), 22_050)
    sounds = [Sound(p.name, p.stem, "sample", str(p), None, "", "drums", "") for p in (tone, gone)]

    async def scenario() -> None:
        with ArdourWindow(server, tmp_path / "home", ("Keys",), ("Drums",)) as ardour:
            rig = Rig(tmp_path / "replaced", PIANO, TRUMPET, *sounds)
            rig.carrier.start(override(Config(), {"midi.port": ""}))
            try:
                await until(lambda: "online" in rig.hub.status[1], "Ardour is online")
                rig.hub.handle(SetTarget("ardour", "Keys"), 1.0)
                chosen = await rig.do(Choose(1))
                sent = "program 1 on track Keys, sent on channel 1 by Ardour's script"
                assert chosen[4:] == ("ok", f"Piano: {sent}")
                piano = await asyncio.to_thread(played, server, ardour, "Keys")
                assert (await rig.do(Choose(2)))[4] == "ok"
                trumpet = await asyncio.to_thread(played, server, ardour, "Keys")
                assert likeness(piano, trumpet) < 0.9
                assert (await rig.do(Undo()))[4:] == ("ok", f"undone: Piano: {sent}")
                assert likeness(piano, await asyncio.to_thread(played, server, ardour, "Keys")) > 0.95

                rig.hub.handle(SetTarget("ardour", "Drums"), 1.0)
                before = "at the playhead on track Drums"
                missing = await rig.do(Choose(4))
                assert missing[4:] == ("failed", f"gone {before}: Ardour can't read {gone}")
                chosen = await rig.do(Choose(3))
                assert chosen[4:] == ("ok", f"tone é {before}, imported by Ardour's script")
                assert peak_hz(await asyncio.to_thread(rolled, server, ardour), 48_000) == pytest.approx(TONE_HZ, abs=2)
                undone = await rig.do(Undo())
                assert undone[4:] == ("ok", "undone: sample off track Drums, taken away by Ardour's script")
                assert np.abs(await asyncio.to_thread(rolled, server, ardour)).max() < 0.001
            finally:
                rig.carrier.close()
                await asyncio.sleep(0.1)

    asyncio.run(scenario())


def rolled(server: JackServer, ardour: ArdourWindow) -> NDArray[np.float32]:
    """Return what Master puts out while the transport rolls from the start."""

    try:
        return hear(server, ardour.ports, lambda: tell("/goto_start", "/transport_play"), 2.0)
    finally:
        tell("/transport_stop", "/goto_start")

"""Run a real Ardour without a screen on a JACK server: one MIDI track that plays a General MIDI SoundFont."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

import pytest

from tests.integration.jack import FONT, JackServer

__all__ = ["LIBRARIES", "OSC_PORT", "Ardour"]

OSC_PORT = 3819
TRACKS = ("Keys", "Lead")
STARTS = 4
READY_S = 25.0
LIBRARIES = Path("/usr/lib/ardour7")

_SURFACE = (
    '<Protocol name="Open Sound Control (OSC)" active="1" debugmode="0" address-only="0" remote-port="0" '
    'banksize="0" striptypes="31" feedback="0" gainmode="0" send-page-size="0" plug-page-size="0"/>'
)

_SESSION = """
local s = create_session(os.getenv("SESSION_DIR"), "test", 48000)
assert(s)
for name in string.gmatch(os.getenv("SESSION_TRACKS"), "%S+") do
  local tracks = s:new_midi_track(
    ARDOUR.ChanCount(ARDOUR.DataType("midi"), 1), ARDOUR.ChanCount(ARDOUR.DataType("audio"), 2),
    true, ARDOUR.PluginInfo(), nil, nil, 1, name,
    ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true)
  sleep(1)
  for t in tracks:iter() do
    local synth = ARDOUR.LuaAPI.new_plugin(s, "urn:ardour:a-fluidsynth", ARDOUR.PluginType.LV2, "Test-GM")
    assert(not synth:isnil())
    t:add_processor_by_index(synth, 0, nil, true)
    t:monitoring_control():set_value(ARDOUR.MonitorChoice.MonitorInput, PBD.GroupControlDisposition.NoGroup)
  end
end
for name in string.gmatch(os.getenv("SESSION_AUDIO"), "%S+") do
  s:new_audio_track(1, 2, nil, 1, name, ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true, false)
end
sleep(1)
s:save_state("", false, false, false, false, false)
close_session()
quit()
"""

_PREFIXES = """@prefix atom: <http://lv2plug.in/ns/ext/atom#> .
@prefix lv2: <http://lv2plug.in/ns/lv2core#> .
@prefix pset: <http://lv2plug.in/ns/ext/presets#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix state: <http://lv2plug.in/ns/ext/state#> .
<urn:test:gm> a pset:Preset ; lv2:appliesTo <urn:ardour:a-fluidsynth> ; rdfs:label "Test-GM" ;
"""


class Ardour:
    """Make a session, and run Ardour on it.

    Args:
        server: JACK server that it joins.
        folder: Empty folder for its session and settings.
        tracks: Names of MIDI tracks.
        audio: Names of audio tracks.
    """

    ports = "^ardour:Master/audio_out"

    def __init__(
        self, server: JackServer, folder: Path, tracks: tuple[str, ...] = TRACKS, audio: tuple[str, ...] = ()
    ) -> None:
        programs = sorted(LIBRARIES.glob("hardour-*"))
        if not programs or shutil.which("ardour7-lua") is None:
            pytest.skip("Ardour 7 is missing: apt-get install ardour ardour-lv2-plugins")
        self._program, self._server, self._folder = programs[-1], server, folder
        self._audio = audio
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = contextlib.ExitStack()
        self._write_preset()
        self.session = folder / "session"
        self._make_session(tracks)

    def __enter__(self) -> Self:
        """Wait until no other test runs an Ardour: they all listen at one port."""
        with contextlib.ExitStack() as turn:
            claim = turn.enter_context((Path(tempfile.gettempdir()) / "timbrel-test-ardour.lock").open("wb"))
            fcntl.flock(claim, fcntl.LOCK_EX)
            self.start()
            self._turn = turn.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._turn.close()

    def start(self) -> None:
        """Start it; one start in ten loses JACK while OSC is up, and is tried again."""
        for _ in range(STARTS):
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=self._environment(),
                start_new_session=True,
            )
            if self._is_ready():
                return
            self.kill()
        pytest.fail(f"Ardour did not start in {STARTS} tries")

    def kill(self) -> None:
        """End it as a crash would."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)

    def use(self, tracks: tuple[str, ...]) -> None:
        """Give it another session for the next start."""
        shutil.rmtree(self.session)
        self._make_session(tracks)

    def _command(self) -> list[str]:
        return [str(self._program), "-c", "ardour", str(self.session), "test"]

    def _environment(self) -> dict[str, str]:
        lib = str(LIBRARIES)
        return self._server.environment | {
            "HOME": str(self._folder),
            "LD_LIBRARY_PATH": lib,
            "ARDOUR_DLL_PATH": lib,
            "VAMP_PATH": f"{lib}/vamp",
            "ARDOUR_DATA_PATH": "/usr/share/ardour7",
            "ARDOUR_CONFIG_PATH": "/etc/ardour7",
        }

    def _is_ready(self) -> bool:
        end = time.monotonic() + READY_S
        with self._server.client("look") as client:
            while time.monotonic() < end:
                if client.get_ports(self.ports) and _answers():
                    return True
                time.sleep(0.2)
        return False

    def _write_preset(self) -> None:
        bundle = self._folder / ".lv2" / "test-presets.lv2"
        bundle.mkdir(parents=True)
        font = f'  state:state [ <urn:ardour:a-fluidsynth:sf2file> "{FONT}"^^atom:Path ] .\n'
        (bundle / "gm.ttl").write_text(_PREFIXES + font)
        (bundle / "manifest.ttl").write_text(_PREFIXES + "  rdfs:seeAlso <gm.ttl> .\n")

    def _make_session(self, tracks: tuple[str, ...]) -> None:
        """Make a session; adding a plugin races with the track's own set-up, and Ardour aborts now and then."""
        script = self._folder / "session.lua"
        script.write_text(_SESSION)
        for _ in range(STARTS):
            made = subprocess.run(
                ["ardour7-lua", str(script)],
                env=self._server.environment
                | {"HOME": str(self._folder), "SESSION_DIR": str(self.session)}
                | {"SESSION_TRACKS": " ".join(tracks), "SESSION_AUDIO": " ".join(self._audio)},
                capture_output=True,
                timeout=120,
                check=False,
            )
            if made.returncode == 0:
                break
            shutil.rmtree(self.session, ignore_errors=True)
        else:
            pytest.fail(f"Ardour made no session: {made.stderr[-300:]!r}")
        path = self.session / "test.ardour"
        text = path.read_text()
        if 'name="Open Sound Control (OSC)"' in text:
            text = re.sub(r'<Protocol name="Open Sound Control \(OSC\)"[^>]*/>', _SURFACE, text)
        else:
            text = text.replace("<ControlProtocols>", f"<ControlProtocols>{_SURFACE}", 1)
        assert _SURFACE in text
        path.write_text(text)


def _answers() -> bool:
    from bridge.daws.wire import osc

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.5)
        probe.sendto(osc("/strip/list"), ("127.0.0.1", OSC_PORT))
        try:
            return bool(probe.recv(4096))
        except OSError:
            return False

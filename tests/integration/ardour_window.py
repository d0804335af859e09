"""Run a real Ardour with its window on a screen that nobody sees, and Timbrel's script as its Action 9."""

from __future__ import annotations

import base64
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

import pytest

from tests.integration.ardour import LIBRARIES, Ardour
from tests.integration.jack import JackServer

__all__ = ["SCRIPT", "ArdourWindow"]

SETTLE_S = 4.0
SCRIPT = Path(__file__).parents[2] / "examples/ardour/timbrel.lua"

_ENGINE = """<?xml version="1.0" encoding="UTF-8"?>
<Ardour><Config><Option name="try-autostart-engine" value="1"/></Config><Extra><AudioMIDISetup><EngineStates>
<State backend="JACK" driver="" device="Dummy" input-device="" output-device="" sample-rate="48000" buffer-size="1024"
 n-periods="2" input-latency="0" output-latency="0" active="1" use-buffered-io="0" midi-option="" lru="0"/>
</EngineStates></AudioMIDISetup></Extra></Ardour>
"""
_NO_WARNING = '<?xml version="1.0" encoding="UTF-8"?>\n<instant><no-memory-warning/></instant>\n'

# What the script manager does when the user sets an action: bytecode of the factory, kept as Lua text.
_SET_ACTION = """
function ardour () end
local file = io.open(os.getenv("SCRIPT")); local text = file:read("a"); file:close()
assert(load(text))()
file = io.open(os.getenv("ACTIONS"), "wb")
file:write('scripts = {} scripts[9] = {} scripts[9]["n"] = "Timbrel" scripts[9]["a"] = {} scripts[9]["s"] = ',
  string.format("%q", text), ' scripts[9]["f"] = ', string.format("%q", string.dump(factory, true)), " ")
file:close()
quit()
"""


class ArdourWindow(Ardour):
    """Make a session, and run Ardour with its window on it.

    Args:
        server: JACK server that it joins.
        folder: Empty folder that stands for the user's own.
        tracks: Names of MIDI tracks.
        audio: Names of audio tracks.
    """

    def __init__(self, server: JackServer, folder: Path, tracks: tuple[str, ...], audio: tuple[str, ...]) -> None:
        super().__init__(server, folder, tracks, audio)
        programs = sorted(LIBRARIES.glob("ardour-7*"))
        if not programs:
            pytest.skip("Ardour's window is missing: apt-get install ardour")
        self._window = programs[-1]
        self._screen = _Screen()
        self._configure(folder / ".config/ardour7", folder)

    def __enter__(self) -> Self:
        try:
            return super().__enter__()
        except BaseException:
            self._screen.close()
            raise

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._screen.close()

    def _is_ready(self) -> bool:
        """Wait until its ports stay: while it draws itself, it may be too late for JACK and be shut out."""
        if not super()._is_ready():
            return False
        time.sleep(SETTLE_S)
        with self._server.client("look") as client:
            return bool(client.get_ports(self.ports))

    def _command(self) -> list[str]:
        return [str(self._window), "-n", "-a", "-c", "ardour", str(self.session / "test.ardour")]

    def _environment(self) -> dict[str, str]:
        environment = super()._environment()
        environment.pop("XDG_CONFIG_HOME", None)
        return environment | {"DISPLAY": self._screen.name, "GTK_PATH": f"/etc/ardour7:{LIBRARIES}"}

    def _configure(self, config: Path, folder: Path) -> None:
        config.mkdir(parents=True, exist_ok=True)
        (config / ".a7").touch()  # not the first start
        (config / "config").write_text(_ENGINE)
        (config / "instant.xml").write_text(_NO_WARNING)
        (folder / "set_action.lua").write_text(_SET_ACTION)
        subprocess.run(
            ["ardour7-lua", str(folder / "set_action.lua")],
            env=self._environment() | {"SCRIPT": str(SCRIPT), "ACTIONS": str(folder / "actions")},
            capture_output=True,
            timeout=60,
            check=True,
        )
        actions = base64.b64encode((folder / "actions").read_bytes()).decode()
        script = f'<ActionScript lua="Lua 5.3">{actions}</ActionScript><ActionHooks/>'
        (config / "ui_scripts").write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n<UIScripts>{script}</UIScripts>\n')


class _Screen:
    """Run Xvfb on the next free display."""

    def __init__(self) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  closed in close()
        try:
            self._process = subprocess.Popen(
                ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._log,
            )
        except FileNotFoundError:
            self._log.close()
            pytest.skip("Xvfb is missing: apt-get install xvfb")
        assert self._process.stdout is not None
        self.name = f":{self._process.stdout.readline().decode().strip()}"

    def close(self) -> None:
        self._process.kill()
        self._process.communicate(timeout=10)
        self._log.close()

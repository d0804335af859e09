"""Do to a real captured bus what `timbrel bench faults` does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.bench.faults import bench_faults
from bridge.config import Config, override
from bridge.parts import Parts
from library.demo import load_demo_song
from library.errors import InputError
from tests.integration.jack import JackServer, ToneClient, jack_server, needs_jack

pytestmark = [pytest.mark.slow]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[JackServer]:
    needs_jack()
    with jack_server() as running:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", running.name)
        monkeypatch.setenv("JACK_NO_START_SERVER", "1")
        yield running


def test_capture_that_is_killed_and_a_process_that_is_stopped_hear_on(server: JackServer) -> None:
    config = override(Config(), {"input": "jack:tone:.*", "library.taste": False, "device": "cpu"})
    said: list[str] = []
    with ToneClient(server, "tone", [440.0, 660.0]):
        result = bench_faults(Parts(), config, 2, 0.5, 0.5, said.append)
    assert result.flagged == result.kills == 2
    assert 0.0 < result.back_s <= result.back_longest_s
    assert result.fresh_s > 0.0
    assert result.errors == {}
    assert said[1:] == ["kill 1 of 2", "kill 2 of 2", "every core busy for 0 s", "stopped for 0 s"]


def test_a_recording_is_no_bus_to_be_killed() -> None:
    config = override(Config(), {"input": f"file:{load_demo_song().audio}"})
    with pytest.raises(InputError, match="must be a bus that is captured"):
        bench_faults(Parts(), config, 1, 0.0, 0.0, lambda _: None)

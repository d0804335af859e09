"""Check what holds for every module: public names, quiet imports, the direction of imports, links in the documents."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import bridge
import library
import realtime

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    module.name
    for package in (library, realtime, bridge)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
)
NATURAL = re.compile(r"(\d+)")
MOST_LINES = 300

# What an import must not do; each is raised as an audit event by the interpreter or a module.
IMPORT_GUARD = """
import importlib, sys

DEVICES = ("socket.", "subprocess.", "os.system", "os.fork", "os.posix_spawn", "os.remove", "os.mkdir", "os.rename",
           "sqlite3.connect", "tempfile.", "shutil.")
import torch, torchaudio, numpy, scipy.optimize, pydantic, typer, rich.progress, mido  # others do what they like

def look(event, args):
    if event.startswith(DEVICES):
        raise SystemExit(f"{event} {args} while importing {name}")
    if event == "open" and isinstance(args[1], str) and any(letter in args[1] for letter in "wax+"):
        raise SystemExit(f"{args[0]} opened to write while importing {name}")

names = sys.argv[1:]
name = names[0]
sys.dont_write_bytecode = True
import logging, random
states = random.getstate(), torch.random.get_rng_state(), list(logging.getLogger().handlers)
sys.addaudithook(look)
for name in names:
    importlib.import_module(name)
after = random.getstate(), torch.random.get_rng_state(), list(logging.getLogger().handlers)
if states[0] != after[0] or not torch.equal(states[1], after[1]) or states[2] != after[2]:
    raise SystemExit("a seed was set or logging was configured by an import")
for native in ("sounddevice", "rtmidi", "jack", "fluidsynth", "soundfile", "annoy"):
    if native in sys.modules:
        raise SystemExit(f"{native} was imported with its module, not where it is used")
print("quiet")
"""


def sort_key(name: str) -> tuple[int, list[str | int]]:
    """Order as ruff orders __all__: CONSTANTS, Classes, functions, each by name with numbers as numbers."""
    kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
    return kind, [int(part) if part.isdigit() else part for part in NATURAL.split(name)]


@pytest.mark.parametrize("name", MODULES)
def test_public_names_exist_and_are_sorted(name: str) -> None:
    module: ModuleType = importlib.import_module(name)
    public = getattr(module, "__all__", [])
    assert public == sorted(public, key=sort_key)
    assert [word for word in public if not hasattr(module, word)] == []
    assert module.__doc__


def test_importing_opens_nothing_seeds_nothing_and_configures_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_GUARD, *MODULES],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "quiet\n"), done.stderr


def test_the_import_guard_notices_a_socket(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text("import socket\nsocket.socket()\n")
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_GUARD, "loud"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode != 0
    assert "socket.__new__" in done.stderr


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("library", ("bridge", "realtime")),
        ("realtime", ("bridge", "library.training", "library.evaluation", "library.data")),
    ],
)
def test_imports_go_one_way(package: str, forbidden: tuple[str, ...]) -> None:
    wanted = re.compile(r"^\s*(?:from|import)\s+(" + "|".join(map(re.escape, forbidden)) + r")\b", re.MULTILINE)
    found = [
        f"{path.relative_to(ROOT)}: {match[0].strip()}"
        for path in (ROOT / package).rglob("*.py")
        for match in wanted.finditer(path.read_text("utf-8"))
    ]
    assert found == []


def test_files_stay_short() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for package in ("library", "realtime", "bridge")
        for path in (ROOT / package).rglob("*.py")
        if (count := len(path.read_text("utf-8").splitlines())) > MOST_LINES
    }
    assert long == {}


def test_what_the_readme_links_is_there() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    links = re.findall(r"\]\(([^)#]+)\)", text)
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_the_readme_reaches_a_command_by_line_30() -> None:
    head = (ROOT / "README.md").read_text("utf-8").splitlines()[:30]
    assert "make demo" in head


def test_the_readme_names_only_osc_addresses_that_exist() -> None:
    from bridge.osc.addresses import ADDRESSES

    text = (ROOT / "README.md").read_text("utf-8")
    named = set(re.findall(r"`(/timbrel/[\w/.]+)`", text))
    assert named
    assert named - {address.path for address in ADDRESSES} == set()

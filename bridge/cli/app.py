"""Put the commands together; turn every error into one line and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from bridge.cli.bench import bench_app
from bridge.cli.console import complain, say, visible
from bridge.cli.data import data_app
from bridge.cli.demo import demo_command
from bridge.cli.devices import devices_command
from bridge.cli.doctor import doctor_command
from bridge.cli.embed import embed_command
from bridge.cli.evaluate import eval_command
from bridge.cli.library import library_app
from bridge.cli.listen import listen_command
from bridge.cli.run import run_command
from bridge.cli.scripts import scripts_command
from bridge.cli.surfaces import surfaces_command
from bridge.cli.train import train_app
from bridge.cli.weights import weights_app
from library.errors import TimbrelError

__all__ = ["app", "main", "run_cli"]

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130
"""What shells expect of a command that Ctrl-C ended; the daemon and the demo end with 0 instead."""

# Typer brings its own copy of Click in some versions and imports Click in others: take the class from what it raises.
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]

app = typer.Typer(
    name="timbrel",
    help="Hears which instruments play in your DAW and suggests the closest sounds of your own library.",
    epilog="Start with `timbrel demo`: it needs no DAW, no sound card and no download.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        say(f"timbrel {version('timbrel')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Say which version this is.", callback=_show_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the whole traceback of an error.")] = False,
) -> None:
    """Hears which instruments play in your DAW and suggests the closest sounds of your own library."""


app.command("demo")(demo_command)
app.command("run")(run_command)
app.command("listen")(listen_command)
app.command("embed")(embed_command)
app.add_typer(library_app, name="library")
app.add_typer(bench_app, name="bench")
app.command("devices")(devices_command)
app.command("doctor")(doctor_command)
app.command("surfaces")(surfaces_command)
app.command("scripts")(scripts_command)
app.add_typer(data_app, name="data")
app.add_typer(train_app, name="train")
app.command("eval")(eval_command)
app.add_typer(weights_app, name="weights")


def main() -> None:
    """Run the command line and leave with its exit code."""
    # Before numpy is imported. A look-up is a small product: OpenBLAS threads that wait for each other take the cores
    # from everything else (one window 63 ms with them, 16 ms without, two cores busy with another program).
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(run_cli(sys.argv[1:]))


def run_cli(args: Sequence[str]) -> int:
    """Run one command.

    Args:
        args: What the user typed after `timbrel`.

    Returns:
        0 done, 1 failed while running, 2 wrong usage or input, 130 interrupted.
    """
    words = list(args) or ["--help"]
    debug = _take_debug(words)
    try:
        return _invoke(words)
    except TimbrelError as error:
        return _report(error, error.exit_code, debug)
    except _UsageError as error:
        return _report_usage(error)
    except (KeyboardInterrupt, typer.Abort):
        complain("stopped")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has left (`| head`): nothing to say, and nobody to say it to.
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  # so that Python does not flush the broken pipe at exit
        return 0
    except Exception as error:  # noqa: BLE001  # the last resort: a user never sees a traceback unasked
        text = (
            f"{type(error).__name__}: {' '.join(str(error).split())}: unexpected; run again with --debug and report it"
        )
        return _report(text, FAILED, debug)


def _invoke(words: list[str]) -> int:
    # Not app(): Typer's own main would answer a broken pipe and Ctrl-C itself.
    command = typer.main.get_command(app)
    try:
        with command.make_context("timbrel", words) as context:
            result = command.invoke(context)
    except typer.Exit as ended:
        result = ended.exit_code
    sys.stdout.flush()
    return result if isinstance(result, int) else 0


def _take_debug(words: list[str]) -> bool:
    """Remove --debug wherever it stands before a bare `--`: users add it at the end of what they just typed."""
    end = words.index("--") if "--" in words else len(words)
    found = "--debug" in words[:end]
    words[:] = [word for i, word in enumerate(words) if i >= end or word != "--debug"]
    return found


def _report(error: object, code: int, debug: bool) -> int:
    if debug:
        sys.stderr.write(visible(traceback.format_exc()))
    complain(error)
    return code


def _report_usage(error: Exception) -> int:
    message = str(getattr(error, "message", error))
    if type(error).__name__ == "NoArgsIsHelpError":  # a group without a command: its help is the answer
        say(message)
        return WRONG_USAGE
    format_message = getattr(error, "format_message", None)
    if callable(format_message):
        message = str(format_message())
    context = getattr(error, "ctx", None)
    command = getattr(context, "command_path", "timbrel")
    text = " ".join(message.split()).rstrip(".")
    complain(f"{text}; see `{command} --help`")
    return WRONG_USAGE

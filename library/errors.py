"""Define the one error tree of the project.

    TimbrelError                     exit code 1: something failed while running
    |-- InputError                   exit code 2: a value, file or option that can't be used
    |   |-- AudioFileError           a file that is not audio we can read
    |   |-- ConfigError              a config file with a wrong key or value
    |   |-- DeviceError              an input or MIDI port that does not exist
    |   `-- LibraryError             a library that is missing, damaged or of another format
    |       `-- FingerprintError     a library that was built with other encoder weights
    |-- CaptureError                 audio stopped arriving
    |-- EncoderError                 weights that can't be loaded, or an encoder that failed
    |-- NetworkError                 a socket that can't be bound
    `-- MissingDependencyError       a native part that is not installed

Every message is one line: the value, the rule that it breaks, the next step.
"""

from __future__ import annotations

__all__ = [
    "AudioFileError",
    "CaptureError",
    "ConfigError",
    "DeviceError",
    "EncoderError",
    "FingerprintError",
    "InputError",
    "LibraryError",
    "MissingDependencyError",
    "NetworkError",
    "TimbrelError",
]


class TimbrelError(Exception):
    """Carry one line for the user: what was wrong, which rule it breaks, what to do next.

    Args:
        value: The thing that is wrong, as the user wrote it (a path, an option, a name).
        rule: What it should have been.
        next_step: What the user can do about it.
    """

    exit_code = 1

    def __init__(self, value: object, rule: str, next_step: str) -> None:
        self.value = str(value)
        self.rule = rule
        self.next_step = next_step
        super().__init__(_one_line(f"{value}: {rule}; {next_step}"))

    def __reduce__(self) -> tuple[type[TimbrelError], tuple[str, str, str]]:
        """Let it be sent between processes."""
        return type(self), (self.value, self.rule, self.next_step)


class InputError(TimbrelError):
    """Report a value, file or option that can't be used."""

    exit_code = 2


class AudioFileError(InputError):
    """Report a file that is not audio we can read."""


class ConfigError(InputError):
    """Report a config file with a wrong key or value."""


class DeviceError(InputError):
    """Report an input or MIDI port that does not exist."""


class LibraryError(InputError):
    """Report a library that is missing, damaged or of another format."""


class FingerprintError(LibraryError):
    """Report a library that was built with other encoder weights."""


class CaptureError(TimbrelError):
    """Report that audio stopped arriving."""


class EncoderError(TimbrelError):
    """Report weights that can't be loaded, or an encoder that failed."""


class NetworkError(TimbrelError):
    """Report a socket that can't be bound."""


class MissingDependencyError(TimbrelError):
    """Report a native part that is not installed."""


def _one_line(text: str) -> str:
    return " ".join(text.split())

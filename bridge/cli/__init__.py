"""Give the `timbrel` command."""

from bridge.cli.app import main

__all__ = ["main"]

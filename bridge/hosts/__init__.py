"""Carry bytes to hosts and back: the ways that they travel, and the session that keeps a host in view."""

from __future__ import annotations

from bridge.hosts.link import Link, open_link
from bridge.hosts.session import Done, HostSession, HostState

__all__ = ["Done", "HostSession", "HostState", "Link", "open_link"]

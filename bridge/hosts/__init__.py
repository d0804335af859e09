"""Carry bytes to hosts and back: the ways that they travel, and the session that keeps a host in view."""

from __future__ import annotations

from bridge.hosts.link import Link, open_link
from bridge.hosts.mailbox import Answer, Mailbox, mailbox_dir
from bridge.hosts.session import Done, HostSession, HostState

__all__ = ["Answer", "Done", "HostSession", "HostState", "Link", "Mailbox", "mailbox_dir", "open_link"]

"""Tell whoever is concerned: OSC clients and pages, each in its own words."""

from __future__ import annotations

from bridge.commands import Refusal
from bridge.effects import Reply, Send
from bridge.osc.server import Asker, OscServer
from bridge.page import Page, PageAsker

__all__ = ["Audience"]


class Audience:
    """Hand what the hub wants told to OSC clients and to pages; who asked is answered where it asked.

    Args:
        server: Speaks OSC.
        page: Speaks to browsers; None without.
    """

    def __init__(self, server: OscServer, page: Page | None) -> None:
        self._server, self._page = server, page

    def publish(self, effect: Send | Reply, asker: Asker | None = None) -> None:
        """Tell everyone that an effect concerns."""
        self._server.publish(effect, None if isinstance(asker, PageAsker) else asker)
        if self._page is not None:
            self._page.publish(effect, asker)

    def refuse(self, asker: Asker, refusal: Refusal) -> None:
        """Tell the asker why a request that was begun can't be done."""
        if not isinstance(asker, PageAsker):
            self._server.refuse(asker, refusal)
        elif self._page is not None:
            self._page.refuse(asker, refusal)

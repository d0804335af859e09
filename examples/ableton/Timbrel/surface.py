"""Run inside Live: read the socket ten times a second, as Live's Python runs no threads reliably."""

from __future__ import annotations

from typing import Any

import Live  # type: ignore[import-not-found]
from _Framework.ControlSurface import ControlSurface  # type: ignore[import-not-found]

from .loading import Loader
from .server import PORT, Server
from .service import Service


class TimbrelSurface(ControlSurface):  # type: ignore[misc]
    """Be a control surface without controls.

    _Framework.ControlSurface is part of Live 9 to 12; `schedule_message`, `show_message` and `song` are its methods.
    """

    def __init__(self, c_instance: Any) -> None:
        super().__init__(c_instance)
        self._server: Server | None = None
        application = Live.Application.get_application()
        service = Service(Loader(self.song(), application.browser), application, self.show_message)
        try:
            self._server = Server(service.handle)
        except OSError as error:
            self.show_message(f"Timbrel: port {PORT} is taken ({error})")
            return
        self._service = service
        self.show_message(f"Timbrel: listening on port {PORT}")
        self.schedule_message(1, self._tick)

    def _tick(self) -> None:
        if self._server is None:
            return
        self._server.process()
        for address, out in self._service.finish():
            self._server.send(address, out)
        self.schedule_message(1, self._tick)

    def disconnect(self) -> None:
        """Close the socket; Live calls this when the script is switched off."""
        if self._server is not None:
            self._server.close()
            self._server = None
        super().disconnect()

"""Decide which requests are answered: only those of our own page, on this machine, in this run."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping

__all__ = ["HOSTS", "TOKEN_HEADER", "WS_PROTOCOL", "headers", "new_token", "refusal", "token_fits"]

HOSTS = ("127.0.0.1", "localhost")
"""Names under which the page is reached; any other Host is a name that was pointed here (DNS rebinding)."""

TOKEN_HEADER = "X-Timbrel-Token"  # noqa: S105 - a header's name
WS_PROTOCOL = "timbrel-1"
"""Subprotocol of the WebSocket; the token is offered beside it, since a browser sends no other header of ours."""


def new_token() -> str:
    """Return what only our page of this run knows: 256 random bits, in letters that a header may hold."""
    return secrets.token_urlsafe(32)


def token_fits(token: str, given: str) -> bool:
    """Compare in a time that tells nothing."""
    return hmac.compare_digest(token.encode(), given.encode("utf-8", "replace"))


def refusal(request: Mapping[str, str], port: int, *, is_document: bool, is_socket: bool) -> str | None:
    """Return why a request is not answered, None when it may be.

    Args:
        request: Its headers.
        port: Where we listen.
        is_document: It asks for the page itself, to which a link may lead from anywhere.
        is_socket: It opens the WebSocket; browsers name the origin of every one.
    """
    host = request.get("Host", "").lower()
    if host not in {f"{name}:{port}" for name in HOSTS}:
        return "this page is served on this machine alone: open it as http://127.0.0.1"
    origin = request.get("Origin")
    if origin is None:
        if is_socket:
            return "a WebSocket has to name its origin"
    elif origin.lower() != f"http://{host}":
        return "pages of another origin are not answered"
    if not is_document and request.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return "pages of another site are not answered"
    return None


def headers(port: int, *, is_report: bool = False) -> dict[str, str]:
    """Return the headers of every answer: no script but our files, no frame around us, nothing kept or told on.

    Args:
        port: Where we listen.
        is_report: It is for an evaluation, which plays sounds of its own and connects to nothing.
    """
    sockets = " ".join(f"ws://{name}:{port}" for name in HOSTS)
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        **({"media-src": "'self'"} if is_report else {"connect-src": f"'self' {sockets}"}),
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cache-Control": "no-store",
    }

"""Turning strangers away: other hosts' names, other sites' pages; and the headers that every answer carries.

A page on the network must not reach a server on this machine: its requests carry its own `Origin`, or a `Host`
that was rebound to 127.0.0.1. Both are refused, and no answer allows reading across origins.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE_POLICY = "sandbox allow-scripts allow-modals allow-downloads; frame-ancestors 'self'"
"""For a model's page, beside the stricter one that it carries itself: an origin of its own, no forms, no popups.
Its figures can be saved."""

HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """Middleware (ASGI) around an application that only this machine's own pages may ask."""

    def __init__(self, app: Any, hosts: Iterable[str]) -> None:
        self.app, self.hosts = app, frozenset(hosts)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        reason = self.refusal(scope) if scope["type"] == "http" else "only HTTP is spoken here"
        if reason is not None:
            await refuse(send, reason)
            return

        async def guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = message | {"headers": with_headers(message.get("headers", ()))}
            await send(message)

        await self.app(scope, receive, guarded)

    def refusal(self, scope: Any) -> str | None:
        """Why a request is refused; None if it is not."""
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        host = headers.get("host", [])
        if len(host) != 1 or host[0].lower() not in self.hosts:
            return "this host name is not served"
        if any(origin != f"http://{host[0].lower()}" for origin in headers.get("origin", [])):
            return "requests from other origins are refused"
        if any(site not in ("same-origin", "none") for site in headers.get("sec-fetch-site", [])):
            return "requests from other sites are refused"
        json_body = headers.get("content-type", [""])[0].split(";")[0].strip() == "application/json"
        if scope["method"] == "POST" and not json_body:
            return "a request holds application/json"
        return None if scope["method"] in ("GET", "HEAD", "POST") else "this method is not served"


def with_headers(given: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of an answer, with those that every answer has."""
    found = list(given)
    known = {name.lower() for name, _ in found}
    always = HEADERS | {"content-security-policy": POLICY}
    return found + [(k.encode(), v.encode()) for k, v in always.items() if k.encode() not in known]


async def refuse(send: Any, reason: str) -> None:
    """403 and the reason."""
    start = {"type": "http.response.start", "status": 403, "headers": with_headers([(b"content-type", b"text/plain")])}
    await send(start)
    await send({"type": "http.response.body", "body": reason.encode()})

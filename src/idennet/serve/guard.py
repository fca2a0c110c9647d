"""Who may talk to the server: the right host, no page of another origin, and a token where one is needed."""

import re
import secrets
from http.cookies import SimpleCookie
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from idennet.errors import InputError

_OPEN = ("/health",)
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "media-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach a server that listens on `host`."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def check_token(token: str | None) -> None:
    """See that a token stands as it is in a header, a link and a cookie.

    Raises:
        InputError: It is empty, or does not.
    """
    if token is not None and not re.fullmatch("[A-Za-z0-9_-]+", token):
        raise InputError(
            "A token has letters, digits, - and _ only, and at least one; choose another, or give none."
        )


class Guard:
    """Answers for the app where a request may not reach it.

    Args:
        app: What is guarded.
        token: Without it nothing but `/health` is answered; None: whoever reaches the server may use it.
            Then only requests from this very machine and to it are answered, so that no other machine
            comes in, and no web site can lead a browser here under another name.
    """

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        token = self._given_token(scope, headers)
        if refusal := self._refusal(scope, headers, token):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008, "reason": refusal[1]})
            else:
                answer = JSONResponse({"error": refusal[1]}, refusal[0], _HEADERS)
                await answer(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    given.setdefault(name, value)
                if self._token and scope["path"] == "/" and token:  # for the page's own requests
                    given.append(
                        "Set-Cookie", f"idennet_token={self._token}; HttpOnly; SameSite=Strict; Path=/"
                    )
            await send(message)

        await self._app(scope, receive, send_guarded)

    def _refusal(self, scope: Scope, headers: Headers, token: str | None) -> tuple[int, str] | None:
        """Return why a request is refused, or None."""
        host = headers.get("host", "")
        if self._token is None and not is_loopback(_name_of(host)):
            return 400, f"This server answers on this machine only, not as {host[:100]!r}."
        if self._token is None and not is_loopback((scope.get("client") or ("",))[0]):
            return 403, "Other machines may not use this server; start it with a token."
        origin = headers.get("origin")
        if origin is not None and _place_of(origin) != host:
            return 403, "Pages of other sites may not use this server."
        if self._token is None or scope["path"] in _OPEN:
            return None
        if token is None or not secrets.compare_digest(token.encode(), self._token.encode()):
            return 401, "Give the token that the server printed: Authorization: Bearer TOKEN."
        return None

    def _given_token(self, scope: Scope, headers: Headers) -> str | None:
        """Return the token of a request: in its header, its address (for links), or its cookie (the page)."""
        kind, _, value = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return value.strip()
        if given := parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token"):
            return given[0]
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get("idennet_token")
        except Exception:
            return None
        return None if cookie is None else cookie.value


def _name_of(host: str) -> str:
    """Return the name or address in a Host header; "" where there is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:  # brackets without an address
        return ""


def _place_of(origin: str) -> str | None:
    """Return host and port of an Origin header; None where there is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:  # brackets without an address
        return None

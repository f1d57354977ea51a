"""The vendors' own addresses, found by a look-up: FastAPI's way to a handler takes longer than most replies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import cast

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["Desks"]

Handler = Callable[[Request], Awaitable[Response]]
WHOLE_REST = ":path"


@dataclass(frozen=True, slots=True)
class _Desk:
    """A handler and the name of the last part of its address, if that is the caller's."""

    handle: Handler
    parameter: str = ""


class Desks:
    """
    ASGI application in front of another: it serves the routes of the given routers, and leaves all else to `app`.

    Their handlers take the request alone and give a response. They may end in a `{parameter}`.
    """

    def __init__(self, app: ASGIApp, routers: Iterable[APIRouter]) -> None:
        self._app = app
        self._exact: dict[tuple[str, str], _Desk] = {}
        self._below: dict[tuple[str, str], _Desk] = {}
        self._under: list[tuple[str, str, _Desk]] = []
        for router in routers:
            for route in router.routes:
                if isinstance(route, APIRoute):
                    self._enter(route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        desk = self._desk(scope) if scope["type"] == "http" else None
        if desk is None:
            await self._app(scope, receive, send)
            return
        response = await desk.handle(Request(scope, receive, send))
        await response(scope, receive, send)

    def _desk(self, scope: Scope) -> _Desk | None:
        method, path = scope["method"], scope["path"]
        if (desk := self._exact.get((method, path))) is not None:
            return desk
        above, _, last = path.rpartition("/")
        if last and (desk := self._below.get((method, above))) is not None:
            scope["path_params"] = {desk.parameter: last}
            return desk
        for its_method, prefix, desk in self._under:
            if method == its_method and path.startswith(prefix):
                scope["path_params"] = {desk.parameter: path.removeprefix(prefix)}
                return desk
        return None

    def _enter(self, route: APIRoute) -> None:
        handle = cast("Handler", route.endpoint)
        above, _, last = route.path.rpartition("/")
        name = last[1:-1] if last.startswith("{") else ""
        for method in route.methods or ():
            if not name:
                self._exact[method, route.path] = _Desk(handle)
            elif name.endswith(WHOLE_REST):
                self._under.append((method, f"{above}/", _Desk(handle, name.removesuffix(WHOLE_REST))))
            else:
                self._below[method, above] = _Desk(handle, name)

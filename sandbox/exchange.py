"""The outermost layer of every request: it counts, and brings about the faults that lie outside a vendor's desk."""

from __future__ import annotations

from pydantic import ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.faults import FaultRule, asked_for
from sandbox.misbehaviour import MISBEHAVIOURS, Spoilt
from sandbox.operations import DOWNLOADS, Route, route_of
from sandbox.replies import json_reply
from sandbox.state import FAULT, SANDBOX, Sandbox

__all__ = ["Exchange"]

TOO_MANY_REQUESTS = 429


class Exchange:
    """ASGI application around the whole sandbox."""

    def __init__(self, app: ASGIApp, sandbox: Sandbox) -> None:
        self._app = app
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        scope[SANDBOX] = self._sandbox
        route = self._route(scope["path"]) if scope["type"] == "http" else None
        if route is None:
            await self._app(scope, receive, send)
            return
        self._sandbox.studio.disturb()
        self._sandbox.requests[f"{route.operation} {route.phase}"] += 1
        try:
            fault = self._fault(scope, route)
        except ValidationError as error:
            complaint = json_reply(400, {"sandbox_fault": str(error)})
            await complaint(scope, receive, send)
            return
        await self._serve(scope, receive, self._counting(send, route), route, fault)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, route: Route, fault: FaultRule | None) -> None:
        if fault is None:
            await self._app(scope, receive, send)
            return
        self._sandbox.faults_met[fault.fault] += 1
        misbehave = MISBEHAVIOURS.get(fault.fault)
        if misbehave is not None:
            await misbehave(Spoilt(self._app, scope, receive, send, route, fault))
            return
        scope[FAULT] = fault
        await self._app(scope, receive, send)

    def _route(self, path: str) -> Route | None:
        if not path.startswith(DOWNLOADS):
            return route_of(path)
        picture = self._sandbox.pictures.get(path)
        operation = picture.operation if picture else "unknown"
        return Route(operation.partition(".")[0], operation, "download")

    def _fault(self, scope: Scope, route: Route) -> FaultRule | None:
        header: bytes | None = dict(scope["headers"]).get(b"x-sandbox-fault")
        asked = asked_for(None if header is None else header.decode(), scope["query_string"])
        return asked or self._sandbox.faults.pick(route.operation, route.phase)

    def _counting(self, send: Send, route: Route) -> Send:
        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == TOO_MANY_REQUESTS:
                self._sandbox.refused_for_rate[route.vendor] += 1
            await send(message)

        return counted

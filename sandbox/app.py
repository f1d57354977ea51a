"""The whole sandbox as one FastAPI application."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from sandbox import admin, ailabtools, claid, claid_scene, claid_upload, results, vmake
from sandbox.desks import Desks
from sandbox.exchange import Exchange
from sandbox.settings import SandboxSettings
from sandbox.state import Sandbox

__all__ = ["create_app"]

VENDORS = tuple(room.router for room in (results, claid, claid_scene, claid_upload, vmake, ailabtools))


def create_app(settings: SandboxSettings | None = None) -> FastAPI:
    """
    Build a sandbox that shares nothing with any other.

    It is ready at once; its lifespan starts the drawing processes early and ends them.
    """
    sandbox = Sandbox(settings or SandboxSettings())

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None, None]:
        await sandbox.start()
        try:
            yield
        finally:
            await sandbox.stop()

    app = FastAPI(
        title="Vendor sandbox",
        description="Claid, Vmake and AILabTools, simulated: no picture leaves this machine and nothing is charged.",
        lifespan=lifespan,
    )
    app.state.sandbox = sandbox
    for router in (*VENDORS, admin.router):
        app.include_router(router)
    # FastAPI serves what nobody calls by the thousand: the sandbox's own routes, the documentation, wrong methods.
    app.middleware_stack = Exchange(Desks(app.build_middleware_stack(), VENDORS), sandbox)
    return app

"""The whole sandbox as one ASGI application."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.types import ASGIApp

from sandbox import admin, ailabtools, claid, claid_scene, claid_upload, results, vmake
from sandbox.desks import Desks
from sandbox.exchange import Exchange
from sandbox.state import Sandbox

__all__ = ["create_app"]

VENDORS = tuple(room.router for room in (results, claid, claid_scene, claid_upload, vmake, ailabtools))


def create_app(sandbox: Sandbox) -> ASGIApp:
    """Everything a sandbox answers to; the application's lifespan starts it and ends it."""

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
    for router in (*VENDORS, admin.router):
        app.include_router(router)
    # FastAPI serves what nobody calls by the thousand: the sandbox's own routes, the documentation, wrong methods.
    return Exchange(Desks(app, VENDORS), sandbox)

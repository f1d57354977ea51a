"""`catwalk sandbox`: the five vendor APIs, simulated on loopback."""

from __future__ import annotations

from contextlib import suppress
from socket import create_server
from typing import Annotated

import typer

from blocks.errors import CatwalkError
from sandbox.server import running_sandbox
from sandbox.settings import SandboxSettings

__all__ = ["sandbox"]

VENDORS = ("CLAID", "VMAKE", "AILABTOOLS")


def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 8765,
    job_seconds: Annotated[float, typer.Option(min=0, help="How long a job takes.")] = 2.0,
) -> None:
    """Run the simulated vendors until interrupted: real pictures, real errors, no key, no charge."""
    _check_free(port)
    # Not in this process: those that draw would each load what it has loaded, Prefect and all.
    with suppress(KeyboardInterrupt), running_sandbox(SandboxSettings(job_seconds=job_seconds), port) as running:
        typer.echo(_directions(running.url))
        running.process.wait()


def _directions(url: str) -> str:
    exports = [f"  export {vendor}_API_KEY=sandbox {vendor}_BASE_URL={url}" for vendor in VENDORS]
    first = f"The sandbox answers at {url}. Any key is accepted. In another terminal:"
    return "\n".join([first, *exports, f"Charges: {url}/sandbox/charges"])


def _check_free(port: int) -> None:
    try:
        create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise CatwalkError(
            f"port {port} of 127.0.0.1 can't be used: {error.strerror}",
            next_step="Choose another with --port; 0 takes a free one.",
        ) from error

"""`catwalk sandbox`: the five vendor APIs, simulated on loopback."""

from __future__ import annotations

from typing import Annotated

import typer

from sandbox.server import serve
from sandbox.settings import SandboxSettings

__all__ = ["sandbox"]


def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 8765,
    job_seconds: Annotated[float, typer.Option(min=0, help="How long a job takes.")] = 2.0,
) -> None:
    """Run the simulated vendors until interrupted: real pictures, real errors, no key, no charge."""
    typer.echo(f"The sandbox answers at http://127.0.0.1:{port}. Any key is accepted. In another terminal:")
    for vendor in ("CLAID", "VMAKE", "AILABTOOLS"):
        typer.echo(f"  export {vendor}_API_KEY=sandbox {vendor}_BASE_URL=http://127.0.0.1:{port}")
    typer.echo(f"Charges: http://127.0.0.1:{port}/sandbox/charges")
    serve(SandboxSettings(job_seconds=job_seconds), port=port)

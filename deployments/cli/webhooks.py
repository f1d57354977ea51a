"""`catwalk webhooks`: Claid's deliveries, received for the runs that wait for its jobs."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from socket import AF_INET, AF_INET6, create_server, socket
from typing import Annotated

import typer

from blocks.claid import ClaidCredentials
from blocks.errors import AuthFailed, CatwalkError
from deployments.webhooks.receiver import DELIVERIES_PATH, Receiver
from deployments.webhooks.server import serve
from flows.accounts import priced_account
from flows.parameters import Accounts

__all__ = ["webhooks"]


def webhooks(
    host: Annotated[str, typer.Option(help="Address to listen on; TLS and the internet are a reverse proxy's.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8766,
    account: Annotated[
        str | None, typer.Option(help="A Claid Credentials block; else CLAID_WEBHOOK_SECRET is used.")
    ] = None,
) -> None:
    """
    Receive Claid's webhook deliveries until interrupted, so that runs need not poll for the ends of jobs.

    It needs the webhook's secret and no API key, and spends nothing.
    """
    # The account's key is not asked for: this process may be found from the internet.
    secret = asyncio.run(priced_account(ClaidCredentials, Accounts(claid=account))).webhook_secret
    if secret is None:
        raise AuthFailed(
            "there is no secret to know Claid's deliveries by",
            vendor="Claid",
            next_step="Set one in Claid's Webhook Settings (claid.ai/account/webhook), and the same as "
            "CLAID_WEBHOOK_SECRET, or in the block that --account names.",
        )
    listener = _listener(host, port)
    with suppress(KeyboardInterrupt):
        serve(Receiver(secret, typer.echo), listener, lambda: typer.echo(_directions(host, listener)))


def _directions(host: str, listener: socket) -> str:
    url = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
    return (
        f"Receiving at {url}{DELIVERIES_PATH}, which a reverse proxy with TLS makes known to Claid (docs/webhooks.md).\n"
        f"For runs on this machine: export CLAID_WEBHOOK_RECEIVER={url}"
    )


def _listener(host: str, port: int) -> socket:
    try:
        return create_server((host, port), family=AF_INET6 if ":" in host else AF_INET, backlog=128)
    except OSError as error:
        raise CatwalkError(
            f"port {port} of {host} can't be used: {error.strerror}",
            next_step="Choose another with --port; 0 takes a free one.",
        ) from error

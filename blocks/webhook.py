"""What a run and the receiver of a vendor's deliveries say to each other: which jobs have ended."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from contextlib import aclosing
from dataclasses import dataclass
from urllib.parse import quote

import aiohttp
import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from blocks.errors import CatwalkError
from blocks.transport import send

__all__ = ["LONGEST_WAIT_SECONDS", "EndedJobs", "ReceiverSilent", "Webhook", "ended_jobs"]

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 25.0
LARGEST_ANSWER = 2**20
PURPOSE = b"catwalk: which jobs have ended?"


class ReceiverSilent(CatwalkError):
    """
    The receiver can't be asked; nothing hangs on it.

    Costs: nothing.
    Next: none, runs poll instead; `catwalk doctor` says what is wrong with the receiver.
    """


@dataclass(frozen=True, slots=True)
class Webhook:
    """
    How the deliveries of one account reach its runs.

    `secret` signs them, `receiver` is where `catwalk webhooks` is asked, and `patience` is how many seconds a job
    may be overdue, without a word, before the vendor is asked for it.
    """

    secret: SecretStr
    receiver: str
    patience: float

    def token(self) -> str:
        """What shows the receiver that a question comes from the same account; the secret can't be read from it."""
        return hmac.new(self.secret.get_secret_value().encode(), PURPOSE, hashlib.sha256).hexdigest()


class EndedJobs(BaseModel):
    """The receiver's answer: jobs in the order of their deliveries, and where to go on from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cursor: str = Field(max_length=100)
    jobs: tuple[str, ...]


async def ended_jobs(webhook: Webhook, cursor: str, *, wait: float) -> EndedJobs:
    """
    The jobs delivered since `cursor`, waited for up to `wait` seconds; an empty cursor means all that are kept.

    Raises `ReceiverSilent`.
    """
    try:
        async with asyncio.timeout(CONNECT_SECONDS + wait + ANSWER_SECONDS):
            return EndedJobs.model_validate_json(await _answer(webhook, f"/ended?after={quote(cursor)}&wait={wait:g}"))
    except ValidationError:
        cause = "its answer can't be read"
    # An address that is none is a ValueError or `InvalidURL`.
    except (httpx.RequestError, httpx.InvalidURL, aiohttp.ClientError, OSError, ValueError) as error:
        cause = type(error).__name__
    # Raised outside of the handler, as the errors hold the request's headers, and with them the token.
    raise _silent(webhook, cause)


async def _answer(webhook: Webhook, question: str) -> bytes:
    request = httpx.Request(
        "GET",
        webhook.receiver + question,
        headers={"authorization": f"Bearer {webhook.token()}", "accept-encoding": "identity"},
        extensions={"timeout": httpx.Timeout(None, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS).as_dict()},
    )
    async with aclosing(await send(request)) as response:
        if not response.is_success:
            raise _silent(webhook, f"HTTP {response.status_code}")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > LARGEST_ANSWER:
                raise _silent(webhook, f"its answer is larger than {LARGEST_ANSWER} bytes")
    return bytes(body)


def _silent(webhook: Webhook, cause: str) -> ReceiverSilent:
    return ReceiverSilent(
        f"the webhook receiver at {webhook.receiver} can't be asked: {cause}",
        next_step="Jobs are asked for at the vendor instead. See that `catwalk webhooks` runs there with the same secret.",
    )

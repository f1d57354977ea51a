"""The AILabTools account: key, address, limits, and how the vendor says no."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, Field, HttpUrl

from blocks.account import Limits, Price, VendorAccount
from blocks.ailabtools.wire import CreditsReply, Envelope
from blocks.errors import (
    ContentRefused,
    ContractDrift,
    JobFailed,
    QuotaExhausted,
    RateLimited,
    Rejected,
    ResultExpired,
    Unavailable,
    VendorError,
)
from blocks.refusals import by_status, refused

__all__ = ["LOOK", "AILabToolsCredentials", "AILabToolsPrices", "PerhapsFailed"]

ERROR_STATUSES = range(400, 600)
# While a job is polled these mean "ask again"; any other error with words to it is the job's own end.
PASSING = frozenset({408, 429, 502, 503, 504})

ASK_AGAIN = "Run again: the call is free to repeat."
LOOK = "Look at its pictures; the row is made again on --retry failed."

# Finer than the HTTP status: a 429 is either a busy moment or an empty account.
CODES: Mapping[str, tuple[type[VendorError], str, str]] = {
    "ERROR_NOT_ENOUGH_CREDITS": (
        QuotaExhausted,
        "has no credits left for this account",
        "Buy credits, then run again.",
    ),
    "EXCEEDING_LIMITS": (RateLimited, "refuses for rate", "Run again later, or lower the account's limits."),
    "ERROR_CONTENT_NON_COMPLIANCE": (ContentRefused, "refused what the pictures show", LOOK),
    "ERROR_AI_NOT_EXISTS": (ContractDrift, "has no such endpoint", "Check base_url and the vendor's changelog."),
}


class PerhapsFailed(Unavailable):
    """A poll answered with a 500 and words: the vendor's bad moment or, if it stays so, the task's own end."""


class AILabToolsPrices(BaseModel):
    """What AILabTools charges, in its credits."""

    model_config = ConfigDict(extra="forbid")

    # Not published; its sibling Try on Clothes Pro costs as much.
    try_on_refiner_picture: Price = Field(
        default=30, description="Credits for each refined try-on; an estimate, so look at your plan."
    )


class AILabToolsCredentials(VendorAccount):
    """
    An account at AILabTools, for its try-on refiner.

    Example:
        Load a stored account:
        ```python
        from blocks import AILabToolsCredentials

        account = AILabToolsCredentials.load("BLOCK_NAME")
        ```
    """

    vendor = "AILabTools"
    env_prefix = "AILABTOOLS"
    free_question = "/api/common/query-credits"
    balance_reply = CreditsReply

    _block_type_name = "AILabTools Credentials"
    _block_type_slug = "ailabtools-credentials"
    _documentation_url = HttpUrl("https://www.ailabtools.com/docs/ai-portrait/enhance/try-on-clothes-refiner/api")
    _logo_url = HttpUrl("https://github.com/ailabtools.png?size=200")

    base_url: str = Field(default="https://www.ailabapi.com", description="Where AILabTools' API answers.")
    limits: Limits = Field(
        default_factory=lambda: Limits(requests_per_second=5, jobs_in_flight=100),
        description="What AILabTools allows this account: it publishes no limits, so 5 requests/s out of caution.",
    )

    prices: AILabToolsPrices = Field(
        default_factory=AILabToolsPrices, description="What AILabTools charges, in its credits."
    )

    def auth_headers(self) -> dict[str, str]:
        """The key, as AILabTools wants it."""
        return {"ailabapi-api-key": self.api_key.get_secret_value().strip()}

    def refusal(self, response: httpx.Response, *, posting: bool) -> VendorError | None:
        """Read the old and the new envelope: a success is HTTP 200 without an error code."""
        said = Envelope.read(response)
        status = response.status_code
        if response.is_success:
            if not said.error_code:
                return None
            status = said.error_code if said.error_code in ERROR_STATUSES else HTTPStatus.BAD_REQUEST
        facts: dict[str, Any] = {"words": said.words(), "request_id": said.id}
        if said.code in CODES:
            kind, what, next_step = CODES[said.code]
            return refused(self, response, kind, f"AILabTools {what}", next_step=next_step, **facts)
        failure = by_status(self, response, status=status, posting=posting, **facts)
        if posting or status in PASSING or not isinstance(failure, Rejected | ResultExpired | Unavailable):
            return failure
        # A task's own failure comes as the poll's HTTP status, with words; without any, it is the line's.
        if not said.words():
            return refused(self, response, Unavailable, "AILabTools gave no reason", next_step=ASK_AGAIN, **facts)
        if isinstance(failure, ResultExpired):
            return failure
        kind = JobFailed if isinstance(failure, Rejected) else PerhapsFailed
        return refused(self, response, kind, "AILabTools failed the task", next_step=LOOK, **facts)

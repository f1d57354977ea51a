"""The Claid account: key, address and limits."""

from __future__ import annotations

import httpx
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, ValidationInfo, field_validator

from blocks.account import Limits, Price, VendorAccount, http_address
from blocks.claid.refusals import pause, read_refusal
from blocks.errors import VendorError
from blocks.webhook import Webhook

__all__ = ["ClaidCredentials", "ClaidPrices"]


class ClaidPrices(BaseModel):
    """What Claid charges, in its credits."""

    model_config = ConfigDict(extra="forbid")

    # docs.claid.ai/ai-fashion-models-api/ai-fashion-models-i-o and docs.claid.ai/image-ai-edit-api/image-ai-edit-i-o
    fashion_models_picture: Price = Field(default=2, description="Credits for each picture of AI Fashion Models.")
    edit_picture: Price = Field(default=2, description="Credits for each picture of AI Edit.")
    # Not published.
    scene_picture: Price = Field(default=1, description="Credits for each scene; an estimate, so look at your plan.")
    # docs.claid.ai/ai-background-api/ai-background-options/scene
    generated_prompt: Price = Field(default=0.5, description="Credits for a scene's prompt that Claid writes.")


def _documented_limits() -> Limits:
    # docs.claid.ai/rate-limits, and the I/O pages of AI Fashion Models and AI Edit; raised on request.
    return Limits(requests_per_second=4, requests_per_minute=120, generations_per_second=1, generations_per_minute=60)


class ClaidCredentials(VendorAccount):
    """
    An account at Claid, for on-model photos, edits in words, and generated scenes.

    Example:
        Load a stored account and look at its limits:
        ```python
        from blocks import ClaidCredentials

        account = ClaidCredentials.load("BLOCK_NAME")
        print(account.limits)
        ```
    """

    vendor = "Claid"
    env_prefix = "CLAID"
    free_question = "/v1/image/ai-fashion-models/1"

    _block_type_name = "Claid Credentials"
    _block_type_slug = "claid-credentials"
    _documentation_url = HttpUrl("https://docs.claid.ai/authentication")
    _logo_url = HttpUrl("https://claid.ai/apple-touch-icon.png")

    base_url: str = Field(default="https://api.claid.ai", description="Where Claid's API answers.")
    limits: Limits = Field(
        default_factory=_documented_limits,
        description="What Claid allows this account: 4 requests/s and 120/min, 1 generation/s and 60/min unless raised.",
    )

    prices: ClaidPrices = Field(default_factory=ClaidPrices, description="What Claid charges, in its credits.")

    webhook_secret: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="The secret of Claid's Webhook Settings, at least 16 characters; empty without webhooks.",
    )
    webhook_receiver: str | None = Field(
        default=None,
        description="Where `catwalk webhooks` answers this account's runs, such as http://127.0.0.1:8766; "
        "empty means that runs poll alone.",
    )
    webhook_patience: float = Field(
        default=30,
        gt=0,
        description="Seconds that a job may be overdue without a delivery before it is asked for.",
    )

    @field_validator("webhook_receiver")
    @classmethod
    def _with_secret(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("webhook_secret") is None:
            raise ValueError(
                "a receiver is of no use without the `webhook_secret` that its deliveries are signed with."
            )
        return None if value is None else http_address(value)

    def webhook(self) -> Webhook | None:
        """How Claid's deliveries reach a run, if both the secret and the receiver are set."""
        if self.webhook_secret is None or self.webhook_receiver is None:
            return None
        return Webhook(self.webhook_secret, self.webhook_receiver, self.webhook_patience)

    def auth_headers(self) -> dict[str, str]:
        """The bearer token."""
        return {"Authorization": f"Bearer {self.api_key.get_secret_value().strip()}"}

    def refusal(self, response: httpx.Response, *, posting: bool) -> VendorError | None:
        """Read any of Claid's four error bodies; `posting` marks the paid call."""
        return read_refusal(self, response, posting=posting)

    def observe(self, response: httpx.Response) -> None:
        """Stop calling until the window that this answer says is used up has passed."""
        if seconds := pause(response):
            self.pace().slow_down(seconds)

"""The Claid account's block."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from blocks import ClaidCredentials
from tests.blocks.claid.vendor import KEY

WEBHOOK_SECRET = "KEEPSECRET-of-the-dashboard"


def test_it_starts_with_the_documented_address_and_limits() -> None:
    """An account made of a key alone keeps to what Claid documents."""
    account = ClaidCredentials(api_key=SecretStr(KEY))
    limits = account.limits

    assert account.base_url == "https://api.claid.ai"
    assert (limits.requests_per_second, limits.requests_per_minute) == (4, 120)
    assert (limits.generations_per_second, limits.generations_per_minute) == (1, 60)


def test_the_key_is_a_bearer_token_without_what_a_file_added() -> None:
    """A key read from a file often ends in a newline, which no header can carry."""
    account = ClaidCredentials(api_key=SecretStr(f"{KEY}\n"))

    assert {"Authorization": f"Bearer {KEY}"} == account.auth_headers()


@pytest.mark.parametrize("address", ["api.claid.ai", "ftp://api.claid.ai", "https://", ""])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    """A base_url without scheme or host would only fail at the first call."""
    with pytest.raises(ValidationError, match="not an http"):
        ClaidCredentials(api_key=SecretStr(KEY), base_url=address)


@pytest.mark.parametrize(
    ("headers", "held_back"),
    [
        ({"ratelimit-limit": "4, 120;w=60, 4;w=1", "ratelimit-remaining": "0", "ratelimit-reset": "40"}, True),
        ({"ratelimit-remaining": "-1", "ratelimit-reset": "40"}, True),
        ({"ratelimit-remaining": "3", "ratelimit-reset": "40"}, False),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "0"}, False),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "nan"}, False),
        ({"ratelimit-remaining": "few", "ratelimit-reset": "40"}, False),
        ({"ratelimit-remaining": "0"}, False),
        ({}, False),
    ],
)
async def test_calls_are_held_back_once_none_are_left(headers: dict[str, str], *, held_back: bool) -> None:
    """Any answer's RateLimit headers are heeded before the vendor has to refuse."""
    account = ClaidCredentials(api_key=SecretStr(f"{KEY} {headers}"))
    account.observe(httpx.Response(200, headers=headers))
    turn = asyncio.ensure_future(account.pace().request())
    await asyncio.wait([turn], timeout=0.02 if held_back else 30)
    done = turn.done()
    turn.cancel()

    assert held_back is not done


def test_without_settings_there_is_no_webhook() -> None:
    """A secret alone is what the receiver needs; a run needs to know where the receiver is."""
    assert ClaidCredentials(api_key=SecretStr(KEY)).webhook() is None
    assert ClaidCredentials(api_key=SecretStr(KEY), webhook_secret=SecretStr(WEBHOOK_SECRET)).webhook() is None


def test_the_webhooks_secret_is_kept() -> None:
    """Neither a repr nor a dump shows it."""
    account = ClaidCredentials(
        api_key=SecretStr(KEY), webhook_secret=SecretStr(WEBHOOK_SECRET), webhook_receiver="http://127.0.0.1:8766/"
    )
    webhook = account.webhook()

    assert webhook is not None
    assert ("http://127.0.0.1:8766", 30) == (webhook.receiver, webhook.patience)
    assert WEBHOOK_SECRET == webhook.secret.get_secret_value()
    assert WEBHOOK_SECRET not in f"{account!r} {account.model_dump()} {account.model_dump_json()} {webhook!r}"


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"webhook_receiver": "http://127.0.0.1:8766"}, "webhook_secret"),
        ({"webhook_secret": WEBHOOK_SECRET, "webhook_receiver": "127.0.0.1:8766"}, "not an http"),
        ({"webhook_secret": "short"}, "at least 16"),
        ({"webhook_patience": 0}, "greater than 0"),
    ],
)
def test_webhook_settings_that_can_not_work_are_refused(settings: dict[str, str], complaint: str) -> None:
    """When they are made, not in the middle of a run."""
    with pytest.raises(ValidationError, match=complaint) as refused:
        ClaidCredentials.model_validate({"api_key": KEY, **settings})

    assert WEBHOOK_SECRET not in str(refused.value)

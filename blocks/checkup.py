"""Whether an account can be used, and what is left on it, found out without spending anything."""

from __future__ import annotations

from blocks.account import VendorAccount
from blocks.errors import JobFailed, Rejected, ResultExpired
from blocks.exchange import Call, call, patiently, reply_as

__all__ = ["balance_of", "check_account"]


async def check_account(account: VendorAccount) -> None:
    """
    Ask the vendor something free that needs the key.

    Raises `AuthFailed` for a key that is not accepted, `Unavailable` when nobody answers.
    """
    try:
        # Asked once: whoever calls wants to know how things stand now.
        await account.pace().request()
        await call(account, Call("GET", account.free_question), paid=False)
    except (Rejected, ResultExpired, JobFailed):
        # The vendor let the key pass and does not know the job that was asked for: nobody has it.
        return


async def balance_of(account: VendorAccount) -> float | None:
    """Credits left on the account; None where the vendor does not tell. Raises as any free call does."""
    if account.balance_reply is None:
        return None
    answer = await patiently(account, Call("GET", account.free_question))
    return reply_as(account.balance_reply, answer, account).balance

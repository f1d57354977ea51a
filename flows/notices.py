"""Notices: a vendor's word that a job has ended, which ends the wait for it; whether it is true, only a poll tells."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import asynccontextmanager, contextmanager, suppress

from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger

from blocks.webhook import LONGEST_WAIT_SECONDS, ReceiverSilent, Webhook, ended_jobs

__all__ = ["Expected", "Notices", "listening"]

NOTICES_KEPT = 10_000
# However many deliveries come in, the receiver is asked no more often.
PAUSE_SECONDS = 0.5
SILENCE_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)


class Notices:
    """
    What a run has heard of one account's jobs, and whether it can count on hearing more.

    It counts on it while the receiver answers and no job has ended unannounced; without a `webhook` it never does.
    """

    def __init__(self, webhook: Webhook | None) -> None:
        self.webhook = webhook
        self._heard_of: OrderedDict[str, None] = OrderedDict()
        self._expected: dict[str, Expected] = {}
        self._in_touch = False
        self._let_down = False

    @property
    def patience(self) -> float:
        """Seconds that a job may be overdue before it is asked for: none if notices can't be counted on."""
        return self.webhook.patience if self.webhook and self._in_touch and not self._let_down else 0.0

    @contextmanager
    def expected(self, job_id: str) -> Generator[Expected]:
        """Follow one job for as long as the block runs; its notice may have come before."""
        expected = self._expected[job_id] = Expected(self)
        expected.told = job_id in self._heard_of
        try:
            yield expected
        finally:
            if self._expected.get(job_id) is expected:
                del self._expected[job_id]

    def hear(self, jobs: Iterable[str]) -> None:
        """Take what the receiver answered."""
        for job_id in jobs:
            if job_id not in self._heard_of:
                self._hear_of(job_id)
        while len(self._heard_of) > NOTICES_KEPT:
            self._heard_of.popitem(last=False)
        self._stand(in_touch=True, let_down=self._let_down)

    def lose_touch(self) -> None:
        """The receiver does not answer: jobs are asked for in the vendor's rhythm."""
        self._stand(in_touch=False, let_down=self._let_down)

    def let_down(self) -> None:
        """A job has ended unannounced: until the next notice, jobs are asked for in the vendor's rhythm."""
        self._stand(in_touch=self._in_touch, let_down=True)

    def _hear_of(self, job_id: str) -> None:
        self._heard_of[job_id] = None
        if (expected := self._expected.get(job_id)) is not None:
            self._let_down = False
            expected.told = True
            expected.stir()

    def _stand(self, *, in_touch: bool, let_down: bool) -> None:
        before = self.patience
        self._in_touch, self._let_down = in_touch, let_down
        if self.patience < before:
            for expected in self._expected.values():
                expected.stir()


class Expected:
    """One job that is waited for; its first notice, and no other, ends a rest."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._stirred = asyncio.Event()
        self._answered = False
        self._in_vain = False
        self.told = False

    def stir(self) -> None:
        """Look anew at how long to rest."""
        self._stirred.set()

    async def rest(self, seconds: float, deadline: float) -> None:
        """
        Sleep until the job is to be asked for: in `seconds` by the vendor's rhythm, or at its first notice.

        While notices can be counted on it may last longer, by the account's patience, but not beyond `deadline`,
        a time of the event loop's clock.
        """
        clock = asyncio.get_running_loop().time
        due = clock() + seconds
        waited = False
        while not self._take_notice():
            patience = 0.0 if self._answered else self._notices.patience
            left = min(due + patience, max(due, deadline)) - clock()
            if left <= 0:
                break
            waited = True
            self._stirred.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._stirred.wait()
        # A job that was long overdue when it was found was announced while nobody listened.
        self._in_vain = waited and not self._answered and self._notices.patience > 0

    def ended(self) -> None:
        """The vendor says that the job has ended well, which it should have announced."""
        if self._in_vain and not self.told:
            self._notices.let_down()

    def _take_notice(self) -> bool:
        taken = self.told and not self._answered
        self._answered = self._answered or taken
        return taken


@asynccontextmanager
async def listening(notices: Iterable[Notices]) -> AsyncGenerator[None]:
    """Keep asking the receivers of those that have one, a question at a time each, for as long as the block runs."""
    ears = [asyncio.create_task(_listen(each, each.webhook)) for each in notices if each.webhook is not None]
    try:
        yield
    finally:
        for ear in ears:
            ear.cancel()
        await asyncio.gather(*ears, return_exceptions=True)


async def _listen(notices: Notices, webhook: Webhook) -> None:
    cursor, silences = "", 0
    try:
        while True:
            # The first answer comes at once: it says that the receiver is there.
            wait = LONGEST_WAIT_SECONDS if cursor and not silences else 0
            try:
                answer = await ended_jobs(webhook, cursor, wait=wait)
            except ReceiverSilent as silent:
                notices.lose_touch()
                if not silences:
                    _warn(silent)
                pause = SILENCE_SECONDS[min(silences, len(SILENCE_SECONDS) - 1)]
                silences += 1
            else:
                cursor, silences, pause = answer.cursor, 0, PAUSE_SECONDS
                notices.hear(answer.jobs)
            await asyncio.sleep(pause)
    finally:
        notices.lose_touch()


def _warn(silent: ReceiverSilent) -> None:
    with suppress(MissingContextError):
        get_run_logger().warning(str(silent))

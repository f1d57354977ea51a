"""The receiver of Claid's deliveries: it believes what is signed, and tells runs which jobs to ask for."""

from __future__ import annotations

import asyncio
import hmac
import math
from collections import Counter
from collections.abc import Callable

from pydantic import SecretStr, ValidationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from blocks.claid.deliveries import SIGNATURE_HEADER, ended_job, is_genuine
from blocks.pace import Window
from blocks.webhook import LONGEST_WAIT_SECONDS, Webhook
from deployments.webhooks.board import Board

__all__ = ["DELIVERIES_PATH", "Receiver"]

DELIVERIES_PATH = "/claid"
LARGEST_BODY = 256 * 1024
BODY_SECONDS = 10.0
DELIVERIES_A_SECOND = 50
RUNS_AT_ONCE = 200
LONGEST_CURSOR = 100
MOST_DIGITS = 20


class Refused(Exception):
    """A request that is not taken: its status, and why in a few words."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class Receiver:
    """An ASGI application; `tell` is given a line for each job put up and for the first refusal of each kind."""

    def __init__(self, secret: SecretStr, tell: Callable[[str], None]) -> None:
        self.board = Board()
        self.tally: Counter[str] = Counter()
        self._secret = secret
        self._token = Webhook(secret, receiver="", patience=0).token()
        self._tell = tell
        self._rate = Window(DELIVERIES_A_SECOND, 1.0)
        self._asking = 0
        self.app = Starlette(
            routes=[
                Route(DELIVERIES_PATH, self._deliver, methods=["POST"]),
                Route("/ended", self._ended, methods=["GET"]),
                Route("/health", self._health, methods=["GET"]),
            ]
        )

    async def _deliver(self, request: Request) -> Response:
        try:
            self._check_rate()
            job_id = await self._job_of(request)
        except Refused as refused:
            return self._refusal(refused)
        if job_id is None:
            self.tally["not an end"] += 1
        elif self.board.put(job_id):
            self.tally["taken"] += 1
            self._tell(f"job {job_id} has ended")
        else:
            self.tally["known already"] += 1
        return _answer(200, "taken")

    async def _job_of(self, request: Request) -> str | None:
        body = await _body(request)
        if not is_genuine(self._secret, body, request.headers.get(SIGNATURE_HEADER, "")):
            raise Refused(401, f"no valid {SIGNATURE_HEADER}")
        try:
            return ended_job(body)
        except ValidationError as error:
            raise Refused(400, "signed, but it names no job") from error

    async def _ended(self, request: Request) -> Response:
        try:
            self._check_token(request.headers.get("authorization", ""))
            wait = _seconds(request.query_params.get("wait", "0"))
        except Refused as refused:
            return self._refusal(refused)
        self._asking += 1
        try:
            answer = await self.board.since(request.query_params.get("after", "")[:LONGEST_CURSOR], wait)
        finally:
            self._asking -= 1
        return Response(answer.model_dump_json(), media_type="application/json")

    async def _health(self, _request: Request) -> Response:
        return JSONResponse({"deliveries": dict(self.tally), "runs": self._asking})

    def _check_rate(self) -> None:
        clock = asyncio.get_running_loop().time()
        if self._rate.wait(clock) > 0:
            raise Refused(429, f"more than {DELIVERIES_A_SECOND} deliveries a second")
        self._rate.take(clock)

    def _check_token(self, authorization: str) -> None:
        presented = authorization.removeprefix("Bearer ").encode()
        if not hmac.compare_digest(self._token.encode(), presented):
            raise Refused(401, "a question with another account's token, or none")
        if self._asking >= RUNS_AT_ONCE:
            raise Refused(503, f"more than {RUNS_AT_ONCE} runs ask at one time")

    def _refusal(self, refused: Refused) -> Response:
        self.tally[refused.why] += 1
        if self.tally[refused.why] == 1:
            self._tell(f"refused ({refused.status}): {refused.why}; /health counts further ones")
        return _answer(refused.status, refused.why)


async def _body(request: Request) -> bytes:
    """The raw body, up to the cap and in time."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:MOST_DIGITS]) > LARGEST_BODY:
        raise _too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise _too_large()
    except TimeoutError:
        raise Refused(408, f"a body that took more than {BODY_SECONDS:g} s") from None
    except ClientDisconnect:
        raise Refused(400, "a body that broke off") from None
    return bytes(body)


def _too_large() -> Refused:
    return Refused(413, f"a body of more than {LARGEST_BODY} bytes")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if math.isnan(seconds):
        raise Refused(400, "a wait that is no number")
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)


def _answer(status: int, words: str) -> Response:
    return JSONResponse({"status": words}, status)

"""AILabTools' replies as documented; what they may add later is ignored."""

from __future__ import annotations

from typing import Annotated, Any, Self

import httpx
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator

from blocks.account import BalanceReply
from blocks.operation import Result

__all__ = ["CreatedReply", "CreditsReply", "Envelope", "StandingReply"]


def _object_or_none(value: Any) -> Any:
    return None if isinstance(value, str | list) else value


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True, hide_input_in_errors=True)


class _Detail(_Body):
    code: str | None = None
    code_message: str | None = None
    message: str | None = None


class Envelope(_Body):
    """What any answer may hold about its failure; an answer that holds nothing of it reads as empty."""

    request_id: str | None = None
    log_id: str | None = None
    error_code: int | None = None
    error_msg: str | None = None
    error_detail: Annotated[_Detail | None, BeforeValidator(_object_or_none)] = None

    @classmethod
    def read(cls, response: httpx.Response) -> Self:
        """Read any answer's body."""
        try:
            return cls.model_validate_json(response.content)
        except ValidationError:
            return cls()

    @property
    def id(self) -> str | None:
        """What the vendor's support asks for."""
        return self.request_id or self.log_id or None

    @property
    def code(self) -> str:
        """The vendor's own code, which is finer than the HTTP status; empty without one."""
        return (self.error_detail.code if self.error_detail else None) or ""

    def words(self) -> str | None:
        """The code and the message, as far as the answer holds them."""
        detail = self.error_detail or _Detail()
        message = detail.message or self.error_msg or detail.code_message or ""
        return ": ".join(part for part in (self.code, message) if part) or None


class _Output(_Body):
    image_url: str | None = None


class _Task(_Body):
    task_id: str | None = None
    task_status: int | None = None
    output: Annotated[_Output | None, BeforeValidator(_object_or_none)] = None


class _Reply(_Task):
    """The task, at the top of the body or under `data`: the vendor's pages and its SDK differ."""

    data: Annotated[_Task | None, BeforeValidator(_object_or_none)] = None

    @property
    def places(self) -> tuple[_Task, ...]:
        return (self,) if self.data is None else (self.data, self)


class CreatedReply(_Reply):
    """The answer to a submission: the task's id is somewhere in it."""

    @property
    def job_id(self) -> str | None:
        """The task's id."""
        return next((task.task_id for task in self.places if task.task_id), None)

    @model_validator(mode="after")
    def _has_an_id(self) -> Self:
        if self.job_id is None:
            raise ValueError("neither task_id nor data.task_id")
        return self


class StandingReply(_Reply):
    """The answer to a poll: the task's status is somewhere in it."""

    @property
    def status(self) -> int | None:
        """How the task stands, as the vendor's number."""
        return next((task.task_status for task in self.places if task.task_status is not None), None)

    @property
    def pictures(self) -> tuple[Result, ...]:
        """The result, once there is one."""
        outputs = (task.output for task in self.places)
        # While the task runs the address is there, and empty.
        return tuple(Result(output.image_url) for output in outputs if output and output.image_url)[:1]

    @model_validator(mode="after")
    def _has_a_status(self) -> Self:
        if self.status is None:
            raise ValueError("neither task_status nor data.task_status")
        return self


class _Pool(_Body):
    balance: float


class CreditsReply(BalanceReply, _Body):
    """The account's pools of credits."""

    data: list[_Pool]

    @property
    def balance(self) -> float:
        """The credits of all pools."""
        return sum(pool.balance for pool in self.data)

"""Misbehaviour on request: rules that pick requests, and what each fault is asked to do."""

from __future__ import annotations

import random
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal
from urllib.parse import parse_qs

from pydantic import BaseModel, ConfigDict, Field

from sandbox.operations import Phase

__all__ = ["FaultKind", "FaultRule", "Faults"]

FaultKind = Literal[
    "rate_limited",
    "error_500",
    "error_502_html",
    "error_503",
    "slow_headers",
    "slow_body",
    "cut_before",
    "cut_after",
    "job_error",
    "job_never_ends",
    "out_of_credits",
    "poll_error",
    "result_expired",
    "truncated_picture",
    "corrupted_picture",
    "wrong_content_type",
    "drifted_schema",
    "empty_result",
    "forged_delivery",
    "wrong_delivery",
    "missing_delivery",
    "late_delivery",
    "slow_delivery",
    "duplicate_delivery",
    "reordered_delivery",
]

# A rule that names no phase means the one where its fault is usually met.
USUAL_PHASE: dict[str, Phase] = {
    "cut_after": "submit",
    "job_error": "submit",
    "job_never_ends": "submit",
    "out_of_credits": "submit",
    "poll_error": "submit",
    "empty_result": "submit",
    "result_expired": "download",
    "truncated_picture": "download",
    "corrupted_picture": "download",
    "wrong_content_type": "download",
    "forged_delivery": "deliver",
    "wrong_delivery": "deliver",
    "missing_delivery": "deliver",
    "late_delivery": "deliver",
    "slow_delivery": "deliver",
    "duplicate_delivery": "deliver",
    "reordered_delivery": "deliver",
}


class FaultRule(BaseModel):
    """One fault and the requests it happens to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fault: FaultKind = Field(description="What goes wrong.")
    operation: str = Field(default="*", description="Operations it happens to, such as `claid.*`.")
    phase: Phase | None = Field(default=None, description="The step it happens at; the fault's usual one if not given.")
    rate: float = Field(default=1.0, ge=0, le=1, description="The share of matching requests it happens to.")
    times: int | None = Field(default=None, ge=1, description="How often at most; no limit if not given.")
    skip: int = Field(default=0, ge=0, description="Matching requests left alone first.")
    seconds: float = Field(default=5.0, ge=0, description="How slow the slow faults are.")
    retry_after: float | None = Field(default=None, ge=0, description="The Retry-After header of a refusal.")
    status: int | None = Field(default=None, ge=400, le=599, description="The HTTP status of a `poll_error`.")
    after: bool = Field(default=False, description="Refuse only after the request has been carried out.")

    @property
    def at(self) -> Phase | None:
        """The step it happens at; None for any."""
        return self.phase or USUAL_PHASE.get(self.fault)


@dataclass(slots=True)
class _Standing:
    id: int
    rule: FaultRule
    dice: random.Random
    seen: int = 0
    fired: int = 0

    def picks(self, operation: str, phase: Phase) -> bool:
        rule = self.rule
        anywhere = rule.at is None and phase != "deliver"
        if not (anywhere or rule.at == phase) or not fnmatchcase(operation, rule.operation):
            return False
        self.seen += 1
        spent = rule.times is not None and self.fired >= rule.times
        if spent or self.seen <= rule.skip or self.dice.random() >= rule.rate:
            return False
        self.fired += 1
        return True


class Faults:
    """The rules in force, in the order they were made; the first that picks a request happens to it."""

    def __init__(self, seed: int, rules: tuple[FaultRule, ...] = ()) -> None:
        self._seed = seed
        self._last_id = 0
        self._standing: dict[int, _Standing] = {}
        for rule in rules:
            self.add(rule)

    def add(self, rule: FaultRule) -> int:
        """Put a rule in force and return its id."""
        self._last_id += 1
        dice = random.Random(f"{self._seed}:{self._last_id}")  # noqa: S311 - which requests fail is no secret
        self._standing[self._last_id] = _Standing(self._last_id, rule, dice)
        return self._last_id

    def remove(self, rule_id: int | None = None) -> int:
        """Lift one rule, or all, and return how many were lifted."""
        ids = list(self._standing) if rule_id is None else [i for i in self._standing if i == rule_id]
        for i in ids:
            del self._standing[i]
        return len(ids)

    def lines(self) -> list[dict[str, object]]:
        """The rules in force as JSON, with how often each matched and happened."""
        return [
            {"id": one.id, **one.rule.model_dump(exclude_none=True), "seen": one.seen, "fired": one.fired}
            for one in self._standing.values()
        ]

    def pick(self, operation: str, phase: Phase) -> FaultRule | None:
        """The fault that happens to a request, if any."""
        for one in self._standing.values():
            if one.picks(operation, phase):
                return one.rule
        return None


def asked_for(header: str | None, query: bytes) -> FaultRule | None:
    """
    The fault that a request asks for itself: `x-sandbox-fault: slow_body; seconds=2`, or `?sandbox_fault=`.

    Raises pydantic's ValidationError for a fault that does not exist.
    """
    text = header
    if text is None and b"sandbox_fault" in query:
        text = parse_qs(query.decode()).get("sandbox_fault", [""])[0]
    if not text:
        return None
    kind, *options = (part.strip() for part in text.split(";"))
    rule = {"fault": kind}
    for option in options:
        name, _, value = option.partition("=")
        rule[name] = value
    return FaultRule.model_validate(rule)

"""Claid's replies are read as its documentation shows them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from pydantic import BaseModel, ValidationError

from blocks.claid.wire import AcceptedReply, JobReply, SceneReply, UploadReply
from tests.blocks.claid.vendor import sample

DOCUMENTED = [
    ("fashion_models_accepted", AcceptedReply),
    ("edit_accepted", AcceptedReply),
    ("fashion_models_done", JobReply),
    ("fashion_models_done_full", JobReply),
    ("edit_done", JobReply),
    ("job_processing", JobReply),
    ("job_error", JobReply),
    ("job_error_epoch", JobReply),
    ("job_done_empty", JobReply),
    ("scene_done", SceneReply),
    ("upload_done", UploadReply),
]


@pytest.mark.parametrize(("name", "model"), DOCUMENTED)
def test_each_documented_reply_is_read_whole(name: str, model: type[BaseModel]) -> None:
    """Nothing that the documentation shows is lost, and nothing is invented but defaults."""
    read = model.model_validate_json(sample(name)).model_dump(mode="json", exclude_unset=True)
    written = json.loads(sample(name))

    assert _comparable(written) == _comparable(read)


def _comparable(value: object) -> object:
    """Times as times, and the three ways of saying "no result" as one."""
    if isinstance(value, dict):
        return {key: _time(each) if key == "created_at" else _comparable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_comparable(each) for each in value]
    return {} if value is None else value


def _time(value: object) -> datetime:
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int) else datetime.fromisoformat(str(value))


@pytest.mark.parametrize(("name", "model"), DOCUMENTED)
def test_further_fields_are_ignored(name: str, model: type[BaseModel]) -> None:
    """A vendor that adds a field has not broken its contract."""
    reply = json.loads(sample(name))
    reply["data"]["added_later"] = [1]

    assert model.model_validate(reply)


def test_an_output_without_an_address_is_no_documented_reply() -> None:
    """Without a destination, which is never sent, each result has a tmp_url."""
    reply = json.loads(sample("scene_done"))
    reply["data"]["output"][0]["tmp_url"] = ""

    with pytest.raises(ValidationError):
        SceneReply.model_validate(reply)

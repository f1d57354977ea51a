"""Tests for blocks/operations.py: what holds for every operation."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from blocks.account import VendorAccount
from blocks.operation import Operation, Options, Slot
from blocks.operations import OPERATIONS, account_types
from blocks.pictures import FORMATS

every_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)


def test_holds_the_five_operations_by_name() -> None:
    """Recipes, units and manifests call them by these names."""
    assert set(OPERATIONS) == {
        "claid.fashion_models",
        "claid.edit",
        "claid.scene",
        "vmake.fashion_model",
        "ailabtools.try_on_refiner",
    }


def test_operations_of_one_vendor_share_a_type_of_account() -> None:
    """Each type once, by vendor, whatever the operations' order."""
    every = [kind.vendor for kind in account_types()]

    assert every == ["AILabTools", "Claid", "Vmake"]
    assert [kind.vendor for kind in account_types(["claid.scene", "ailabtools.try_on_refiner", "claid.edit"])] == every[
        :2
    ]


@every_operation
def test_declares_what_a_run_relies_on(operation: Operation[Any, Any]) -> None:
    """Account, options, version and what it takes are told before anything is called."""
    assert operation.name.partition(".")[0] == operation.account_type.vendor.lower()
    assert issubclass(operation.account_type, VendorAccount)
    assert issubclass(operation.options_type, Options)
    assert operation.version >= 1
    assert operation.poll_seconds > 0
    assert operation.requires <= set(Slot)
    assert not operation.requires & operation.accepts
    assert operation.__doc__


@every_operation
def test_takes_formats_that_pictures_can_be_made_into(operation: Operation[Any, Any]) -> None:
    """Whatever a row names can be converted: a JPEG or a PNG is always taken."""
    limits = operation.limits

    assert limits.formats & {"JPEG", "PNG"}
    assert limits.formats <= set(FORMATS)
    assert limits.min_bytes < limits.max_bytes
    assert 0 < limits.min_side < limits.max_side


@every_operation
def test_its_options_refuse_a_typo_and_describe_themselves(operation: Operation[Any, Any]) -> None:
    """The run form shows a description for each option, and nothing unknown gets through."""
    schema = operation.options_type.model_json_schema()

    assert schema["additionalProperties"] is False
    assert all(field.description for field in operation.options_type.model_fields.values())


@every_operation
def test_travels_between_processes(operation: Operation[Any, Any]) -> None:
    """An operation holds no state, so Prefect may pickle it."""
    assert type(pickle.loads(pickle.dumps(operation))) is type(operation)

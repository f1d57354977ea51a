"""The container files, as far as they can be checked where no container runs: schemas, lint, and every name in them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from prefect.settings import Settings

from blocks import AILabToolsCredentials, ClaidCredentials, VmakeCredentials
from flows.accounts import account_from_environment
from tests.prefect_server import REPOSITORY

CONTAINERS = REPOSITORY / "deployments" / "containers"
KUBERNETES = REPOSITORY / "deployments" / "kubernetes"
MANIFESTS = ("worker.yaml", "setup.yaml")
SERVER_VALUES = KUBERNETES / "server-values.yaml"
COMPOSE: dict[str, Any] = yaml.safe_load((CONTAINERS / "compose.yaml").read_text("utf-8"))
KINDS = (ClaidCredentials, VmakeCredentials, AILabToolsCredentials)


def resources() -> Iterator[Any]:
    """Every Kubernetes resource."""
    for name in MANIFESTS:
        yield from yaml.safe_load_all((KUBERNETES / name).read_text("utf-8"))


def prefect_names() -> set[str]:
    """Every variable that Prefect reads."""
    return {f"PREFECT_{name}" for name in _names(Settings.model_json_schema(), Settings.model_json_schema()["$defs"])}


def _names(schema: dict[str, Any], definitions: dict[str, Any]) -> Iterator[str]:
    for schema_ in (schema, *definitions.values()):
        for field in schema_.get("properties", {}).values():
            for name in field.get("supported_environment_variables", ()):
                yield name.removeprefix("PREFECT_")


@pytest.mark.parametrize("resource", [*resources()], ids=lambda resource: resource["kind"])
def test_kubernetes_resources_fit_their_schemas(resource: Any) -> None:
    """Unknown fields are refused too."""
    kubernetes_validate.validate(resource, kubernetes_validate.latest_version(), strict=True)


def test_dockerfile_is_clean() -> None:
    """Hadolint has nothing to say."""
    command = [Path(sys.executable).with_name("hadolint"), CONTAINERS / "Dockerfile"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ("", 0) == (done.stdout, done.returncode)


def test_image_holds_every_package_of_the_wheel() -> None:
    """A package that is left out would be missed at night."""
    pyproject = (REPOSITORY / "pyproject.toml").read_text("utf-8")
    packages = next(line for line in pyproject.splitlines() if line.startswith("packages = "))
    names = [part for part in packages.split('"')[1::2] if part]
    dockerfile = (CONTAINERS / "Dockerfile").read_text("utf-8")
    ignored = (REPOSITORY / ".dockerignore").read_text("utf-8").split()

    assert names == [name for name in names if f"COPY {name} {name}" in dockerfile and f"!{name}" in ignored]


def test_containers_run_as_nobody_special() -> None:
    """No root, nothing to write to but the scratch volume."""
    pods = [found["spec"]["template"]["spec"] for found in resources() if "template" in found.get("spec", {})]

    assert ["USER 10001"] == [
        line for line in (CONTAINERS / "Dockerfile").read_text("utf-8").splitlines() if line.startswith("USER")
    ]
    assert 2 == len(pods)
    assert all(pod["securityContext"]["runAsNonRoot"] for pod in pods)
    assert all(pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] for pod in pods)


def test_every_prefect_setting_exists() -> None:
    """A misspelt one would be read by nobody."""
    values = yaml.safe_load(SERVER_VALUES.read_text("utf-8"))
    used = {entry["name"] for entry in values["server"]["env"]}
    used |= {name for service in COMPOSE["services"].values() for name in service.get("environment", {})}
    used |= {name for found in resources() for name in found.get("data", {})}
    used = {name for name in used if name.startswith("PREFECT_")}

    assert len(used) > 8
    assert set() == used - prefect_names()


def test_compose_sets_up_every_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its defaults the accounts are the sandbox's, and all workers share their limits."""
    for name, value in COMPOSE["x-catwalk"]["environment"].items():
        monkeypatch.setenv(name, _default(value))
    accounts = [account_from_environment(kind) for kind in KINDS]

    assert ["http://sandbox:8765"] * 3 == [account.base_url for account in accounts]
    assert ["claid", "vmake", "ailabtools"] == [account.shared_limit for account in accounts]


def _default(value: str) -> str:
    """What compose makes of `${NAME:-default}`."""
    if not value.startswith("${"):
        return value
    return value[2:-1].partition("-")[2]

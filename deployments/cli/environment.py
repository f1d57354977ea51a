"""Prefect's settings for runs from the command line; they count only if set before Prefect is first imported."""

from __future__ import annotations

import os

__all__ = ["prepare_environment"]

DEFAULTS = {
    # No telemetry from a tool that works on unreleased collections.
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    # The terminal shows Catwalk's own progress; Prefect keeps its log for the UI.
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
    # A busy machine, or a laptop on battery, needs more than Prefect's 20 seconds to start one.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    # With Prefect's own batch sizes of 1 a temporary server is still recording long after the run has ended.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TRIGGERS_READ_BATCH_SIZE": "200",
}


JSON_LOG = {
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "INFO",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_FORMATTER": "json",
}


def prepare_environment() -> None:
    """Set what the user has not set; `CATWALK_LOG=json` puts the log on standard error, a JSON object a line."""
    if os.environ.get("CATWALK_LOG", "").lower() == "json":
        for name, value in JSON_LOG.items():
            os.environ.setdefault(name, value)
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)

"""What Prefect does by itself: runs that died are marked so, and somebody is told of what went wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings

from blocks.errors import CatwalkError
from deployments.setup.steps import Outcome, Site

__all__ = ["make_automations"]

FLOWS = ["process-catalog", "process-shard", "apply-plan", "backfill", "retry", "rescue"]
BEATS_MISSED = 3
USUAL_BEAT_SECONDS = 180
OF_OUR_FLOWS = {"prefect.resource.role": "flow", "prefect.resource.name": FLOWS}
RUN_LINES = "{{ event.payload['headline'] }}\n\nOutput: {{ event.payload['output'] }}\nFlow run: {{ flow_run|ui_url }}"
LANE_LINES = (
    "{{ event.payload['vendor'] }}: {{ event.payload['headline'] }}. {{ event.payload['next_step'] }}\n\n"
    "Flow run: {{ flow_run|ui_url }}"
)
# By name: the events, and what a person reads about one.
TOLD: dict[str, tuple[set[str], str]] = {
    "Catwalk: canary failed": ({"catwalk.canary.failed"}, RUN_LINES),
    "Catwalk: run not complete": ({"catwalk.run.partial", "catwalk.run.failed"}, RUN_LINES),
    "Catwalk: account refused": (
        {"catwalk.lane.closed"},
        LANE_LINES,
    ),
}


async def make_automations(site: Site, notify: str | None) -> None:
    """The automations; those that tell somebody need the notification block that `notify` names, as TYPE/NAME."""
    await _make(site, _zombies())
    block = await _notification_block(site, notify) if notify else None
    for name, (events, body) in TOLD.items():
        if block is None:
            why = "no notification block is named: --notify TYPE/NAME, such as slack-webhook/team"
            await site.settle(f"automation {name}", Outcome.SKIPPED, why=why)
            continue
        await _make(site, _telling(name, events, {"catwalk.*"}, block, body))


def _zombies() -> AutomationCore:
    beat = get_current_settings().flows.heartbeat_frequency or USUAL_BEAT_SECONDS
    return AutomationCore(
        name="Catwalk: dead runs",
        description="A run whose process died without a word shows as running for ever; this marks it as crashed.",
        trigger=EventTrigger(
            # Any state's event shows life, by whatever name the state goes: Partial, Held, Done already.
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.*"},
            match={"prefect.resource.id": "prefect.flow-run.*"},
            match_related=OF_OUR_FLOWS,
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=BEATS_MISSED * beat),
        ),
        actions=[
            ChangeFlowRunState(
                name="Crashed",
                state=StateType.CRASHED,
                force=False,
                message="Its process showed no sign of life. What it paid for is in the ledger: start it again, or let "
                "`rescue` fetch it.",
            )
        ],
    )


def _telling(name: str, events: set[str], resources: set[str], block: Any, body: str) -> AutomationCore:
    return AutomationCore(
        name=name,
        description=f"Sends a notification on {', '.join(sorted(events))}.",
        trigger=EventTrigger(
            expect=events,
            match={"prefect.resource.id": sorted(resources)},
            posture=Posture.Reactive,
            threshold=1,
        ),
        actions=[SendNotification(block_document_id=block, subject=name, body=body)],
    )


async def _notification_block(site: Site, named: str) -> Any:
    kind, _, name = named.partition("/")
    try:
        return (await site.client.read_block_document_by_name(name, kind, include_secrets=False)).id
    except ObjectNotFound as error:
        raise CatwalkError(
            f"there is no block {named!r} on the Prefect server",
            next_step="Create a notification block in the UI under Blocks, and name it as TYPE/NAME: slack-webhook/team.",
        ) from error


async def _make(site: Site, wanted: AutomationCore) -> None:
    what = f"automation {wanted.name}"
    held = next(iter(await site.client.read_automations_by_name(wanted.name)), None)
    if held is None:
        await site.settle(what, Outcome.CREATED, lambda: site.client.create_automation(wanted))
    elif _told(held) == _told(wanted):
        await site.settle(what, Outcome.UNCHANGED)
    else:
        outcome, why = site.differs()
        await site.settle(what, outcome, lambda: site.client.update_automation(held.id, wanted), why)


def _told(automation: AutomationCore) -> dict[str, Any]:
    """What an automation does, whether or not it is switched on."""
    told = automation.model_dump(mode="json", include={"description", "trigger", "actions"})
    for names in ("after", "expect", "for_each"):
        told["trigger"][names] = sorted(told["trigger"][names])
    return told

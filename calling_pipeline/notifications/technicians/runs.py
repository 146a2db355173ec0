"""One run about technicians' status changes: read them, generate their messages, deliver what is due."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline.notifications.outbox.records import DeliveryReport
from calling_pipeline.notifications.outbox.rounds import deliver_round
from calling_pipeline.notifications.technicians import store
from calling_pipeline.notifications.technicians.generation import generate
from calling_pipeline.notifications.technicians.records import Generated
from calling_pipeline.notifications.technicians.rows import rows_of_file, rows_of_metabase


@dataclass(frozen=True)
class Run:
    """What a run did."""

    generated: Generated
    delivery: DeliveryReport

    @property
    def failed(self) -> bool:
        """Whether a person has to look at it."""
        return bool(self.delivery.unknown or self.delivery.dead)


def run(
    deps: NotificationDependencies,
    *,
    created_by: str,
    file: Path | None = None,
    card: int | None = None,
    send: bool = True,
) -> Run:
    """Read the changes of `file`, or of a Metabase question (that of the plan without `card`), and send their messages.

    With `send` false the changes are noted as known without messages to send. Raises `InvalidInput` for an unusable file
    and `ConfigurationError` when no robot is configured.
    """
    rows = rows_of_file(file) if file else rows_of_metabase(deps.metabase, card or deps.plan.technicians.card)
    with deps.transaction() as connection:
        generated = generate(connection, rows, deps, created_by=created_by, send=send)
    return Run(generated, deliver_round(deps, store.OUTBOX))

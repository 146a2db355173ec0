"""Subscriptions and deliveries as command line and API answer them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from calling_pipeline.reports.mail.records import Decision, Delivery, Subscription


def subscription_document(one: Subscription) -> dict[str, Any]:
    """A subscription, its receiver in full: who may read it chose the receiver."""
    return asdict(one)


def delivery_document(one: Delivery) -> dict[str, Any]:
    """A delivery with all that happened to it."""
    found = asdict(one)
    found.pop("period")
    return {**found, "kind": one.period.kind, "period": one.period.label, "first": one.period.first, "last": one.period.last}


def decision_document(done: Decision) -> dict[str, Any]:
    """A decision with the first deliveries that it is about."""
    return {
        "dry_run": done.dry_run,
        "deliveries": done.deliveries,
        "ids": done.ids,
        "not_done": done.not_done,
        "sample": [delivery_document(one) for one in done.sample],
    }

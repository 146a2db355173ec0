"""The columns of the ledger of reports."""

from collections.abc import Mapping

COLUMNS: Mapping[str, Mapping[str, str]] = {
    "reports": {
        "id": "number of the revision among all reports",
        "kind": "daily, weekly or monthly",
        "first": "first day of the period (Asia/Shanghai)",
        "last": "last day of the period",
        "revision": "counts from 1 for each period; a changed number makes the next one",
        "state": "complete, or partial when something is missing",
        "made_at": "when it was made",
    },
}

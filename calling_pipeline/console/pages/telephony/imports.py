"""Imports of extensions and collectors: many rows by paste or file, checked first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Form, UploadFile
from fastapi.responses import Response

from calling_pipeline.console.pages.telephony.common import (
    Operator,
    Text,
    chosen_tenant,
    configurations_to_choose,
    tenants_to_choose,
    visible_configuration,
    whole_number,
)
from calling_pipeline.console.views import View
from calling_pipeline.errors import InvalidInput
from calling_pipeline.telephony.pool import extensions
from calling_pipeline.telephony.records import ImportResult, ImportRow
from calling_pipeline.telephony.tenants import collectors

router = APIRouter(tags=["telephony"])
LONGEST = 10_000_000
MOST_SHOWN = 1000
Do = Annotated[Literal["check", "import"], Form()]
Pasted = Annotated[str, Form(max_length=LONGEST)]


@dataclass(frozen=True)
class Verdicts:
    """What became of the rows, or would become of them; `wrong`: the first rows that are not imported."""

    counts: dict[ImportResult, int]
    wrong: Sequence[ImportRow]
    done: bool

    @property
    def rows(self) -> int:
        """How many rows there were: the sum of the counts."""
        return sum(self.counts.values())

    @property
    def refused(self) -> int:
        """How many rows are not imported."""
        return self.rows - self.counts["imported"]

    @classmethod
    def of(cls, rows: Sequence[ImportRow], *, done: bool) -> Verdicts:
        """The rows' results, counted."""
        found = Counter(row.result for row in rows)
        counts: dict[ImportResult, int] = {
            "imported": found["imported"],
            "already_there": found["already_there"],
            "duplicate_in_file": found["duplicate_in_file"],
            "invalid": found["invalid"],
        }
        return cls(counts, [row for row in rows if row.result != "imported"][:MOST_SHOWN], done)


@router.get("/telephony/extensions/import")
def show_extensions(view: Operator) -> Response:
    """The form to import extensions."""
    return _extensions(view, "", view.request.query_params.get("config", ""), None)


@router.post("/telephony/extensions/import")
def import_extensions(
    view: Operator, do: Do = "check", config_id: Text = "", text: Pasted = "", file: UploadFile | None = None
) -> Response:
    """Check the rows, or import them; every row gets its result."""
    given = _given(text, file)
    with view.transaction() as connection:
        config = visible_configuration(view, connection, config_id)
        rows = extensions.bulk_import(
            connection, config.id, extensions.read_csv(given), who=view.caller.name, dry_run=do == "check"
        )
    return _extensions(view, given, str(config.id), Verdicts.of(rows, done=do == "import"))


@router.get("/telephony/collectors/import")
def show_collectors(view: Operator) -> Response:
    """The form to import collectors."""
    return _collectors(view, "", view.request.query_params.get("tenant", ""), None)


@router.post("/telephony/collectors/import")
def import_collectors(
    view: Operator, do: Do = "check", tenant_id: Text = "", text: Pasted = "", file: UploadFile | None = None
) -> Response:
    """Check the rows, or import them; every row gets its result."""
    given = _given(text, file)
    tenant = view.caller.own_tenant(whole_number(tenant_id, "tenant_id"))
    with view.transaction() as connection:
        rows = collectors.bulk_import(
            connection, view.runtime.secrets, tenant, given, who=view.caller.name, dry_run=do == "check"
        )
    return _collectors(view, given, str(tenant), Verdicts.of(rows, done=do == "import"))


def _given(text: str, file: UploadFile | None) -> str:
    """What was pasted, or what the file holds. Raises `InvalidInput` for neither, and for a file that is not UTF-8."""
    if file is not None and file.filename:
        try:
            return file.file.read(LONGEST).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InvalidInput(f"the file is not UTF-8 (byte {error.start}); save it as UTF-8", field="file") from error
    if not text.strip():
        raise InvalidInput("paste rows or choose a file", field="text")
    return text


def _extensions(view: View, text: str, config: str, verdicts: Verdicts | None) -> Response:
    with view.transaction() as connection:
        configs = configurations_to_choose(connection, chosen_tenant(view))
    return view.page("telephony/import_extensions.html", text=text, config=config, configs=configs, verdicts=verdicts)


def _collectors(view: View, text: str, tenant: str, verdicts: Verdicts | None) -> Response:
    with view.transaction() as connection:
        tenants = tenants_to_choose(view, connection)
    return view.page("telephony/import_collectors.html", text=text, tenant=tenant, tenants=tenants, verdicts=verdicts)

"""Where the numbers come from and go to: vendors, source tables and files as external assets, and edges across rooms.

Dagster materializes none of these: they make the lineage one picture, so that a reader sees what stops when Guanke stops.
An edge says that data flow from one to the other. The graph has no cycles: `call_batches` also leaves out the numbers of
`call_history` and counts `contact_attempts`, which it writes itself.
"""

import dataclasses
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import dagster as dg
import sqlalchemy as sa

from calling_pipeline.call_batches.calling_tasks.tables import calling_tasks
from calling_pipeline.call_batches.calls.tables import call_log
from calling_pipeline.call_batches.records import SOURCE_TABLES
from calling_pipeline.contact_policy.tables import contact_attempts, do_not_call
from calling_pipeline.defs.naming import asset_key
from calling_pipeline.settings import Settings
from calling_pipeline.task_ledger.tables import task_ledger

LEDGER_FILES = "contract_ledger_files"
OUTSIDE = "outside"
"""The group of what is not ours: vendors, source tables and ledger files."""


@dataclasses.dataclass(frozen=True)
class Source:
    """An external asset: an outside system or file, or a table of ours that no run materializes as a whole."""

    name: str
    group: str
    kinds: frozenset[str]
    description: str
    reads: tuple[str, ...] = ()
    table: sa.Table | None = None


SOURCES: tuple[Source, ...] = (
    Source(
        "guanke",
        OUTSIDE,
        frozenset({"api"}),
        "Guanke: dials, and reports every call (call records, CDR) and the statistics of every dialling task.\n\n"
        "When it is down both tracks keep their last good numbers, and the checks and alerts on freshness say so.",
        reads=("dial_gateway",),
    ),
    Source(
        "dial_gateway",
        OUTSIDE,
        frozenset({"api"}),
        "Dialling gateway: takes the numbers of call batches, one push per call.",
        reads=("call_batches",),
    ),
    Source(
        "infinity",
        OUTSIDE,
        frozenset({"api"}),
        "Infinity: makes the calls of collectors, reports each by a signed callback, and bills every day.",
    ),
    Source(
        "metabase",
        OUTSIDE,
        frozenset({"metabase"}),
        "Metabase: the card that lists technicians' status changes.",
    ),
    Source(
        "wecom",
        OUTSIDE,
        frozenset({"api"}),
        "WeCom: group robots and users that messages are delivered to.",
        reads=("contract_notifications", "technician_notifications"),
    ),
    Source(
        SOURCE_TABLES,
        OUTSIDE,
        frozenset({"postgres", "table"}),
        "Work-order tables and views whose rows are called.\n\nEach calling task names its own. The newest observation lists"
        " every table with its tasks and when each was last planned from it.",
    ),
    Source(
        LEDGER_FILES,
        OUTSIDE,
        frozenset({"csv", "file"}),
        "Contract ledgers (合同台账): CSV files of signed contracts.\n\n"
        "The column 是否发送通知 gets Y when all messages of a contract were delivered; nothing else in them is changed.",
    ),
    Source(
        "calling_tasks",
        "call_batches",
        frozenset({"postgres"}),
        "Calling tasks: what is called, when, and by which rules. Operators change them.",
        table=calling_tasks,
    ),
    Source(
        "call_log",
        "call_batches",
        frozenset({"postgres"}),
        "Every push attempt and every settlement, append-only. Written call by call while a batch runs.",
        reads=("call_batches",),
        table=call_log,
    ),
    Source(
        "do_not_call",
        "contact_policy",
        frozenset({"postgres"}),
        "Do-not-call list (拒呼名单): asked before every call of a batch or a collector.",
        table=do_not_call,
    ),
    Source(
        "contact_attempts",
        "contact_policy",
        frozenset({"postgres"}),
        "Every attempt that the contact policy allowed; its caps and gaps are counted here, over batches and collectors.",
        reads=("call_batches", "communication_records"),
        table=contact_attempts,
    ),
    Source(
        "task_ledger",
        "task_ledger",
        frozenset({"postgres"}),
        "Every unit of work with its state and credits. Syncs and notifications save here, outside systems by API.",
        reads=("call_records", "task_stats_cache", "contract_notifications"),
        table=task_ledger,
    ),
)

READS: Mapping[str, Sequence[str]] = {
    "call_records": ("guanke",),
    "task_stats_cache": ("guanke",),
    "call_batches": (SOURCE_TABLES, "calling_tasks", "do_not_call"),
    "call_history": ("call_log",),
    "call_results": ("call_log",),
    "contract_notifications": (LEDGER_FILES,),
    "technician_notifications": ("metabase",),
    "communication_records": ("infinity", "do_not_call"),
    "task_usage": ("task_ledger",),
}
"""What an asset reads beside the assets of its own room."""


def sources(settings: Settings) -> list[dg.AssetSpec]:
    """The external assets, one for each ledger file of the settings among them.

    Source tables are one asset: calling tasks name them in the database, which is not asked when definitions are loaded, and
    operators add one without a restart. Which tables there are is what the asset is observed with whenever a batch is
    planned or a calling task changes, by whatever door (`calling_pipeline/defs/activity/`).
    """
    files = [_ledger_file(path) for path in settings.contract_ledgers]
    named = {spec.metadata["dagster/uri"]: spec for spec in files}  # a file named twice is one
    return [*map(_spec, SOURCES), *named.values()]


def ledger_file_key(path: Path) -> dg.AssetKey:
    """The key of a ledger file: its name as far as a key may hold it, and what tells files of one name apart."""
    plain = re.sub(r"[^A-Za-z0-9]+", "_", path.stem).strip("_")
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:6]
    return asset_key(LEDGER_FILES, f"{plain}_{digest}" if plain else digest)


def _ledger_file(path: Path) -> dg.AssetSpec:
    return dg.AssetSpec(
        ledger_file_key(path),
        description=f"Contract ledger {path.name}, as CALLING_CONTRACT_LEDGERS names it.",
        group_name=OUTSIDE,
        kinds={"csv", "file"},
        metadata={"dagster/uri": str(path)},
    )


def _spec(source: Source) -> dg.AssetSpec:
    return dg.AssetSpec(
        asset_key(source.name),
        deps=[asset_key(name) for name in source.reads],
        description=source.description,
        group_name=source.group,
        kinds=set(source.kinds),
        metadata={} if source.table is None else {"dagster/table_name": source.table.name},
    )

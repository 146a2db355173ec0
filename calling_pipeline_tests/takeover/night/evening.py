"""`docs/takeover.md`, sections 1 to 4: everything before the switch."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from calling_pipeline import days
from calling_pipeline_tests.support import http, wait_until
from calling_pipeline_tests.takeover.night import old_world
from calling_pipeline_tests.takeover.night.centre import LEDGERS, SIMULATOR, Centre
from calling_pipeline_tests.takeover.night.mariadb import READER, OldCentre
from calling_pipeline_tests.takeover.old_system import phone

FILES, TASKS = "/srv/old/notifications", "/srv/old/tasks.db"
SOURCES = (FILES, TASKS, READER)
TO_CALL = old_world.NEW[:20_000]
CALLED_IN_SHADOW = 15_000
LIST_ONLY = '{"preset": "list_only"}'
LEGS = 1200


@dataclass
class Begun:
    """What the rest of the night must know. `protected`: numbers that nobody may call; `free`: those that wait."""

    protected: set[str]
    free: set[str]
    switched_at: dt.datetime | None = None


def evening(centre: Centre, old: OldCentre, history: int) -> Begun:
    """Install, take over, a shadow day, the last takeover."""
    log = centre.journal
    with log.step("the old centre's tables are filled"):
        rows = old.fill(history)
        log.figure("rows of the old centre", rows)
        log.say(f"{old.version}")
    _files(centre)
    with log.step("1. before: the new system in shadow mode is installed and healthy"):
        centre.found(with_key=True)
        centre.setting("SHADOW", "true")
        centre.start()
        centre.operator("doctor")
        centre.operator("status")
        centre.operator("takeover mapping")
    _work_orders(centre, history)
    with log.step("2. dry run"):
        for source in SOURCES:
            centre.operator(f"takeover {source} --dry-run")
    with log.step("3. once, for good"):
        for source in SOURCES:
            centre.operator(f"takeover {source}")
    with log.step("3. again: only what is new is taken"):
        for source in SOURCES:
            again = centre.asked(f"takeover {source}")
            log.need(
                sum(part["taken"] for part in again["parts"]) == 0, f"the second takeover of {_plain(source)} takes nothing"
            )
    _reconciled(centre, rows)
    _shadow_day(centre, old)
    with log.step("4. the last takeover"):
        for source in SOURCES:
            centre.operator(f"takeover {source}")
        last = centre.asked(f"takeover {READER}")
        log.need(sum(part["taken"] for part in last["parts"]) == 0, "after the last takeover there is nothing more to take")
        centre.operator("takeover list")
        centre.operator("notify status")
    return _who(centre, history)


def _files(centre: Centre) -> None:
    """The old notifications' files: the product's account reads copies; the ledgers themselves are where they stay."""
    folder = centre.folder("/srv/old/notifications")
    old_world.files(folder)
    old_world.task_file(folder.parent / "tasks.db")
    ledgers = centre.folder(LEDGERS)
    for path in folder.glob("*.csv"):
        shutil.copy(path, ledgers)
    centre.machine.run(f"chown --recursive calling:calling /srv/old {LEDGERS}")


def _work_orders(centre: Centre, history: int) -> None:
    """The customer's table, which both systems call: new numbers, called ones, blocked ones."""
    called = [phone(n) for n in range(0, history, max(1, history // 12_000))]
    numbers = [*called, *old_world.may_have_been(), *old_world.never_begun(), *TO_CALL, *old_world.BLOCKED[:2000]]
    numbers += [f"+86 {number}" for number in TO_CALL[:500]] + ["没有", "12"] * 100
    rows = "\n".join(f"{number}\t员工{place % 30}\tCRM\t新装\t1\tWO-{place}" for place, number in enumerate(numbers))
    centre.psql(
        "CREATE SCHEMA crm AUTHORIZATION calling; SET ROLE calling;"
        " CREATE TABLE crm.work_orders (mobile text, staff text, system text, kind text, orders int, order_id text);\n"
        f"COPY crm.work_orders FROM STDIN;\n{rows}\n\\.\n"
    )
    centre.operator(
        'calls task add "new orders" --cron "0 9 1 1 *" --schema crm --table work_orders --mobile-phone mobile'
        " --staff-name staff --sys-name system --order-type kind --order-nums orders --row-key order_id --rate 80"
        f" --policy '{LIST_ONLY}'"
    )


def _reconciled(centre: Centre, rows: Mapping[str, int]) -> None:
    found = centre.asked("takeover list")
    taken = int(centre.psql("SELECT count(*) FROM communication_records"))
    centre.journal.need(taken == rows["communication_records"], f"all {taken} calls of collectors are here")
    parts = [part for one in found for part in one["parts"]]
    centre.journal.need(
        parts and all(part["difference"] == 0 for part in parts),
        f"{len(found)} takeovers, {len(parts)} parts: each reconciled to zero",
    )


def _shadow_day(centre: Centre, old: OldCentre) -> None:
    log, today = centre.journal, days.today()
    with log.step("3. a shadow day"):
        wants = f"{days.now().astimezone(days.SHANGHAI) + dt.timedelta(minutes=2):%-M %-H * * *}"
        centre.operator(f'calls task edit "new orders" --cron "{wants}"')
        log.say("the daemon plans the day's batch at its tick; meanwhile the old centre calls")
        wait_until(lambda: centre.asked("calls batches"), limit_s=LEGS, every_s=2)
        wait_until(lambda: centre.asked("calls batches")[0]["state"] == "completed", limit_s=LEGS, every_s=1)
        centre.operator("calls batches 1")
        old.calls(TO_CALL[:CALLED_IN_SHADOW])
        kept = centre.folder("/srv/compared")
        centre.operator(f"takeover compare --day {today} {READER} --csv /srv/compared/differences.csv")
        found = centre.asked(f"takeover compare --day {today} {READER}")
        ours, alone = found["new"] - found["both"], [one for one in found["differences"] if one["only"] == "old"]
        log.need(found["both"] == CALLED_IN_SHADOW and not alone, f"both call {CALLED_IN_SHADOW}; only this one {ours}")
        lines = (kept / "differences.csv").read_text(encoding="utf-8-sig").splitlines()
        log.need(len(lines) == 1 + ours, "the file has a line for each difference")
        log.need(
            http.get(f"{SIMULATOR}/gateway/_sim/requests").json()["arrivals"] == [], "in shadow nothing reached the gateway"
        )
        log.need(http.get(f"{SIMULATOR}/wecom/_sim/messages").json() == [], "and no message left")


def _who(centre: Centre, history: int) -> Begun:
    kept = set(centre.psql("SELECT phone FROM call_history").split())
    whole = {phone(n) for n in range(history)} | set(old_world.may_have_been()) | set(TO_CALL[:CALLED_IN_SHADOW])
    centre.journal.need(
        whole <= kept, f"the call history holds each of the {len(whole)} numbers that the old centre (may have) called"
    )
    free = set(TO_CALL[CALLED_IN_SHADOW:]) | set(old_world.never_begun())
    return Begun(kept | set(old_world.BLOCKED), free)


def _plain(source: str) -> str:
    return "the database" if "://" in source else Path(source).name

"""The switch, the first batches, what is killed amid them, and the restore elsewhere."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import signal
import time
from collections import Counter
from functools import partial
from typing import Any

import httpx
import psutil

from calling_pipeline import days
from calling_pipeline.backups.verifying import read_manifest
from calling_pipeline_tests.support import http, wait_until
from calling_pipeline_tests.takeover.night import old_world
from calling_pipeline_tests.takeover.night.centre import SIMULATOR, Centre
from calling_pipeline_tests.takeover.night.evening import LEGS, LIST_ONLY, Begun

FEW = old_world.NEW[30_000:30_020]
BACKUP = "/srv/backups/amid-the-batch"
WORKER_AT, POSTGRES_AT, LOST_AT = 1500, 3000, 5000
"""Calls made when the worker is killed, then PostgreSQL, then the whole machine."""


def gateway_answers() -> bool:
    """Whether the vendors are there."""
    try:
        return http.get(f"{SIMULATOR}/gateway/_sim/requests").is_success
    except httpx.HTTPError:
        return False


def called() -> list[dict[str, Any]]:
    """Every call that the gateway made, by its own list."""
    found: list[dict[str, Any]] = http.get(f"{SIMULATOR}/gateway/_sim/calls").json()
    return found


def night(first: Centre, spare: Centre, begun: Begun) -> None:
    """Switch, call, kill, lose, restore, go on: nobody twice, nobody who was called before."""
    _switch(first, begun)
    _few(first)
    _judge(first, begun)
    with first.journal.step("5. then the others: a batch amid which things are killed"):
        batch = _batch_begins(first)
        _backup(first, spare)
        _worker_killed(first)
        _postgres_killed(first)
        wait_until(lambda: len(called()) >= LOST_AT, limit_s=LEGS, every_s=0.5)
        _judge(first, begun)
    _lost(first)
    _restored(spare, begun, batch)
    _judge(spare, begun)
    everybody = {one["phone"] for one in called()}
    spare.journal.need(begun.free | set(FEW) == everybody, f"each of {len(everybody)} numbers was called, nobody else")


def _switch(centre: Centre, begun: Begun) -> None:
    with centre.journal.step("5. switch"):
        begun.switched_at = days.now()
        centre.setting("SHADOW", "false")
        centre.stop()
        centre.start()
        said = centre.operator("status")
        centre.journal.need("hadow" not in said, "status no longer speaks of shadow mode")


def _few(centre: Centre) -> None:
    rows = [*FEW, *old_world.may_have_been()[:5], *old_world.BLOCKED[:5], *old_world.NEW[:5]]
    with centre.journal.step("5. the first batch with few rows, watched"):
        lines = "\n".join(rows)
        centre.psql(f"SET ROLE calling; CREATE TABLE crm.few (mobile text);\nCOPY crm.few FROM STDIN;\n{lines}\n\\.\n")
        centre.operator(
            'calls task add "few" --cron "0 9 1 1 *" --schema crm --table few --mobile-phone mobile'
            f" --policy '{LIST_ONLY}'"
        )
        centre.operator('calls run --task "few" --dry-run')
        centre.operator('calls run --task "few"')
        centre.journal.need(
            sorted(one["phone"] for one in called()) == FEW, f"{len(FEW)} of {len(rows)} were called, the others known"
        )


def _judge(centre: Centre, begun: Begun) -> None:
    """By the gateway's own list."""
    times = Counter(one["phone"] for one in called())
    log = centre.journal
    log.need(max(times.values()) == 1, f"the gateway's list: {len(times)} numbers, none twice")
    log.need(not begun.protected & set(times), "none of whom the old centre called, may have called, or blocked")
    log.need(all(one["requests"] == 1 for one in called()), "no request was repeated")


def _batch_begins(centre: Centre) -> int:
    said = centre.operator('calls run --task "new orders" --dry-run')
    centre.journal.need("10,000" in said or "10000" in said, "10,000 would be called, as the shadow day said")
    before = len(called())
    wants = f"{days.now().astimezone(days.SHANGHAI) + dt.timedelta(minutes=2):%-M %-H * * *}"
    centre.operator(f'calls task edit "new orders" --cron "{wants}"')
    wait_until(lambda: len(called()) > before + 300, limit_s=LEGS, every_s=0.5)
    batch = int(centre.psql("SELECT max(id) FROM call_batches"))
    centre.operator(f"calls batches {batch}")
    return batch


def _backup(first: Centre, spare: Centre) -> None:
    log = first.journal
    first.folder("/srv/backups")
    before, begin = len(called()), time.monotonic()
    first.operator(f"backup {BACKUP}")
    log.figure("a backup amid the batch, s", round(time.monotonic() - begin, 1))
    log.say(f"meanwhile {len(called()) - before} calls were made")
    first.operator(f"restore {BACKUP} --verify")
    target = spare.folder("/srv/backups")
    shutil.copytree(first.machine.root / BACKUP.lstrip("/"), target / "amid-the-batch", copy_function=shutil.copy2)
    spare.machine.run("chown --recursive calling:calling /srv/backups")
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    log.figure("size of the backup, MB", round(size / 1e6, 1))


def _worker_killed(centre: Centre) -> None:
    log = centre.journal
    wait_until(lambda: len(called()) >= WORKER_AT, limit_s=LEGS, every_s=0.2)
    pid = _pusher(centre)
    os.kill(pid, signal.SIGKILL)
    at, calls = time.monotonic(), len(called())
    log.say(f"kill -9 {pid}, the process that pushes, after {calls} calls")
    _goes_on(centre, at)


def _postgres_killed(centre: Centre) -> None:
    log = centre.journal
    wait_until(lambda: len(called()) >= POSTGRES_AT, limit_s=LEGS, every_s=0.2)
    pid = centre.machine.kill_postgres()
    log.say(f"kill -9 {pid}, the postmaster, after {len(called())} calls")
    time.sleep(5)
    stood = len(called())
    log.say(f"without a database nobody is called: {stood} calls")
    tried = wait_until(partial(_started, centre), limit_s=LEGS, every_s=2)
    log.say(f"pg_ctlcluster 15 main start: it has to wait for the last session of the postmaster that was killed ({tried})")
    _goes_on(centre, time.monotonic())


def _started(centre: Centre) -> str:
    """What is said of a start that succeeded; nothing while sessions of the killed postmaster hold its memory."""
    done = centre.machine.run("pg_ctlcluster 15 main start", check=False)
    return "" if done.returncode else "started"


def _goes_on(centre: Centre, since: float) -> None:
    """Wait until the batch calls again, by itself; then settle what is unknown by the gateway's list."""
    log = centre.journal
    wait_until(lambda: centre.machine.run("calling-pipeline status", check=False).returncode == 0, limit_s=LEGS, every_s=1)
    stands = len(called())
    wait_until(lambda: len(called()) > stands + 50, limit_s=LEGS, every_s=0.2)
    log.figure("until the batch called again by itself, s", round(time.monotonic() - since, 1))
    _settle(centre)


def _settle(centre: Centre) -> None:
    """What a person does with unknown calls: look into the gateway's list, and say what it says."""
    made = {one["distinct_id"] for one in called()}
    unknown = centre.psql("SELECT id, distinct_id FROM call_tasks WHERE state = 'unknown' ORDER BY id").splitlines()
    centre.journal.say(
        f"{len(unknown)} calls are unknown; the gateway's list has {sum(line.split('|')[1] in made for line in unknown)}"
    )
    for decided in ("pushed", "retry"):
        ids = [line.split("|")[0] for line in unknown if (line.split("|")[1] in made) == (decided == "pushed")]
        if ids:
            centre.operator(f'calls settle {" ".join(ids)} --as {decided} --note "by the list of the gateway"')


def _pusher(centre: Centre) -> int:
    """The process that holds the lock of the batch, by its connection."""
    ask = "SELECT client_port FROM pg_stat_activity WHERE application_name LIKE 'lock: call batch%'"
    port = int(wait_until(lambda: centre.psql(ask).splitlines())[0])
    return next(one.pid for one in psutil.net_connections("tcp") if one.laddr.port == port and one.pid)


def _lost(centre: Centre) -> None:
    with centre.journal.step("the machine is lost: everything on it killed at once"):
        centre.machine.kill_postgres()
        for unit in list(centre.machine.units):
            centre.machine.kill(unit)
        _kill_below(centre)
        centre.journal.say(f"{len(called())} calls were made until then")


def _kill_below(centre: Centre) -> None:
    """Every process whose root is the machine's: runs, and what is left of PostgreSQL."""
    root = str(centre.machine.root)
    for process in psutil.process_iter():
        try:
            if os.readlink(f"/proc/{process.pid}/root") == root:
                process.kill()
        except (OSError, psutil.NoSuchProcess):
            continue


def _restored(centre: Centre, begun: Begun, batch: int) -> None:
    log = centre.journal
    with log.step("restore elsewhere"):
        centre.found(with_key=False)
        begin = time.monotonic()
        centre.operator(f'restore {BACKUP} --replace --reason "the machine was lost"')
        log.figure("the restore itself, s", round(time.monotonic() - begin, 1))
        centre.machine.run("install --mode=0600 /var/lib/calling/secret.key /etc/calling/secrets/secret_key")
        centre.start()
    before = len(called())
    with log.step("nothing goes out until a person says how to go on"):
        centre.operator("status")
        said = centre.operator('calls run --task "new orders"', fails=True)
        log.need("go-on" in said, "who starts a batch reads why it does not start, and how to go on")
        time.sleep(65)  # a tick of each sensor, and one of the task
        log.need(len(called()) == before, f"a minute later nobody was called: {before}")
        missing = _list_since(centre)
        centre.operator(
            'go-on calls --called-since /srv/backups/numbers.csv --reason "the list of the gateway since the backup"'
        )
        log.say(f"the list of the gateway has {missing} calls since the backup")
        centre.operator('go-on messages --may-have-been-sent --reason "it ran for some minutes after the backup"')
    with log.step("the batch goes on where the backup had it"):
        _settle(centre)
        wait_until(lambda: _over(centre, batch), limit_s=LEGS, every_s=2)
        _settle(centre)
        wait_until(lambda: _over(centre, batch), limit_s=LEGS, every_s=2)
        centre.operator(f"calls batches {batch}")
        centre.operator("calls why " + sorted(begun.free)[0])
        centre.operator("status")


def _over(centre: Centre, batch: int) -> bool:
    return centre.psql(f"SELECT state FROM call_batches WHERE id = {batch}") == "completed"


def _list_since(centre: Centre) -> int:
    """What the gateway's operator sends: numbers with their times since the moment of the backup."""
    at = read_manifest(centre.machine.root / BACKUP.lstrip("/")).made_at.timestamp()
    since = [one for one in called() if one["at"] >= at]
    lines = [f"{one['phone']},{dt.datetime.fromtimestamp(one['at'], days.SHANGHAI):%Y-%m-%d %H:%M:%S}" for one in since]
    centre.machine.write("/srv/backups/numbers.csv", "\n".join(["mobile_phone,updated_time", *lines, ""]))
    return len(since)
